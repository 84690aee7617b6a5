"""Documents as lines of JSONL: spans of text, each plain or special, each trained on or not.

write_documents(path, documents)
for document in read_documents(path): ...
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.runs import write_atomic
from journeyman.train.documents.document import Document, Span
from journeyman.train.documents.shard import read_shard
from journeyman.types import Data

__all__ = ["read_documents", "write_documents"]


class _Record(Data):
    """One line; a span is its text, whether it is special, whether it is trained on."""

    spans: tuple[tuple[str, bool, bool], ...]
    source: str = ""


def write_documents(path: Path, documents: Iterable[Document]) -> int:
    """Write documents to a file at once; return how many."""
    lines = []
    for document in documents:
        spans = tuple((it.text, it.is_special, it.is_trained) for it in document.spans)
        lines.append(_Record(spans=spans, source=document.source).model_dump_json())
    write_atomic(path, "".join(f"{line}\n" for line in lines))
    return len(lines)


def read_documents(path: Path) -> Iterator[Document]:
    """Yield the documents of a file; `JourneymanError` names the first line that is none."""
    if not path.is_file():
        raise JourneymanError(f"no file {path}", "give a JSONL file that journeyman data wrote")
    for number, line in enumerate(read_shard(path), start=1):
        try:
            record = _Record.model_validate_json(json.dumps(line))
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise JourneymanError(
                f"{path}, line {number} is no document: {reason}", "write the file again"
            ) from None
        yield Document(tuple(Span(*it) for it in record.spans), record.source)
