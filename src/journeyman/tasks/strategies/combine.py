"""Several bugs that were validated alone, put in together: in one file, or in files of one module.

for bug in combined(repository, tasks, seed=0):
    print(bug.kind, bug.source)
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations, pairwise
from pathlib import Path, PurePosixPath

from journeyman.tasks.bug import Bug, Unmade, make_bug
from journeyman.tasks.patches import changed_places
from journeyman.tasks.tree import patched, read_file
from journeyman.types import Task

__all__ = ["combined"]

SIZES = (2, 3)
MAX_TURNS = 8


def combined(root: Path, tasks: Sequence[Task], *, seed: int = 0) -> Iterator[Bug | Unmade]:
    """Yield combinations of the bugs of validated tasks, spread over files and modules.

    Bugs that touch the same lines are not combined. The same tasks and seed give the same order.
    """
    single = [task for task in tasks if len(_paths(task)) == 1]
    groups: dict[tuple[str, str], list[Task]] = defaultdict(list)
    for task in single:
        path = _paths(task)[0]
        groups["file", path].append(task)
        groups["module", str(PurePosixPath(path).parent)].append(task)
    drawn = [
        (_order(seed, picked), where, picked)
        for (where, _), members in groups.items()
        for size in SIZES
        for picked in combinations(members, size)
        if where == "file" or len({_paths(task)[0] for task in picked}) == size
    ]
    uses: dict[str, int] = defaultdict(int)
    for _, where, picked in sorted(drawn, key=lambda item: item[0]):
        if any(uses[task.instance_id] >= MAX_TURNS for task in picked):
            continue
        for task in picked:
            uses[task.instance_id] += 1
        yield _together(root, where, picked)


def _together(root: Path, where: str, picked: Sequence[Task]) -> Bug | Unmade:
    names = " + ".join(task.instance_id for task in picked)
    changes: dict[str, tuple[bytes, bytes]] = {}
    for path in sorted({path for task in picked for path in _paths(task)}):
        before = read_file(root, path)
        assert before is not None
        patches = [task.bug_patch for task in picked if path in _paths(task)]
        after = _merged(before.data, [patched(root, [patch])[path] for patch in patches])
        if after is None:
            return Unmade(reason="combine_overlap", example=names)
        changes[path] = (before.data, after)
    bug = make_bug("combine", f"combine_{where}", changes, source=names)
    return bug or Unmade(reason="combine_overlap", example=f"{names}: they undo each other")


def _merged(before: bytes, states: Sequence[bytes | None]) -> bytes | None:
    """Return a file with the changes of all its states; None where two touch the same lines."""
    lines = before.splitlines(keepends=True)
    edits: list[tuple[int, int, list[bytes]]] = []
    for after in states:
        if after is None:
            return None
        written = after.splitlines(keepends=True)
        matcher = SequenceMatcher(None, lines, written, autojunk=False)
        edits += [
            (first, last, written[start:end])
            for tag, first, last, start, end in matcher.get_opcodes()
            if tag != "equal"
        ]
    edits.sort(key=lambda edit: edit[:2])
    for (first, last, _), (following, _, _) in pairwise(edits):
        if following < last or following == first:
            return None
    for first, last, written in reversed(edits):
        lines[first:last] = written
    return b"".join(lines)


def _paths(task: Task) -> list[str]:
    return sorted({place.path for place in changed_places(task.bug_patch)})


def _order(seed: int, picked: Sequence[Task]) -> str:
    names = "|".join(task.instance_id for task in picked)
    return hashlib.sha256(f"{seed}|{names}".encode()).hexdigest()
