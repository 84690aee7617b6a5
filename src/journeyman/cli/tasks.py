"""`journeyman tasks`: make tasks out of a repository, check them, look at them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from journeyman.cli.models import opened_model
from journeyman.cli.new_taskset import TasksetOptions, made_beside, refuse_or_remove
from journeyman.cli.output import emit, note, print_json, print_lines, print_table
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.tasks import load_taskset, obtain_project
from journeyman.tasks.environment import build_environment
from journeyman.tasks.make import make_tasks
from journeyman.tasks.make_config import MakeConfig

if TYPE_CHECKING:
    from journeyman.tasks.make import MadeTasks

__all__ = ["app", "make_taskset", "show_funnel"]

app = App(name="tasks", help="Make tasks out of a repository, check them, look at them.")
_ELSEWHERE = {
    "calls": ("tasks_calls:calls", "Make tasks whose answer is a tool call, in many templates."),
    "pages": ("tasks_pages:pages", "Make tasks of web pages, checked in a browser."),
    "functions": (
        "tasks_functions:functions",
        "Make single-turn problems of a project's documented functions.",
    ),
    "mine": ("mine:mine", "Make tasks of a history's pull requests."),
    "build": (
        "tasks_build:build",
        "Build environments: of a project, or those that a taskset lacks.",
    ),
    "show": ("tasks_look:show", "List the tasks of a taskset, or show one whole."),
    "stats": ("tasks_look:stats", "Count a taskset's tasks by kind, file, size and difficulty."),
    "export": ("tasks_exchange:export", "Write a taskset in another program's format."),
    "import": ("tasks_exchange:import_", "Read tasks of another program's format."),
    "locate": (
        "tasks_quality:locate",
        "Say in each task's hints which function its fault is in: for short prompts.",
    ),
    "filter": (
        "tasks_quality:filter_",
        "Drop copies, unfair tasks, benchmarks' own, too easy ones.",
    ),
    "manifest": ("tasks_quality:manifest", "Describe a benchmark that tasks must not overlap."),
    "decontaminate": ("tasks_quality:decontaminate", "Drop tasks that overlap a benchmark."),
    "describe": ("tasks_quality:describe", "Let a model write problem statements, and judge them."),
}
for _name, (_target, _help) in _ELSEWHERE.items():
    app.command(f"journeyman.cli.{_target}", name=_name, help=_help)


class _GivenMake(MakeConfig):
    """The flags of `mutate`."""

    strategies: Annotated[tuple[str, ...], Parameter(name="--strategy")] = ("procedural",)
    """How bugs are thought of: procedural, remove, modify, rewrite, pr_mirror or combine, with a weight
    where that is written, as in remove=2; again for more."""


@app.command
def mutate(
    source: str,
    /,
    *,
    given: Annotated[_GivenMake, Parameter(name="*")] = _GivenMake(),  # noqa: B008 - frozen
    options: TasksetOptions = TasksetOptions(),  # noqa: B008 - frozen
) -> int:
    """Put bugs into a project that has tests; every task that results has passed the gate.

    Parameters
    ----------
    source
        A project's name on the package index, a path to a Git repository or its URL, or `bundled`.
    given
        What to make.
    options
        Where it goes.
    """
    settings = resolve_settings(MakeConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    folder, made = asyncio.run(_mutate(source, settings, options))
    if options.is_json:
        emit({"taskset": str(folder), "num_tasks": len(made.taskset.tasks), "funnel": made.funnel})
        return 0
    show_funnel(made)
    print_lines(["", f"taskset  {folder}", f"look     journeyman tasks show {folder}"])
    print_lines([f"go on    journeyman rollout {folder} --model oracle --model noop"])
    return 0


async def _mutate(
    source: str, settings: MakeConfig, options: TasksetOptions
) -> tuple[Path, MadeTasks]:
    steps = Steps()
    steps(f"obtaining {source}")
    project = await asyncio.to_thread(obtain_project, source)
    note(f"         {project.origin_note}")
    folder = options.folder(project.name)
    refuse_or_remove(folder, is_clean=options.is_clean)
    made = await make_taskset(project, folder, settings, steps)
    return folder, made


async def make_taskset(project: Any, folder: Path, settings: MakeConfig, steps: Steps) -> MadeTasks:
    """Build the environment and make the tasks, beside `folder`; it is there whole or not at all."""
    with made_beside(folder) as scratch:
        environment = await build_environment(
            project, scratch / "environments", language=settings.language, on_progress=steps
        )
        async with opened_model(settings.model) as model:
            return await make_tasks(
                project, environment, scratch, config=settings, model=model, on_progress=steps
            )


def show_funnel(made: MadeTasks) -> None:
    """Print how many candidates became tasks, and why the others did not."""
    funnel = made.funnel
    rows = [("candidates", funnel.num_candidates, "")]
    for reason, count in funnel.dropped.items():
        example = next(iter(funnel.examples.get(reason, ())), "")
        rows.append((f"  dropped: {reason}", -count, example))
    rows.append(("validated tasks", funnel.num_validated, ""))
    print_table(("", "number", "for example"), rows)
    if use := funnel.model_use if funnel.model_use.num_calls else None:
        tokens = f"{use.num_prompt_tokens} + {use.num_completion_tokens} tokens"
        print_lines([f"{use.model}: {use.num_calls} questions, {tokens}, ${use.cost_usd:.4f}"])


@app.command
def validate(
    taskset: Path,
    /,
    *,
    repeats: int = 2,
    concurrency: int | None = None,
    json: bool = False,
) -> int:
    """Put every task through the gate again, in fresh sandboxes. Exits 1 if one fails.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    repeats
        How often each state is run.
    concurrency
        Tasks at the same time; one a processor where none is given.
    json
        Print the results as JSON.
    """
    from journeyman.tasks.validate import validate_tasks

    steps = Steps()
    results = asyncio.run(
        validate_tasks(
            load_taskset(taskset), repeats=repeats, concurrency=concurrency, on_progress=steps
        )
    )
    _keep_history(taskset, results, repeats)
    failed = [result for result in results if not result.is_valid]
    if json:
        print_json({"num_tasks": len(results), "num_valid": len(results) - len(failed),
                    "tasks": results})  # fmt: skip
        return 1 if failed else 0
    print_table(
        ("task", "", "failed checks"),
        [(result.instance_id, "ok" if result.is_valid else "FAILED", _faults(result))
         for result in results],
    )  # fmt: skip
    print_lines(["", f"{len(results) - len(failed)} of {len(results)} tasks pass the gate"])
    return 1 if failed else 0


def _keep_history(folder: Path, results: Any, repeats: int) -> None:
    """Add what the gate found to the taskset's history, where that can be written."""
    from journeyman.tasks.gate_history import GateEntry, record_gate

    at = datetime.now(UTC).isoformat(timespec="seconds")
    entries = [
        GateEntry(
            instance_id=result.instance_id,
            by="validate",
            is_valid=result.is_valid,
            at=at,
            num_runs=repeats,
            checks=tuple(check.name for check in result.checks),
            faults=tuple(f"{it.name}: {it.detail}" for it in result.checks if not it.is_ok),
            flaky_tests=result.flaky_tests,
        )
        for result in results
        if result.failure is None
    ]
    try:
        record_gate(folder, entries)
    except OSError as error:
        note(f"the history of {folder} cannot be written: {error.strerror}")


def _faults(result: Any) -> str:
    return "; ".join(f"{check.name}: {check.detail}" for check in result.checks if not check.is_ok)
