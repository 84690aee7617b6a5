"""The changed blocks of a source file, those of its tests told from those of its code.

>>> blocks = find_blocks("a.py", b"x = 1\\n", b"x = 2\\ndef test_x():\\n    assert x\\n")
>>> blocks.applied(is_test=False), blocks.applied(is_test=True)
(b'x = 2\\n', b'x = 1\\ndef test_x():\\n    assert x\\n')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from journeyman.tasks.mine.regions import test_lines

__all__ = ["Blocks", "find_blocks"]

_MAX_LINES = 20_000
"""A longer file is not taken apart: comparing it would take too long."""


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    """First line of the old file that is replaced, from 0, and one past the last."""
    lines: tuple[bytes, ...]
    """What stands there instead."""
    is_test: bool


@dataclass(frozen=True, slots=True)
class Blocks:
    """The changes of one file."""

    before: tuple[bytes, ...]
    blocks: tuple[_Block, ...]

    is_tangled: bool = False
    """Whether lines of both kinds were taken away in one place, so that neither stands alone."""

    @property
    def is_all_code(self) -> bool:
        """Whether no block is a test."""
        return not any(block.is_test for block in self.blocks)

    @property
    def is_all_test(self) -> bool:
        """Whether every block is a test."""
        return bool(self.blocks) and all(block.is_test for block in self.blocks)

    def applied(self, *, is_test: bool) -> bytes:
        """Return the old file with only the blocks of tests, or only the others, changed."""
        lines: list[bytes] = []
        at = 0
        for block in self.blocks:
            if block.is_test != is_test:
                continue
            lines += [*self.before[at : block.start], *block.lines]
            at = block.end
        return b"".join([*lines, *self.before[at:]])


def find_blocks(path: str, before: bytes, after: bytes) -> Blocks:
    """Compare two states of a source file and sort the changes by the side on which they lie.

    Blank lines go with their neighbours. Nothing is sorted in a file too long to be compared.
    """
    old, new = tuple(before.splitlines(keepends=True)), tuple(after.splitlines(keepends=True))
    old_tests, new_tests = test_lines(path, before), test_lines(path, after)
    if not (old_tests or new_tests) or max(len(old), len(new)) > _MAX_LINES:
        return Blocks(old, (_Block(0, len(old), new, is_test=False),))
    blocks: list[_Block] = []
    is_tangled = False
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag == "equal":
            continue
        removed = {index + 1 in old_tests for index in range(start, end) if old[index].strip()}
        runs = _runs(new, range(first, last), new_tests)
        is_tangled = is_tangled or len(removed) == 2
        blocks += _placed(start, end, runs, next(iter(removed), None))
    return Blocks(old, tuple(blocks), is_tangled)


_Run = tuple[bool, tuple[bytes, ...]]


def _runs(lines: Sequence[bytes], part: range, tests: set[int]) -> list[_Run]:
    """Cut new lines where code and tests meet; blank lines stay with what is above them if they can."""
    runs: list[tuple[bool, list[bytes]]] = []
    for index in part:
        is_test = index + 1 in tests
        if runs and (runs[-1][0] == is_test or not lines[index].strip()):
            runs[-1][1].append(lines[index])
        elif runs and not b"".join(runs[-1][1]).strip():
            runs[-1] = (is_test, [*runs[-1][1], lines[index]])
        else:
            runs.append((is_test, [lines[index]]))
    return [(is_test, tuple(found)) for is_test, found in runs]


def _placed(start: int, end: int, runs: list[_Run], removed: bool | None) -> list[_Block]:
    """Let the first run on the side of what was taken away replace it; the others are put beside it."""
    sides = [is_test for is_test, _ in runs]
    if start == end:
        return [_Block(start, end, lines, is_test) for is_test, lines in runs]
    side = removed if removed is not None else next(iter(sides), False)
    if side not in sides:
        gone = _Block(start, end, (), side)
        return [gone, *(_Block(end, end, lines, is_test) for is_test, lines in runs)]
    at = sides.index(side)
    return [
        _Block(end if index > at else start, start if index < at else end, lines, is_test)
        for index, (is_test, lines) in enumerate(runs)
    ]
