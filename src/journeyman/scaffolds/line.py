"""Scaffolds `line` and `words`: the function at fault is shown, and one turn answers what to change.

The shortest prompt that a repair can have, for models that are too small for tools: a first step of a
curriculum. The task's hints say where the function is (`journeyman tasks locate`); its lines are read
in the agent's own workspace and numbered from 1. The problem statement is not shown. An answer to `line`
is one or more lines, each a number and the new text, which gets the old line's indentation:

    4 if count <= limit:

An answer to `words` is three lines: a number, what stands once in that line, and what should:

    4
    <
    <=

Not for tasks whose fault lies in several functions or that need new lines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from journeyman.errors import AttributedError
from journeyman.sandbox.base import Sandbox
from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.edit_text import lines_of
from journeyman.scaffolds.session import LimitReached, ModelSession
from journeyman.types import Ending, Message, Task, TaskView

__all__ = [
    "LineRepair",
    "Place",
    "find_place",
    "make_line",
    "make_words",
    "read_lines",
    "read_words",
    "shortest_change",
    "show_lines",
    "tell_place",
]

_TOLD = "The fault is in lines {first} to {last} of {path}."
_PLACE = re.compile(r"lines (\d+) to (\d+) of (\S+?)\.?(?=\s|$)")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_ANSWER = re.compile(r"\s*(\d{1,4})[ \t]+(\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class Place:
    """Some lines of a file, counted from 1, both included."""

    path: str
    first: int
    last: int


def tell_place(place: Place) -> str:
    """Say where a fault is, as `find_place` reads it."""
    return _TOLD.format(path=place.path, first=place.first, last=place.last)


def find_place(task: Task | TaskView) -> Place:
    """Read where the fault is from a task's hints. Raises `AttributedError("task_broken")`."""
    found = _PLACE.search(task.hints_text)
    if found is None:
        raise AttributedError(
            "task_broken", "the hints name no lines; see journeyman tasks locate --help"
        )
    return Place(found[3], int(found[1]), int(found[2]))


def show_lines(lines: Sequence[str]) -> str:
    """Number lines from 1, without the indentation that they share.

    >>> show_lines(["    def f(a):", "        return a"])
    '1 def f(a):\\n2     return a'
    """
    shared = min((_indent(it) for it in lines if it.strip()), default=0)
    return "\n".join(
        f"{number} {line[shared:].rstrip()}".rstrip() for number, line in enumerate(lines, start=1)
    )


def read_lines(text: str, shown: Sequence[str]) -> dict[int, str]:
    """Return the new text of each numbered line; nothing where any part of the answer is no such line.

    >>> read_lines("2 return a + 1", ["def f(a):", "    return a"])
    {2: 'return a + 1'}
    """
    found: dict[int, str] = {}
    for line in text.strip().splitlines():
        match = _ANSWER.fullmatch(line)
        number = int(match[1]) if match else 0
        if match is None or not 1 <= number <= len(shown) or number in found:
            return {}
        found[number] = match[2]
    return found


def read_words(text: str, shown: Sequence[str]) -> dict[int, str]:
    """Return the changed line by its number; nothing where what is to be replaced is not there once.

    >>> read_words("2\\na\\na + 1", ["def f(a):", "    return -a"])
    {2: 'return -a + 1'}
    """
    number, old, new = [*(it.strip() for it in text.strip("\n").split("\n")), "", ""][:3]
    if text.strip().count("\n") > 2 or not number.isdecimal():
        return {}
    if not old or not 1 <= int(number) <= len(shown):
        return {}
    line = shown[int(number) - 1].strip()
    return {int(number): line.replace(old, new)} if line.count(old) == 1 else {}


def shortest_change(old: str, new: str) -> tuple[str, str] | None:
    """Return what to replace by what in a line, as few words as are there once; None if nothing is.

    >>> shortest_change("if a < 1:", "if a <= 1:")
    ('<', '<=')
    """
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    most = min(len(before), len(after))
    first = next((it for it in range(most) if before[it] != after[it]), most)
    rest = most - first
    behind = next((it for it in range(rest) if before[-1 - it] != after[-1 - it]), rest)
    goes_left = True
    while True:
        found = "".join(before[first : len(before) - behind])
        instead = "".join(after[first : len(after) - behind])
        is_bare = found == found.strip() and instead == instead.strip()
        if found and is_bare and found != instead and old.count(found) == 1:
            return found, instead
        if first > 0 and (goes_left or not behind):
            first -= 1
        elif behind > 0:
            behind -= 1
        else:
            return None
        goes_left = not goes_left


class LineRepair(Scaffold):
    """An agent that answers once; `read` makes new lines of its answer and of what it was shown."""

    def __init__(self, name: str, read: Callable[[str, Sequence[str]], dict[int, str]]) -> None:
        self.name = name
        self._read = read

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Show the lines, ask once and change what the answer says."""
        place = find_place(task)
        path = f"{task.workspace}/{place.path}"
        lines = lines_of((await sandbox.read(path)).decode("utf-8", "surrogateescape"))
        shown = lines[place.first - 1 : place.last]
        if not shown:
            raise AttributedError("task_broken", f"{place.path} has no line {place.first}")
        try:
            turn = await session.turn([Message(role="user", content=show_lines(shown))])
        except LimitReached as limit:
            return limit.ending
        clock = time.monotonic()
        answer = {} if turn.format_errors else self._read(turn.message.content, shown)
        if not answer:
            session.observe([])
            return Ending.FORMAT_LIMIT
        changed = [*lines[: place.first - 1], *_changed(shown, answer), *lines[place.last :]]
        await sandbox.write(path, "".join(changed).encode("utf-8", "surrogateescape"))
        session.observe([], duration_s=time.monotonic() - clock)
        return Ending.SUBMITTED


def make_line() -> LineRepair:
    """Return the scaffold that is answered with whole lines."""
    return LineRepair("line", read_lines)


def make_words() -> LineRepair:
    """Return the scaffold that is answered with the words to change."""
    return LineRepair("words", read_words)


def _changed(lines: Sequence[str], answer: Mapping[int, str]) -> list[str]:
    found = list(lines)
    for number, text in answer.items():
        line = lines[number - 1]
        end = line[len(line.rstrip("\r\n")) :]
        found[number - 1] = f"{line[: _indent(line)]}{text}{end}"
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
