"""Files of data, a record a line: whole or refused, where a log that a run appends to may end torn.

for number, record in enumerate(read_shard(path), start=1): ...
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.runs.storage import scan_jsonl

__all__ = ["read_shard"]


def read_shard(path: Path) -> list[Any]:
    """Return all records of a file; the last line needs no line break.

    Raises `JourneymanError` for a file that is not there, that breaks off within a line, or that has a
    line which is no JSON.
    """
    if not path.is_file():
        raise JourneymanError(f"no file {path}", "give a JSONL file, a record a line")
    found = scan_jsonl(path)
    if not found.torn.strip():
        return found.records
    try:
        return [*found.records, json.loads(found.torn)]
    except ValueError:
        number = len(found.records) + 1
        raise JourneymanError(
            f"{path} breaks off within line {number}: it was cut off",
            "write or copy the file again",
        ) from None
