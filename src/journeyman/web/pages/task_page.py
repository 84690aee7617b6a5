"""A task's page: statement, gold diff, environment, verifier, the gate's history, its rollouts."""

from __future__ import annotations

import json
from typing import Any

from journeyman.tasks.gate_history import GateEntry, read_gate
from journeyman.types import Task
from journeyman.web.pages.diff import view_diff
from journeyman.web.pages.piece import make_piece
from journeyman.web.pages.rollout_page import find_task
from journeyman.web.reading.rows import row_dict
from journeyman.web.reading.run import RunReader, page_key

__all__ = ["task_context", "task_texts"]

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
    """Return each passage of a task through the gate, the oldest first."""
    if run.taskset is None:
        return []
    return [_passage(it) for it in read_gate(run.taskset).get(name, [])]


def _passage(entry: GateEntry) -> dict[str, Any]:
    """Part a passage into its checks: those that held, and what was found of those that did not."""
    faults = {
        check: fault for fault in entry.faults for check in entry.checks if fault.startswith(check)
    }
    return {
        "by": entry.by,
        "at": entry.at,
        "is_valid": entry.is_valid,
        "num_runs": entry.num_runs,
        "flaky": entry.flaky_tests,
        "checks": [(check, check not in faults, faults.get(check, "")) for check in entry.checks],
        "others": [it for it in entry.faults if it not in faults.values()],
    }
