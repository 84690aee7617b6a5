"""`journeyman tasks show` and `stats`: a taskset as a person wants to see it, or as JSON."""

from __future__ import annotations

import difflib
import json as json_text
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from journeyman.cli.output import print_json, print_lines, print_table
from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import load_environment
from journeyman.tasks import Taskset, load_taskset
from journeyman.tasks.gate_history import GateEntry, read_gate
from journeyman.tasks.quality import BANDS, judge_statement, rate_difficulty
from journeyman.tasks.tree import touched_paths
from journeyman.types import Environment, Task

__all__ = ["show", "stats"]


def show(
    taskset: Path, instance_id: str | None = None, /, *, patch: bool = False, json: bool = False
) -> int:
    """List the tasks of a taskset, or show one: statement, fix, environment, verifier, history.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    instance_id
        A task to show whole.
    patch
        Show the bug and the tests' patch as well as the fix.
    json
        Print the tasks as JSON; one task with its environment, history and findings.
    """
    loaded = load_taskset(taskset, needs_environments=False)
    if instance_id is None:
        if json:
            print_json(list(loaded.tasks))
        else:
            columns = ("task", "kind", "place", "fails", "passes", "problem")
            print_table(columns, map(_row, loaded.tasks))
        return 0
    task = _find(loaded, instance_id)
    environment = _environment(loaded, task.environment)
    history = read_gate(taskset).get(task.instance_id, [])
    findings = judge_statement(task, loaded.environments)
    if json:
        print_json({**task.model_dump(mode="json"), "environment_record": environment,
                    "gate_history": history, "findings": findings})  # fmt: skip
        return 0
    print_lines(_described(task, environment, history))
    print_lines([f"finding      {finding.rule}: {finding.detail}" for finding in findings])
    print_lines(["", task.problem_statement.rstrip(), "", task.patch.rstrip()])
    if patch:
        print_lines([text.rstrip() for text in (task.bug_patch, task.test_patch) if text])
    return 0


def stats(
    taskset: Path,
    /,
    *,
    run: Annotated[tuple[Path, ...], Parameter(name="--run")] = (),
    json: bool = False,
) -> int:
    """Count a taskset's tasks by kind, file, size and, with rollouts at hand, difficulty.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    run
        A run whose rollouts say how hard each task is; again for more.
    json
        Print the counts as JSON.
    """
    loaded = load_taskset(taskset, needs_environments=False)
    counts = _counts(loaded, run)
    if json:
        print_json(counts)
        return 0
    for name in ("kinds", "strategies", "languages", "repos", "files", "difficulty"):
        if counts[name]:
            print_table((name, "tasks"), list(counts[name].items()))
            print_lines([""])
    print_table(("of a task", "least", "median", "most"), _spreads(counts["sizes"]))
    shared = ", ".join(f"{key} {value}" for key, value in counts["environments"].items())
    told = f"{len(counts['kinds'])} kinds, {len(counts['files'])} files"
    print_lines(["", f"{counts['num_tasks']} tasks, {told}", f"environments: {shared}"])
    gate = counts["gate"]
    print_lines([f"gate: {gate['passages']} passages, {gate['failed']} failed"])
    return 0


# --- one task -------------------------------------------------------------------------------------


def _find(taskset: Taskset, instance_id: str) -> Task:
    by_id = {task.instance_id: task for task in taskset.tasks}
    if instance_id not in by_id:
        near = difflib.get_close_matches(instance_id, by_id, n=1)
        hint = f"did you mean {near[0]}?" if near else f"journeyman tasks show {taskset.folder}"
        raise JourneymanError(f"{taskset.folder} has no task {instance_id}", hint)
    return by_id[instance_id]


def _environment(taskset: Taskset, digest: str) -> Environment | None:
    try:
        return load_environment(taskset.environments / digest) if digest else None
    except AttributedError:
        return None


def _row(task: Task) -> tuple[Any, ...]:
    return (
        task.instance_id,
        task.origin.strategy,
        task.origin.location,
        len(task.FAIL_TO_PASS),
        len(task.PASS_TO_PASS),
        task.problem_statement.split("\n", 1)[0][:60],
    )


