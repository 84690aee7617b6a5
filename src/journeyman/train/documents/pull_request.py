"""Pull-request documents: what was asked, the files before, and the edit in one of two forms.

The edit is a diff, or search-and-replace blocks, which a model that has no line numbers writes more
easily (report, section 3.1). What the repository held before is context; with `trains_on_context`
false only the edit is trained on.

    >>> change = FileChange("a.py", "x = 1\\n", "x = 2\\n")
    >>> document = pull_request_document("toolz", "x is 2", [change], form="search_replace")
    >>> document.text.endswith("=======\\nx = 2\\n>>>>>>> REPLACE\\n<|endoftext|>")
    True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from journeyman.train.documents.document import (
    END_OF_TEXT,
    FILE_SEPARATOR,
    REPOSITORY_NAME,
    Document,
    Span,
)
from journeyman.train.documents.edits import find_blocks, unified_diff, write_block

__all__ = ["FileChange", "Form", "pull_request_document"]

Form = Literal["search_replace", "diff"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after; an empty text where there was or will be no file."""

    path: str
    before: str
    after: str


def pull_request_document(
    name: str,
    description: str,
    changes: Sequence[FileChange],
    *,
    form: Form = "search_replace",
    trains_on_context: bool = True,
) -> Document:
    """Write a pull request: repository, the files it changes as they were, its words, its edit."""
    before = [Span.special(REPOSITORY_NAME, is_trained=trains_on_context)]
    before.append(Span(f"{name}\n", is_trained=trains_on_context))
    for change in changes:
        if change.before:
            before.append(Span.special(FILE_SEPARATOR, is_trained=trains_on_context))
            text = f"{change.path}\n{change.before}"
            before.append(Span(text, is_trained=trains_on_context))
    before.append(Span.special(FILE_SEPARATOR, is_trained=trains_on_context))
    words = f"PULL_REQUEST\n{description.rstrip()}\n\n"
    before.append(Span(words, is_trained=trains_on_context))
    edit = "".join(_write(change, form) for change in changes)
    spans = (*before, Span(edit), Span.special(END_OF_TEXT))
    return Document(spans, source=f"pull_request_{form}")


def _write(change: FileChange, form: Form) -> str:
    if form == "diff":
        return unified_diff(change.path, change.before, change.after)
    blocks = find_blocks(change.before, change.after)
    return "".join(write_block(change.path, block) for block in blocks)
