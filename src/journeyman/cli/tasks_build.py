"""`journeyman tasks build`: environments by lock files, by convention, or by a model that builds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from journeyman.cli.models import opened_model
from journeyman.cli.output import note, print_json, print_lines
from journeyman.cli.progress import Steps
from journeyman.errors import JourneymanError
from journeyman.tasks import Project, load_taskset, obtain_project
from journeyman.tasks.environment import build_environment

__all__ = ["build"]


def build(
    source: str,
    /,
    *,
    out: Path = Path("environments"),
    repositories: Path | None = None,
    model: str = "",
    change: str = "",
    agent: bool = False,
    turns: Annotated[int, Parameter(name="--turns")] = 40,
    json: bool = False,
) -> int:
    """Build the environment of a project, or those that a taskset's tasks lack.

    The ladder: the repository's own lock files and CI files, then its language's conventions, then, with
    --model, an agent that installs and writes a verifier until it tells the buggy state from the fixed.

    Parameters
    ----------
    source
        A project's name on the package index, a path to a Git repository or its URL, `bundled`; or the
        folder of a taskset.
    out
        Folder of the environments.
    repositories
        For a taskset: folder of clones of its tasks' repositories, each called `owner__name` or `name`.
    model
        The model that builds where the rest fails.
    change
        The pull request's number or the commit that the agent works on; a function taken away if none.
    agent
        Ask the model at once.
    turns
        Turns that the model has.
    json
        Print what was built as JSON.
    """
    if agent and not model:
        raise JourneymanError("--agent needs a model", "add --model MODEL")
    if Path(source, "taskset.toml").is_file():
        return _complete(Path(source), repositories, is_json=json)
    steps = Steps()
    steps(f"obtaining {source}")
    project = obtain_project(source)
    note(f"         {project.origin_note}")
    built = asyncio.run(
        _built(project, out.absolute(), model, change, steps, is_agent=agent, turns=turns)
    )
    if json:
        print_json(built)
    else:
        print_lines([f"{key:<12} {value}" for key, value in built.items()])
    return 0


async def _built(
    project: Project,
    environments: Path,
    spec: str,
    change: str,
    steps: Steps,
    *,
    is_agent: bool,
    turns: int,
) -> dict[str, Any]:
    if not is_agent:
        try:
            environment = await build_environment(project, environments, on_progress=steps)
            return _told(environment, environments)
        except JourneymanError as error:
            if not spec:
                raise
            note(f"         {error.message}; asking {spec}")
    from journeyman.tasks.asking import Asker
    from journeyman.tasks.building import BuildLimits, build_with_agent

    case = await asyncio.to_thread(_case, project, change)
    async with opened_model(spec) as model:
        assert model is not None
        asker = Asker(model)
        outcome = await build_with_agent(
            project,
            case,
            asker,
            environments,
            limits=BuildLimits(num_turns=turns),
            on_progress=steps,
        )
    return {
        **_told(outcome.environment, environments),
        "case": case.name,
        "turns": outcome.num_turns,
        "refused": outcome.num_refused,
        "fails": list(outcome.fail_to_pass),
        "tokens": asker.use.num_prompt_tokens + asker.use.num_completion_tokens,
        "cost_usd": asker.use.cost_usd,
    }


def _case(project: Project, change: str) -> Any:
    """Return what the agent works on: a change of the history, or the project with a function less."""
    from journeyman.tasks.building import case_of_candidate, case_of_removal
    from journeyman.tasks.mine import MineCandidate, MineConfig, plan_all

    if not change:
        return case_of_removal(project, project.path)
    wanted = change.lstrip("#")
    for step in plan_all(project, MineConfig()):
        is_it = isinstance(step, MineCandidate) and (
            str(step.change.number) == wanted or step.change.fixed.startswith(wanted)
        )
        if is_it and isinstance(step, MineCandidate):
            return case_of_candidate(step)
    raise JourneymanError(
        f"{project.name} has no change {change} with a fix and tests",
        f"journeyman tasks mine {project.path} --plan-only lists them",
    )


def _told(environment: Any, environments: Path) -> dict[str, Any]:
    from journeyman.tasks.environment.record import read_record

    folder = environments / environment.digest
    return {
        "environment": str(folder),
        "rung": read_record(folder).rung,
        "command": environment.test_command,
        "packages": len(environment.packages),
        "seconds": environment.build_duration_s,
        "megabytes": round(environment.size_bytes / 1e6, 1),
        "log": str(folder / "build.log"),
    }


def _complete(folder: Path, repositories: Path | None, *, is_json: bool) -> int:
    """Build what a taskset's tasks lack, and write down which environment each has now."""
    from journeyman.tasks.complete import complete_taskset

    taskset = load_taskset(folder, needs_environments=False)
    if repositories is None or not repositories.is_dir():
        raise JourneymanError(
            f"{folder} needs the repositories of its tasks", "add --repositories FOLDER"
        )
    steps = Steps()
    report = asyncio.run(complete_taskset(taskset, repositories, on_progress=steps))
    if is_json:
        print_json(report)
        return 0 if not report.failed else 1
    print_lines([f"{report.num_built} environments built, {report.num_ready} tasks can be run"])
    print_lines([f"  {name}: {reason}" for name, reason in report.failed.items()])
    return 0 if not report.failed else 1
