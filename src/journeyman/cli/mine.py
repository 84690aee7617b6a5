"""`journeyman tasks mine`: the pull requests of a repository's history made into tasks."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from journeyman.cli.models import opened_model
from journeyman.cli.new_taskset import TasksetOptions, refuse_or_remove
from journeyman.cli.output import emit, note, print_json, print_lines, print_table
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.errors import JourneymanError
from journeyman.tasks import Project, obtain_project
from journeyman.tasks.mine import (
    MineCandidate,
    MineConfig,
    MinedTasks,
    MineReport,
    Refused,
    mine_tasks,
    plan_all,
    work_folder,
)

__all__ = ["mine"]


def mine(
    source: str,
    /,
    *,
    given: Annotated[MineConfig, Parameter(name="*")] = MineConfig(),  # noqa: B008 - frozen
    plan_only: bool = False,
    options: TasksetOptions = TasksetOptions(),  # noqa: B008 - frozen
) -> int:
    """Make tasks of the pull requests in a repository's history; every one has passed the gate.

    Interrupted, it goes on where it was when it is called again.

    Parameters
    ----------
    source
        A path to a Git repository or its URL.
    given
        What to mine.
    plan_only
        List the candidates and why the others are none; nothing is built.
    options
        Where it goes.
    """
    settings = resolve_settings(MineConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    steps = Steps()
    steps(f"obtaining {source}")
    project = obtain_project(source)
    note(f"         {project.origin_note}")
    if plan_only:
        return _show_plan(project, settings, steps, is_json=options.is_json)
    folder = options.folder(f"{project.name}-mined")
    if options.is_clean and work_folder(folder).is_dir():
        shutil.rmtree(work_folder(folder))
    refuse_or_remove(folder, is_clean=options.is_clean)
    mined = asyncio.run(_mined(project, folder, settings, steps))
    if options.is_json:
        emit(
            {"taskset": str(folder), "num_tasks": len(mined.taskset.tasks), "funnel": mined.report}
        )
        return 0
    _show_funnel(mined.report)
    print_lines(["", f"taskset  {folder}", f"look     journeyman tasks show {folder}"])
    print_lines([f"go on    journeyman rollout {folder} --model oracle --model noop"])
    return 0


async def _mined(project: Project, folder: Path, settings: MineConfig, steps: Steps) -> MinedTasks:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        async with opened_model(settings.model) as model:
            work = work_folder(folder) / "environments"
            builder = _builder(project, model, work, steps) if model is not None else None
            return await mine_tasks(
                project, folder, config=settings, builder=builder, on_progress=steps
            )
    except asyncio.CancelledError:
        note("ended; the same command goes on where this one was")
        raise
    except PermissionError as error:
        raise JourneymanError(
            f"cannot write to {folder.parent}: {error.strerror}", "choose another folder"
        ) from None


def _builder(project: Project, model: Any, environments: Path, steps: Steps) -> Any:
    """Return the last rung of the building ladder: a model that works on one candidate at a time."""
    from journeyman.tasks.asking import Asker
    from journeyman.tasks.building import build_with_agent, case_of_candidate

    async def build(candidate: MineCandidate) -> tuple[Any, Any]:
        case = case_of_candidate(candidate)
        built = await build_with_agent(project, case, Asker(model), environments, on_progress=steps)
        return built.environment, built.verifier

    return build


def _show_funnel(report: MineReport) -> None:
    """Print how many candidates became tasks, and why the others did not."""
    rows: list[tuple[Any, ...]] = [("candidates", report.num_candidates, "")]
    for reason, count in report.dropped.items():
        example = next(iter(report.examples.get(reason, ())), "")
        rows.append((f"  dropped: {reason}", -count, example))
    rows.append(("with a fix and tests", report.num_split, ""))
    rows.append(("with an environment", report.num_built, f"{report.num_environments} installed"))
    shapes = ", ".join(f"{count} {shape}" for shape, count in report.shapes.items())
    rows.append(("validated tasks", report.num_validated, shapes))
    print_table(("", "number", "for example"), rows)


def _show_plan(project: Project, settings: MineConfig, steps: Steps, *, is_json: bool) -> int:
    found = plan_all(project, settings, on_progress=steps)
    candidates = [step for step in found if isinstance(step, MineCandidate)]
    dropped = Counter(step.reason for step in found if isinstance(step, Refused))
    if is_json:
        print_json(
            {
                "num_changes": len(found),
                "dropped": dict(dropped.most_common()),
                "candidates": [_plain(candidate) for candidate in candidates],
            }
        )
        return 0
    columns = ("candidate", "shape", "language", "change", "fixes", "tests")
    print_table(columns, map(_row, candidates))
    print_lines([""])
    print_table(("dropped", "number"), dropped.most_common())
    print_lines(["", f"{len(candidates)} of {len(found)} changes have a fix and tests"])
    return 0


def _row(candidate: MineCandidate) -> tuple[Any, ...]:
    split = candidate.split
    sources, tests = ", ".join(split.sources), ", ".join(split.tests)
    shape = candidate.change.shape
    return (candidate.instance_id, shape, split.language, candidate.label, sources, tests)


def _plain(candidate: MineCandidate) -> dict[str, Any]:
    change, split = candidate.change, candidate.split
    return {
        "instance_id": candidate.instance_id,
        "shape": change.shape,
        "number": change.number,
        "issues": change.issues,
        "base": change.base,
        "fixed": change.fixed,
        "language": split.language,
        "sources": split.sources,
        "tests": split.tests,
        "patch": split.patch,
        "test_patch": split.test_patch,
    }
