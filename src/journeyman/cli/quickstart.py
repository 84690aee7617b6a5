"""`journeyman quickstart`: the whole loop on one real project, in minutes, on a CPU."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter
from pydantic import Field

from journeyman.cli.output import emit, note, print_lines
from journeyman.cli.progress import RolloutProgress, Steps
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.cli.summary import show_summary, solve_rates
from journeyman.cli.tasks import make_taskset, show_funnel
from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.flow import Concurrency, RolloutConfig, RunSummary, planned, run_rollouts, summarise
from journeyman.models import open_model
from journeyman.runs import RunFolder
from journeyman.scaffolds import SessionLimits
from journeyman.tasks import BUNDLED, IndexUnreachableError, Project, obtain_project
from journeyman.tasks.funnel import FunnelReport
from journeyman.tasks.make_config import MakeConfig
from journeyman.types import Sampling

__all__ = ["QuickstartConfig", "quickstart"]

_REFERENCES = ("oracle", "noop")


class QuickstartConfig(Config):
    """What the quickstart runs on."""

    resume_may_change: ClassVar[frozenset[str]] = frozenset({"num_parallel"})

    project: str = "toolz"
    """A project's name on the package index, or `bundled` for the one that ships with Journeyman."""
    repo: str = ""
    """A path to a Git repository or its URL, instead of a project's name."""
    num_tasks: int = Field(default=20, ge=1)
    """Validated tasks to make."""
    model: str = "smollm2"
    """The language model that is compared with `oracle` and `noop`; empty for none."""
    num_turns: int = Field(default=3, ge=1)
    """Most turns of the language model on a task."""
    max_tokens: int = Field(default=96, ge=1)
    """Most tokens of one of its turns."""
    num_parallel: int = Field(default=4, ge=1)
    """Rollouts at the same time; a model on this machine works best with as many as it has slots."""
    scaffold: str = "bash"
    """The agent around the models."""
    template: str = "hermes"
    """The tool chat template of the language model."""
    seed: int = 0
    """Seed of the bugs and of the sampling."""


def quickstart(
    *,
    given: Annotated[QuickstartConfig, Parameter(name="*")] = QuickstartConfig(),  # noqa: B008
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Turn a real project into tasks, let three models try them, grade them and report.

    Parameters
    ----------
    given
        What to run on.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(QuickstartConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    started = time.monotonic()
    steps = Steps()
    source = settings.repo or settings.project
    project, is_offline = _obtain(source, is_repository=bool(settings.repo), steps=steps)
    with options.create("quickstart", project.name, settings) as run:
        outcome = asyncio.run(_Quickstart(settings, run, steps).go(project))
    outcome |= {"is_offline": is_offline, "duration_s": round(time.monotonic() - started, 1)}
    if options.is_json:
        outcome.pop("summary")
        emit(outcome)
    else:
        _show(outcome)
    return 0


def _obtain(source: str, *, is_repository: bool, steps: Steps) -> tuple[Project, bool]:
    """Return the project, or the one that ships with the package where the index is out of reach."""
    steps(f"obtaining {source}")
    if is_repository and not (Path(source).exists() or "://" in source or ":" in source):
        raise JourneymanError(f"{source} does not exist", "give a path to a Git repository")
    try:
        project = obtain_project(source)
        is_offline = False
    except IndexUnreachableError as error:
        note(f"         {error.message}")
        note("         using the small project that ships with Journeyman instead")
        project, is_offline = obtain_project(BUNDLED), True
    note(f"         {project.origin_note}")
    return project, is_offline


class _Quickstart:
    """The steps of one quickstart in its run folder."""

    def __init__(self, settings: QuickstartConfig, run: RunFolder, steps: Steps) -> None:
        self.settings = settings
        self.run = run
        self.steps = steps

    async def go(self, project: Project) -> dict[str, Any]:
        folder = (self.run.path / "taskset").absolute()
        if not folder.exists():
            await self._make(project, folder)
        models, missing = await self._models()
        config = RolloutConfig(
            taskset=folder,
            models=models,
            scaffold=self.settings.scaffold,
            template=self.settings.template,
            limits=SessionLimits(num_turns=self.settings.num_turns),
            sampling=Sampling(max_tokens=self.settings.max_tokens),
            seed=self.settings.seed,
            concurrency=Concurrency(rollouts=self.settings.num_parallel),
        )
        summary, num_tasks = await self._roll_out(config)
        rates = solve_rates(summary) | dict.fromkeys(missing)
        return {
            "project": project.name,
            "run": str(self.run.path),
            "tasks_validated": num_tasks,
            "solve_rate": rates,
            "missing": missing,
            "tests_left_out": self._tests_left_out(),
            "summary": summary,
        }

    async def _make(self, project: Project, folder: Path) -> None:
        wanted = MakeConfig(num_tasks=self.settings.num_tasks, seed=self.settings.seed)
        made = await make_taskset(project, folder, wanted, self.steps)
        if not made.taskset.tasks:
            show_funnel(made)
            raise JourneymanError(
                f"no task could be made of {project.name}", "choose a project with more tests"
            )
        self.run.write_text("logs/funnel.json", made.funnel.model_dump_json(indent=2) + "\n")
        self.steps(f"{len(made.taskset.tasks)} tasks made and validated")

    def _tests_left_out(self) -> dict[str, int | str]:
        """Say how many tests the tasks do without, and why; nothing where no funnel was kept."""
        try:
            text = (self.run.path / "logs/funnel.json").read_text(encoding="utf-8")
            funnel = FunnelReport.model_validate_json(text)
        except (OSError, ValueError):
            return {}
        return {"number": len(funnel.costly_tests), "limit": funnel.costly_means}

    async def _models(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the models that can be opened here, and why the language model cannot if so."""
        spec = self.settings.model
        if not spec:
            return _REFERENCES, {}
        self.steps(f"opening {spec}")
        try:
            model = await open_model(spec, seed=self.settings.seed, on_progress=note)
        except JourneymanError as error:
            note(f"         {error.message}; going on without it ({error.hint})")
            return _REFERENCES, {spec: error.message}
        await model.close()
        return (*_REFERENCES, spec), {}

    async def _roll_out(self, config: RolloutConfig) -> tuple[RunSummary, int]:
        async with planned(config) as plan:
            self.steps(f"{len(plan.seats)} rollouts of {', '.join(config.models)}")
            with RolloutProgress() as progress:
                rollouts = await run_rollouts(config, self.run, on_event=progress, plan=plan)
            return summarise(rollouts, plan.seats), len(plan.tasks)


def _show(outcome: dict[str, Any]) -> None:
    run = outcome["run"]
    where = f"{outcome['project']}, {outcome['tasks_validated']} validated tasks"
    print_lines([f"{where}, {outcome['duration_s']:.0f} s", ""])
    show_summary(outcome["summary"])
    left_out = outcome["tests_left_out"]
    if left_out.get("number"):
        print_lines([f"{left_out['number']} tests of over {left_out['limit']} were left out"])
    for spec, reason in outcome["missing"].items():
        print_lines([f"{spec} was left out: {reason}"])
    print_lines(
        [
            "",
            "An untrained model of this size solves next to nothing: that is the baseline that "
            "training must beat.",
            "",
            f"run      {run}",
            f"report   {run}/report.md",
            f"look     journeyman view {run}",
            f"tasks    journeyman tasks show {run}/taskset",
            f"go on    journeyman rollout {run}/taskset --model http://127.0.0.1:8000/v1#your-model",
            "         journeyman quickstart --project humanize",
        ]
    )
