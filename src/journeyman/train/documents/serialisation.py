"""Several ways to write a repository as one text, so that no single one is learned by heart.

`special` has the special tokens of repositories; `markdown` fences each file under its path; `tree`
names all files before their texts; `tags` puts each in a tag. A fence is longer than any in the file.

    >>> files = [SourceFile("a.py", "x = 1\\n")]
    >>> serialise("demo", files, "markdown").text
    '# demo\\n\\n## a.py\\n\\n```py\\nx = 1\\n```\\n<|endoftext|>'
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Literal

from journeyman.train.documents.document import END_OF_TEXT, Document, Span
from journeyman.train.documents.repository import SourceFile, repository_document

__all__ = ["SERIALISATIONS", "Serialisation", "serialise"]

Serialisation = Literal["special", "markdown", "tree", "tags"]
SERIALISATIONS: tuple[Serialisation, ...] = ("special", "markdown", "tree", "tags")

_FENCE = re.compile(r"^`{3,}", re.MULTILINE)


def serialise(name: str, files: Sequence[SourceFile], form: Serialisation) -> Document:
    """Write files in the order given, all trained on, and the end of the text."""
    if form == "special":
        return repository_document(name, files)
    writers = {"markdown": _markdown, "tree": _tree, "tags": _tags}
    spans = (Span(writers[form](name, files)), Span.special(END_OF_TEXT))
    return Document(spans, source=f"repository_{form}")


def _markdown(name: str, files: Sequence[SourceFile]) -> str:
    return f"# {name}\n" + "".join(_fenced(file) for file in files)


def _fenced(file: SourceFile) -> str:
    longest = max((len(it) for it in _FENCE.findall(file.text)), default=2)
    fence = "`" * (longest + 1)
    kind = posixpath.splitext(file.path)[1].removeprefix(".")
    return f"\n## {file.path}\n\n{fence}{kind}\n{_ended(file.text)}{fence}\n"


def _tree(name: str, files: Sequence[SourceFile]) -> str:
    listing = "".join(f"  {file.path}\n" for file in sorted(files, key=lambda it: it.path))
    texts = "".join(f"\n=== {file.path}\n{_ended(file.text)}" for file in files)
    return f"{name}/\n{listing}{texts}"


def _tags(name: str, files: Sequence[SourceFile]) -> str:
    texts = "".join(f'<file path="{file.path}">\n{_ended(file.text)}</file>\n' for file in files)
    return f'<repository name="{name}">\n{texts}</repository>\n'


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
