"""Repairs of one line as conversations: short functions of any source, a bug put into each by rule.

No test says that these bugs matter, so they are no tasks: they teach the form of the scaffolds `line`
and `words`, and what code looks like that somebody wrote. The prompt is exactly the scaffold's.

    for conversation in repair_conversations([Path("src")], RepairSettings()): ...
"""

from __future__ import annotations

import ast
import hashlib
import tempfile
import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from journeyman.config import Config
from journeyman.scaffolds.line import shortest_change, show_lines
from journeyman.tasks.mutate import Mutation, iterate_mutations, list_sources
from journeyman.train.documents.conversation import Conversation
from journeyman.types import Message

__all__ = ["RepairSettings", "repair_conversations", "short_functions"]

_MOST_CHARACTERS = 700


class RepairSettings(Config):
    """Which bugs are put into which functions."""

    form: Literal["line", "words"] = "line"
    """The scaffold whose answers are written."""
    kinds: tuple[str, ...] = ()
    """Kinds of procedural bugs; all that change one line where none is named."""
    max_function_lines: int = Field(default=14, ge=2)
    """Longest function, in lines."""
    num: int = Field(default=0, ge=0)
    """Most repairs, spread over kinds and functions; 0 for all."""
    num_per_function: int = Field(default=6, ge=1)
    """Most bugs of one function."""
    seed: int = 0


def repair_conversations(
    folders: Iterable[Path], settings: RepairSettings, *, unseen: Collection[str] = ()
) -> Iterator[Conversation]:
    """Yield a conversation a bug; functions whose text is in `unseen` are left out.

    The same folders and settings give the same conversations in the same order.
    """
    functions = {
        text
        for folder in folders
        for text in short_functions(folder, settings.max_function_lines)
        if text not in unseen
    }
    # Bugs are put into files; one a function, so that a bug costs as much as its function.
    with tempfile.TemporaryDirectory() as scratch:
        for text in functions:
            (Path(scratch) / _name(text)).write_text(text, encoding="utf-8")
        uses: Counter[str] = Counter()
        num_found = 0
        for mutation in iterate_mutations(
            Path(scratch), kinds=settings.kinds or None, seed=settings.seed
        ):
            found = _conversation(Path(scratch), mutation, settings.form)
            if found is not None and uses[mutation.path] < settings.num_per_function:
                uses[mutation.path] += 1
                num_found += 1
                yield found
            if num_found == settings.num > 0:
                return


def short_functions(folder: Path, max_lines: int) -> Iterator[str]:
    """Yield the functions of a folder's sources, without the indentation they stand at."""
    for path in list_sources(folder):
        try:
            source = (folder / path).read_text(encoding="utf-8")
            tree = ast.parse(source)
        except (SyntaxError, ValueError):  # not everything that ends in .py is Python of today
            continue
        lines = source.split("\n")
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            last = node.end_lineno or node.lineno
            text = textwrap.dedent("\n".join(lines[node.lineno - 1 : last])) + "\n"
            if last - node.lineno < max_lines and len(text) <= _MOST_CHARACTERS:
                yield text


def _name(text: str) -> str:
    return f"f{hashlib.sha256(text.encode()).hexdigest()[:16]}.py"


def _conversation(folder: Path, mutation: Mutation, form: str) -> Conversation | None:
    """None where more than one line changes."""
    right = (folder / mutation.path).read_text(encoding="utf-8").rstrip("\n").split("\n")
    body = [line for line in mutation.patch.split("\n") if not line.startswith(("+++", "---"))]
    removed = [line[1:] for line in body if line.startswith("-")]
    added = [line[1:] for line in body if line.startswith("+")]
    index = mutation.line - 1
    if len(removed) != 1 or len(added) != 1 or right[index] != removed[0]:
        return None
    wrong = [*right[:index], added[0], *right[index + 1 :]]
    text = _answer(added[0].strip(), removed[0].strip(), form)
    if text is None:
        return None
    answer = f"{mutation.line}{text}"
    return Conversation(
        messages=(
            Message(role="user", content=show_lines(wrong)),
            Message(role="assistant", content=answer),
        ),
        source=f"repair:{mutation.kind}",
        id=mutation.digest[:16],
    )


def _answer(wrong: str, right: str, form: str) -> str | None:
    if form == "line":
        return f" {right}"
    change = shortest_change(wrong, right)
    return None if change is None else f"\n{change[0]}\n{change[1]}"