def _described(
    task: Task, environment: Environment | None, history: Sequence[GateEntry]
) -> list[str]:
    made_of = f" ({', '.join(task.origin.parts)})" if task.origin.parts else ""
    return [
        f"{task.instance_id}  ({task.repo}, {task.language})",
        f"origin       {task.origin.road} {task.origin.strategy} at {task.origin.location}{made_of}",
        f"base commit  {task.base_commit}",
        f"environment  {_told(task, environment)}",
        f"verifier     {task.verifier.command}",
        f"             read as {task.verifier.log_parser}, ended after {task.verifier.timeout_s:.0f} s",
        f"hidden       {', '.join(task.hidden_paths) or 'nothing'}",
        f"must pass    {len(task.FAIL_TO_PASS)} that fail now:",
        *(f"  {test}" for test in task.FAIL_TO_PASS),
        f"             {len(task.PASS_TO_PASS)} that pass now",
        *(f"gate         {_passage(entry)}" for entry in history),
    ]


def _told(task: Task, environment: Environment | None) -> str:
    if environment is None:
        return f"{task.environment or 'none'} (not here: journeyman tasks build)"
    size = f"{environment.size_bytes / 1e6:.0f} MB"
    return (
        f"{environment.digest}: {environment.language} {environment.language_version},"
        f" {len(environment.packages)} packages, {size},"
        f" built in {environment.build_duration_s:.0f} s at {environment.commit[:10]}"
    )


def _passage(entry: GateEntry) -> str:
    outcome = "passed" if entry.is_valid else f"FAILED {'; '.join(entry.faults)}"
    flaky = f", flaky: {', '.join(entry.flaky_tests)}" if entry.flaky_tests else ""
    when = entry.at or "when it was made"
    return (
        f"{entry.by}, {when}: {outcome} ({len(entry.checks)} checks, {entry.num_runs} runs){flaky}"
    )


# --- all of them ----------------------------------------------------------------------------------


def _counts(taskset: Taskset, runs: Sequence[Path]) -> dict[str, Any]:
    tasks = taskset.tasks
    digests = sorted({task.environment for task in tasks} - {""})
    held = [it for it in (_environment(taskset, digest) for digest in digests) if it]
    history = [entry for entries in read_gate(taskset.folder).values() for entry in entries]
    return {
        "num_tasks": len(tasks),
        "kinds": _ranked(task.origin.strategy for task in tasks),
        "strategies": _ranked(_strategy(task) for task in tasks),
        "languages": _ranked(task.language for task in tasks),
        "repos": _ranked(task.repo for task in tasks),
        "files": _ranked(path for task in tasks for path in touched_paths([task.patch])),
        "difficulty": _difficulty(taskset, runs),
        "sizes": _sizes(tasks),
        "median_fail_to_pass": _median([len(task.FAIL_TO_PASS) for task in tasks]),
        "environments": {
            "number": len(digests),
            "here": len(held),
            "megabytes": round(sum(it.size_bytes for it in held) / 1e6, 1),
            "build seconds": round(sum(it.build_duration_s for it in held), 1),
        },
        "gate": {
            "passages": len(history),
            "failed": sum(not entry.is_valid for entry in history),
        },
        "funnel": _funnel(taskset.folder),
    }


def _strategy(task: Task) -> str:
    """Name the way a task was thought of, as the report's table A.1 counts them."""
    kind = task.origin.strategy
    if task.origin.road != "mutate":
        return task.origin.road
    if kind in ("function_removed", "class_removed"):
        return "remove"
    if kind.startswith("combine_"):
        return "combine"
    return kind if kind.startswith("lm_") or kind == "pr_mirror" else "procedural"


def _sizes(tasks: Sequence[Task]) -> dict[str, list[int]]:
    return {
        "lines of the fix": [_num_lines(task.patch) for task in tasks],
        "files of the fix": [len(touched_paths([task.patch])) for task in tasks],
        "tests that fail": [len(task.FAIL_TO_PASS) for task in tasks],
        "tests that pass": [len(task.PASS_TO_PASS) for task in tasks],
        "words of the statement": [len(task.problem_statement.split()) for task in tasks],
    }


def _num_lines(patch: str) -> int:
    lines = [line for line in patch.split("\n") if line[:1] in ("+", "-")]
    return sum(not line.startswith(("+++ ", "--- ")) for line in lines)


def _difficulty(taskset: Taskset, runs: Sequence[Path]) -> dict[str, int]:
    if not runs:
        return {}
    rated = rate_difficulty(runs)
    found = Counter(
        rated[task.instance_id].band if task.instance_id in rated else "not tried"
        for task in taskset.tasks
    )
    return {band: found[band] for band in (*BANDS, "not tried") if found[band]}


def _funnel(folder: Path) -> dict[str, Any]:
    try:
        found = json_text.loads((folder / "funnel.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _spreads(sizes: dict[str, list[int]]) -> list[tuple[Any, ...]]:
    return [
        (name, min(values), _median(values), max(values))
        for name, values in sizes.items()
        if values
    ]


def _median(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0


def _ranked(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
