"""A task's page: statement, gold diff, environment, verifier, the gate's history, its rollouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.runs import scan_jsonl
from journeyman.types import Task
from journeyman.web.pages.diff import view_diff
from journeyman.web.pages.piece import make_piece
from journeyman.web.pages.rollout_page import find_task
from journeyman.web.reading.rows import row_dict
from journeyman.web.reading.run import RunReader, page_key

__all__ = ["task_context", "task_texts"]

_HISTORY = ("validations.jsonl", "gate.jsonl", "journal.jsonl")
_MOST_TESTS = 400


def task_context(run: RunReader, key: str) -> dict[str, Any] | None:
    """Return what the page of a task shows; None where the run has none of that name."""
    rows = [row_dict(it) for it in run.rows if page_key(str(it[2])) == key]
    task = find_task(run, str(rows[0]["task"])) if rows else _by_key(run, key)
    if not rows and task is None:
        return None
    name = task.instance_id if task else rows[0]["task"]
    for row in rows:
        row["page"] = row["key"] or row["id"]
    return {
        "name": name,
        "task": task,
        "rows": rows,
        "statement": make_piece(task.problem_statement, "statement") if task else None,
        "gold": view_diff(task.patch) if task else None,
        "bug": view_diff(task.bug_patch) if task else None,
        "test_patch": view_diff(task.test_patch) if task else None,
        "tests": _tests(task) if task else [],
        "environment": _environment(run, task),
        "history": _history(run, name),
        "taskset": str(run.taskset or run.config.get("taskset", "")),
    }


def task_texts(run: RunReader, key: str) -> dict[str, str]:
    """Return the whole texts of a task's page by name."""
    task = _by_key(run, key)
    return {"statement": task.problem_statement} if task else {}


def _by_key(run: RunReader, key: str) -> Task | None:
    names = {page_key(str(row[2])): str(row[2]) for row in run.rows}
    return find_task(run, names.get(key, key))


def _tests(task: Task) -> list[tuple[str, str]]:
    both = [(it, "must be mended") for it in task.FAIL_TO_PASS]
    both += [(it, "must still pass") for it in task.PASS_TO_PASS]
    return both[:_MOST_TESTS]


def _environment(run: RunReader, task: Task | None) -> dict[str, Any]:
    if task is None or run.taskset is None:
        return {}
    path = run.taskset / "environments" / task.environment / "environment.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _history(run: RunReader, name: str) -> list[dict[str, Any]]:
    """Return what the taskset's logs say of a task's checks, the oldest first."""
    if run.taskset is None:
        return []
    return [
        record
        for log in _HISTORY
        for record in _records(run.taskset / log)
        if isinstance(record, dict) and record.get("instance_id") == name and record.get("checks")
    ]


def _records(path: Path) -> list[Any]:
    try:
        return scan_jsonl(path).records
    except JourneymanError:
        return []
