"""What the gate found of tasks, each time it was asked: a line a task and time, in `gate.jsonl`.

The lines that making and mining leave carry no time of day, so that equal tasksets stay equal.

    record_gate(folder, [GateEntry(instance_id="toolz__toolz-1", by="validate", is_valid=True)])
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from journeyman.tasks.gate import CHECKS
from journeyman.tasks.taskset import Taskset, save_taskset
from journeyman.types import Data, Task

__all__ = ["GATE_FILE", "GateEntry", "passed", "read_gate", "record_gate", "save_passed"]

GATE_FILE = "gate.jsonl"


class GateEntry(Data):
    """One passage of one task through the gate."""

    instance_id: str
    by: str
    """The verb that asked: `mutate`, `mine` or `validate`."""
    is_valid: bool
    at: str = ""
    """ISO 8601, UTC; empty where the task was made."""
    num_runs: int = 0
    """Runs of each state, each in a sandbox of its own or a cell of a warm one."""
    checks: tuple[str, ...] = CHECKS
    """Names of the checks that were made."""
    faults: tuple[str, ...] = ()
    """Checks that failed, with what was found."""
    flaky_tests: tuple[str, ...] = ()


def passed(tasks: Iterable[Task], *, by: str, num_runs: int) -> list[GateEntry]:
    """Return the entries of tasks that passed when they were made."""
    return [
        GateEntry(instance_id=task.instance_id, by=by, is_valid=True, num_runs=num_runs)
        for task in tasks
    ]


def record_gate(folder: Path, entries: Sequence[GateEntry]) -> None:
    """Append entries to a taskset's history."""
    lines = [json.dumps(entry.model_dump(mode="json"), ensure_ascii=False) for entry in entries]
    with (folder / GATE_FILE).open("a", encoding="utf-8", newline="\n") as stream:
        stream.write("".join(f"{line}\n" for line in lines))


def save_passed(taskset: Taskset, *, by: str, num_runs: int) -> None:
    """Save a new taskset, all of whose tasks passed when they were made, with that history."""
    save_taskset(taskset)
    record_gate(taskset.folder, passed(taskset.tasks, by=by, num_runs=num_runs))


def read_gate(folder: Path) -> dict[str, list[GateEntry]]:
    """Return the history of each task, oldest first; a torn line is left out."""
    found: dict[str, list[GateEntry]] = {}
    try:
        lines = (folder / GATE_FILE).read_text(encoding="utf-8").split("\n")
    except OSError:
        return found
    for line in lines:
        try:
            entry = GateEntry.model_validate_json(line)
        except ValidationError:
            continue
        found.setdefault(entry.instance_id, []).append(entry)
    return found
