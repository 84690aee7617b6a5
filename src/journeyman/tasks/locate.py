"""Which function a task's fault is in, said in its hints: a first step of a curriculum.

Kept are tasks whose fix changes one line of one Python function, or of one short page. The hint
names the
lines of the whole function or page, as the agent finds it, never the line at fault.

    located = locate(taskset)
    located.kept[0].hints_text      # "The fault is in lines 12 to 20 of pkg/a.py."
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from journeyman.tasks.taskset import Taskset
from journeyman.tasks.tree import patched
from journeyman.types import Task

__all__ = ["Located", "innermost_function", "locate"]

_LONGEST_PAGE = 40


@dataclass(slots=True)
class Located:
    """Tasks that now say where their fault is, and why others are left out."""

    kept: list[Task] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def locate(taskset: Taskset) -> Located:
    """Find each task's function in its environment's tree, the bug put in."""
    found = Located()
    for task in taskset.tasks:
        hint = _hint(taskset, task)
        if hint.startswith("The fault"):
            found.kept.append(task.model_copy(update={"hints_text": hint}))
        else:
            found.dropped[hint] += 1
    return found


def innermost_function(source: str, line: int) -> tuple[int, int] | None:
    """Return first and last line of the smallest function around a line; None where there is none."""
    around = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return min(around, key=lambda it: it[1] - it[0], default=None)


def _as_found(taskset: Taskset, task: Task, path: str) -> str:
    """Return a file as the agent finds it, the bug put in."""
    repository = taskset.environments / task.environment / "repository"
    if not task.bug_patch:
        return (repository / path).read_text(encoding="utf-8")
    return (patched(repository, [task.bug_patch])[path] or b"").decode("utf-8")


def _hint(taskset: Taskset, task: Task) -> str:
    """The hint, or why there is none."""
    if task.language not in ("python", "html"):
        return "not Python"
    try:
        files = PatchSet(task.patch)
    except UnidiffParseError:
        return "not one line"
    removed = [line for file in files for hunk in file for line in hunk if line.is_removed]
    added = [line for file in files for hunk in file for line in hunk if line.is_added]
    if len(files) != 1 or len(removed) != 1 or len(added) != 1:
        return "not one line"
    path = files[0].path
    text = _as_found(taskset, task, path)
    if task.language == "html":
        place = (1, text.count("\n")) if text.count("\n") <= _LONGEST_PAGE else None
    else:
        place = innermost_function(text, removed[0].source_line_no or 0)
    if place is None:
        return "not in a function" if task.language == "python" else "a long page"
    return f"The fault is in lines {place[0]} to {place[1]} of {path}."
