"""A rollout's page: statement, turns, patch, tests, reward, guard, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from journeyman.errors import ENDINGS, FAILURES, JourneymanError
from journeyman.tasks import load_taskset
from journeyman.types import Rollout, Task, Trajectory
from journeyman.web.pages.diff import view_diff
from journeyman.web.pages.piece import make_piece
from journeyman.web.pages.tokens import view_tokens
from journeyman.web.pages.turns import raw_text, turn_texts, view_turns
from journeyman.web.reading.rows import row_dict
from journeyman.web.reading.run import RunReader, page_key
from journeyman.web.reading.text import cut, visible

__all__ = ["find_task", "load_branches", "load_trajectory", "rollout_context", "rollout_texts"]

_MOST_RAW = 60_000
_MOST_LOG = 4_000_000
_ORDER = {"failed": 0, "error": 1, "missing": 2, "skipped": 3, "passed": 4}


def rollout_context(run: RunReader, key: str) -> dict[str, Any] | None:
    """Return what the page of a rollout shows; None where the run has none of that name."""
    row = run.find(key)
    if row is None:
        return _at_work(run, key)
    cells, record = row_dict(row), run.record(key) or {}
    rollout, fault = _validate(record)
    trajectory, trajectory_fault = load_trajectory(run, cells["id"])
    task = find_task(run, cells["task"])
    log = _log(run, cells["id"])
    return {
        "row": {**cells, "key": key},
        "rollout": rollout,
        "faults": [it for it in (fault, trajectory_fault) if it],
        "statement": make_piece(_statement(task, trajectory), "statement"),
        "has_task": task is not None,
        "setup": _setup(trajectory),
        "turns": view_turns(trajectory, hide_first=True) if trajectory else [],
        "trajectory": trajectory,
        "branches": _branch_starts(run, cells["id"]),
        "diff": view_diff(str(record.get("patch", ""))),
        "tests": _tests(rollout, task),
        "log": make_piece(log, "log") if log else None,
        "ending": ENDINGS.get(rollout.ending) if rollout else None,
        "cause": FAILURES.get(cells["cause"]),
        "guard": _guard(trajectory),
        "neighbours": _neighbours(run, key),
        "data": _data(run, trajectory, cells),
    }


def rollout_texts(run: RunReader, key: str) -> dict[str, str]:
    """Return the whole texts of a rollout's page by name, those that it cuts and all others."""
    row = run.find(key)
    if row is None:
        return {}
    cells = row_dict(row)
    trajectory, _ = load_trajectory(run, cells["id"])
    texts = turn_texts(trajectory) if trajectory else {}
    texts["statement"] = _statement(find_task(run, cells["task"]), trajectory)
    texts["log"] = _log(run, cells["id"])
    texts["patch"] = str((run.record(key) or {}).get("patch", ""))
    for at, message in enumerate(_first_messages(trajectory)):
        texts[f"setup{at}"] = message.content
    return texts


def load_trajectory(run: RunReader, rollout_id: str) -> tuple[Trajectory | None, str]:
    """Return a rollout's trajectory, its branches one after another, or why there is none."""
    branches, fault = load_branches(run, rollout_id)
    if not branches:
        return None, fault
    turns = tuple(turn for branch in branches for turn in branch.turns)
    return branches[0].model_copy(update={"turns": turns}), fault


