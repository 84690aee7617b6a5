"""Repository documents: the files of a repository one after the other, each under its path.

>>> repository_document("toolz", [SourceFile("toolz/__init__.py", "x = 1\\n")]).text
'<|repo_name|>toolz\\n<|file_sep|>toolz/__init__.py\\nx = 1\\n<|endoftext|>'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from journeyman.train.documents.document import (
    END_OF_TEXT,
    FILE_SEPARATOR,
    REPOSITORY_NAME,
    Document,
    Span,
)
from journeyman.train.documents.fill_in_middle import Holed, Order, fill_in_middle

__all__ = [
    "SourceFile",
    "fill_in_repository",
    "repository_document",
]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a repository."""

    path: str
    """Relative to the repository, with `/`."""
    text: str


def repository_document(name: str, files: Iterable[SourceFile]) -> Document:
    """Write files in the order given, each as its path and its text, and the end of the text."""
    spans = (*_opening(name, files), Span.special(END_OF_TEXT))
    return Document(spans, source="repository")


def fill_in_repository(
    name: str,
    others: Sequence[SourceFile],
    path: str,
    holed: Holed,
    *,
    order: Order = "psm",
    trains_on_context: bool = True,
) -> Document:
    """Write the other files, then the path of the last one, which has a hole to be filled."""
    heading = (Span.special(FILE_SEPARATOR), Span(f"{path}\n"))
    context = Document((*_opening(name, others), *heading))
    return fill_in_middle(holed, order=order, context=context, trains_on_context=trains_on_context)


def _opening(name: str, files: Iterable[SourceFile]) -> tuple[Span, ...]:
    spans = [Span.special(REPOSITORY_NAME), Span(f"{name}\n")]
    for file in files:
        spans += [Span.special(FILE_SEPARATOR), Span(f"{file.path}\n{file.text}")]
    return tuple(spans)
