"""Data as lines of JSONL, one object a line, of one kind.

for conversation in read_data(path, Conversation, noun="conversation", hint="..."): ...
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.train.documents.shard import read_shard
from journeyman.types import Data

__all__ = ["read_data"]

DataT = TypeVar("DataT", bound=Data)


def read_data(path: Path, kind: type[DataT], *, noun: str, hint: str) -> Iterator[DataT]:
    """Yield the objects of a file; `JourneymanError` names the first line that is none.

    `noun` is what one is called in errors, `hint` what to do about a line that is none.
    """
    if not path.is_file():
        raise JourneymanError(f"no file {path}", f"give a JSONL file of {noun}s")
    for number, record in enumerate(read_shard(path), start=1):
        try:
            yield kind.model_validate_json(json.dumps(record))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise JourneymanError(
                f"{path}, line {number} is no {noun}: {where}: {first['msg']}", hint
            ) from None