def load_branches(run: RunReader, rollout_id: str) -> tuple[list[Trajectory], str]:
    """Return a rollout's conversations in their order, and why one cannot be read, if so.

    An agent has more than one where it rewrote its history or asked its model in between.
    """
    folder = run.artifacts(rollout_id)
    found: list[Trajectory] = []
    while folder is not None:
        path = folder / (f"trajectory-{len(found) + 1}.json" if found else "trajectory.json")
        if not path.is_file():
            break
        try:
            found.append(Trajectory.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            return found, f"{path.name} cannot be read by this version: {_first(error)}"
        except OSError as error:
            return found, f"{path.name} cannot be read: {error}"
    return found, ""


def _branch_starts(run: RunReader, rollout_id: str) -> dict[int, int]:
    """Return the number of each branch by that of its first turn; empty where there is but one."""
    branches, _ = load_branches(run, rollout_id)
    starts, number = {}, 1
    for at, branch in enumerate(branches, start=1):
        if branch.turns:
            starts[number] = at
        number += len(branch.turns)
    return starts if len(starts) > 1 else {}


def find_task(run: RunReader, instance_id: str) -> Task | None:
    """Return the task of a rollout, if its taskset is still where the run's settings say."""
    folder = run.taskset
    if folder is None:
        return None
    return _tasks(folder, (folder / "tasks.jsonl").stat().st_mtime_ns).get(instance_id)


_known: dict[tuple[Path, int], dict[str, Task]] = {}


def _tasks(folder: Path, moment: int) -> dict[str, Task]:
    """Return a taskset's tasks by id, read once for each state of its file."""
    if (folder, moment) not in _known:
        try:
            found = {it.instance_id: it for it in load_taskset(folder).tasks}
        except JourneymanError:
            found = {}
        _known[(folder, moment)] = found
    return _known[(folder, moment)]


def _validate(record: Mapping[str, Any]) -> tuple[Rollout | None, str]:
    known = {name: value for name, value in record.items() if name in Rollout.model_fields}
    try:
        return Rollout.model_validate(known, strict=False), ""
    except ValidationError as error:
        return None, (
            f"This rollout's record is of another version ({_first(error)}); "
            "what is known of it is shown."
        )


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return visible(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")[:200]


def _statement(task: Task | None, trajectory: Trajectory | None) -> str:
    if task is not None:
        return task.problem_statement
    asked = [it for it in _first_messages(trajectory) if it.role == "user"]
    return asked[0].content if asked else ""


def _first_messages(trajectory: Trajectory | None) -> Sequence[Any]:
    return trajectory.turns[0].prompt_messages if trajectory and trajectory.turns else ()


def _setup(trajectory: Trajectory | None) -> list[Any]:
    """What the scaffold said before the first turn: its system prompt and the task as it words it."""
    return [
        (it.role, make_piece(it.content, f"setup{at}"))
        for at, it in enumerate(_first_messages(trajectory))
    ]


def _tests(rollout: Rollout | None, task: Task | None) -> list[tuple[str, str, str]]:
    """Return name, status and kind (what the task asks of it) of each test, what is wrong first."""
    if rollout is None or rollout.verdict is None:
        return []
    wanted = set(task.FAIL_TO_PASS) if task else set()
    kept = set(task.PASS_TO_PASS) if task else set()
    rows = [
        (
            visible(name),
            status.value,
            "must be mended" if name in wanted else "must still pass" if name in kept else "",
        )
        for name, status in rollout.verdict.tests.items()
    ]
    return sorted(rows, key=lambda it: (_ORDER.get(it[1], 9), it[2] != "must be mended", it[0]))


def _log(run: RunReader, rollout_id: str) -> str:
    folder = run.artifacts(rollout_id)
    path = folder / "test.log" if folder else None
    if path is None or not path.is_file():
        return ""
    with open(path, "rb") as file:
        return file.read(_MOST_LOG).decode("utf-8", "replace")


def _guard(trajectory: Trajectory | None) -> list[dict[str, Any]]:
    if trajectory is None:
        return []
    return [
        {
            "turn": number,
            "tool": visible(it.tool),
            "guard": visible(it.guard),
            "is_allowed": it.is_allowed,
            "labels": [visible(label) for label in it.labels],
            "evidence": [visible(cut(text, 400)[0]) for text in it.evidence],
            "feedback": visible(cut(it.feedback, 1_000)[0]),
        }
        for number, turn in enumerate(trajectory.turns, start=1)
        for it in turn.guard_decisions
    ]


def _neighbours(run: RunReader, key: str) -> tuple[str, str]:
    """Return the keys of the rollouts before and after this one in the run's file."""
    keys = [str(row[1] or row[0]) for row in run.rows]
    at = keys.index(key)
    return (keys[at - 1] if at else "", keys[at + 1] if at + 1 < len(keys) else "")


def _data(
    run: RunReader, trajectory: Trajectory | None, row: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what the raw view and the token view are made of, when a reader asks for them."""
    if trajectory is None:
        return None
    raw = []
    for number, turn in enumerate(trajectory.turns, start=1):
        prompt, completion, note = raw_text(trajectory, turn)
        start = max(0, len(prompt) - _MOST_RAW)
        end = min(len(completion), _MOST_RAW)
        is_cut = bool(start or end < len(completion))
        raw.append(
            {
                "prompt": visible(prompt[start:]),
                "completion": visible(completion[:end]),
                "is_rewritten": turn.prompt_is_rewritten,
                "note": note,
                "whole": f"t{number}-raw" if is_cut else "",
                "errors": [[it.start, it.end, visible(it.kind)] for it in turn.format_errors],
            }
        )
    return {"raw": raw, "tokens": view_tokens(run, trajectory, row)}


def _at_work(run: RunReader, key: str) -> dict[str, Any] | None:
    """Return the page of a rollout that has no record yet."""
    for rollout_id, work in run.tally.running.items():
        if page_key(rollout_id) == key:
            return {"row": None, "rollout_id": rollout_id, "work": work}
    return None
