"""Models on task folders: each attempt in a container of its own, tested where it ended.

One process does all attempts; each is written down when it has ended, so that a run goes on where it
was. An attempt that failed for a cause that is not the agent's is made again then.

    evaluation = await evaluate_terminal(config, run, say=print)
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from journeyman.config import Config, digest
from journeyman.errors import AttributedError, JourneymanError
from journeyman.evals.audits import audit_rollouts
from journeyman.evals.evaluation import Evaluation, evaluate, settings_of
from journeyman.evals.terminal.container import find_image, grade_state, open_task, solve
from journeyman.evals.terminal.folder import TerminalFolder, read_folders
from journeyman.flow import RolloutConfig, Seat
from journeyman.flow.jobs import AgentWork, usage
from journeyman.flow.plan import make_seats
from journeyman.flow.reward import finish
from journeyman.guard import Subject, make_guard
from journeyman.models import Model, bind, open_model
from journeyman.models.scripted import OracleModel
from journeyman.runs import RunFolder, slug
from journeyman.sandbox.engine import find_engine
from journeyman.sandbox.published import PublishedSandbox
from journeyman.scaffolds import ModelSession, SessionLimits, get_scaffold
from journeyman.scaffolds.loop import ToolLoop
from journeyman.tasks import Taskset
from journeyman.templates import get_template
from journeyman.types import (
    Ending,
    Failure,
    Origin,
    Rollout,
    Sampling,
    Task,
    TaskView,
    Verdict,
    VerifierSpec,
)

__all__ = ["TerminalConfig", "evaluate_terminal"]

STREAM = "rollouts"


class TerminalConfig(Config):
    """Which task folders, and who works on them."""

    resume_may_change: ClassVar[frozenset[str]] = frozenset({"num_parallel"})

    folder: Path
    """A task folder, or a folder of such folders."""
    models: tuple[str, ...] = Field(default=("oracle", "noop"), min_length=1)
    """Specs of the models; `oracle` runs each task's own solution."""
    scaffolds: tuple[str, ...] = Field(default=("bash",), min_length=1)
    """The agents around the models: bash or editor."""
    tasks: tuple[str, ...] = ()
    """Only these tasks; all where none is given."""
    n: int = Field(default=1, ge=1)
    """Attempts at each task by each agent."""
    template: str = "hermes"
    """The tool chat template, for models that read text; others bring their own."""
    network: Literal["none", "open"] = "none"
    """What containers reach. The benchmark lets most of its tasks reach the network."""
    guard: str = "rules"
    """What refuses reward hacking before it is carried out: rules, report-heuristic or off."""
    limits: SessionLimits = SessionLimits(num_turns=300, time_s=3600.0)
    """Ceilings of each conversation; a task's own time for agents counts where it is shorter."""
    sampling: Sampling = Sampling()
    """How completions are drawn; each attempt gets a seed of its own."""
    seed: int = 0
    """Origin of every attempt's own seed."""
    engine: str = "docker"
    """docker or podman."""
    num_parallel: int = Field(default=2, ge=1)
    """Containers at the same time."""


async def evaluate_terminal(
    config: TerminalConfig, run: RunFolder, *, say: Callable[[str], None]
) -> Evaluation:
    """Make every attempt that is owed and sum all up; folders that cannot be run here are named."""
    started = time.monotonic()
    folders, left_out = _choose(config)
    engine = find_engine(config.engine, is_the_only_way=True)
    await engine.call("version")  # one that does not answer says so at once
    taskset = _as_taskset(config.folder, folders)
    rollouts: list[Rollout] = []
    for scaffold in dict.fromkeys(config.scaffolds):
        rollouts += await _of_scaffold(config, scaffold, folders, run, say)
    expected = Counter((it.model, it.scaffold) for it in rollouts)
    notes = [f"{name} is left out: {reason}." for name, reason in left_out.items()]
    notes.append(
        f"Containers had the network {config.network}. They ran under {config.engine} as the tasks' own "
        "Dockerfiles say; namespaces cannot run these images, so there is no such number beside it."
    )
    return evaluate(
        run.name,
        taskset,
        rollouts,
        expected=expected,
        settings=settings_of(config.model_dump(mode="json"), taskset),
        audits=audit_rollouts(run.path, rollouts, taskset),
        runs={"": "."},
        notes=tuple(notes),
        duration_s=time.monotonic() - started,
    )


def _choose(config: TerminalConfig) -> tuple[list[TerminalFolder], dict[str, str]]:
    found = read_folders(config.folder)
    known = {it.name for it in found}
    if unknown := [it for it in config.tasks if it not in known]:
        raise JourneymanError(f"{config.folder} has no task {unknown[0]}", f"ls {config.folder}")
    for name in config.scaffolds:
        if not isinstance(get_scaffold(name), ToolLoop):
            raise JourneymanError(
                f"{name} does not run in these containers", "--scaffold bash or editor"
            )
    chosen = [it for it in found if not config.tasks or it.name in config.tasks]
    left_out = {it.name: it.refusal for it in chosen if it.refusal}
    usable = [it for it in chosen if not it.refusal]
    if not usable:
        raise JourneymanError(
            f"no task of {config.folder} can be run: {next(iter(left_out.values()), 'none was chosen')}",
            "journeyman eval suites",
        )
    return usable, left_out


def _as_taskset(folder: Path, folders: Sequence[TerminalFolder]) -> Taskset:
    tasks = tuple(_as_task(it) for it in folders)
    return Taskset(name=folder.resolve().name, folder=folder, tasks=tasks)


def _as_task(folder: TerminalFolder) -> Task:
    """The folder as a task for reports: it has no repository, patch or environment of ours."""
    return Task(
        instance_id=folder.name,
        repo="",
        base_commit="",
        problem_statement=folder.instruction,
        patch="",
        FAIL_TO_PASS=("reward",),
        verifier=VerifierSpec(
            command=f"bash {folder.test_script.name}", timeout_s=folder.verifier_s
        ),
        origin=Origin(road="import", strategy=folder.form),
    )


async def _of_scaffold(
    config: TerminalConfig,
    scaffold: str,
    folders: Sequence[TerminalFolder],
    run: RunFolder,
    say: Callable[[str], None],
) -> list[Rollout]:
    shared = RolloutConfig(
        taskset=config.folder, models=config.models, scaffold=scaffold, n=config.n, seed=config.seed
    )
    seats = make_seats(shared, [it.name for it in folders])
    done = {it.rollout_id: it for it in map(Rollout.model_validate, run.read(STREAM))}
    done = {key: it for key, it in done.items() if it.reward and it.reward.is_valid}
    owed = [it for it in seats if it.rollout_id not in done]
    say(f"{scaffold}: {len(owed)} of {len(seats)} attempts are owed")
    by_name = {it.name: it for it in folders}
    models = {it: await open_model(it, seed=config.seed, on_progress=say) for it in config.models}
    room = asyncio.Semaphore(config.num_parallel)
    building = asyncio.Lock()

    async def attempt(seat: Seat) -> None:
        async with room:
            maker = _Attempt(config, scaffold, by_name[seat.instance_id], seat, run, building)
            rollout = await maker.make(models[seat.model])
        run.append(STREAM, rollout)
        done[seat.rollout_id] = rollout
        cause = f" ({rollout.failure.cause}: {rollout.failure.detail})" if rollout.failure else ""
        is_resolved = rollout.verdict is not None and rollout.verdict.is_resolved
        say(f"{seat.rollout_id}: {'resolved' if is_resolved else 'not resolved'}{cause}")

    try:
        async with asyncio.TaskGroup() as group:
            for seat in owed:
                group.create_task(attempt(seat))
    finally:
        for model in models.values():
            await model.close()
    return [done[it.rollout_id] for it in seats]


class _Attempt:
    """One attempt, from the image to the verdict."""

    def __init__(
        self,
        config: TerminalConfig,
        scaffold: str,
        folder: TerminalFolder,
        seat: Seat,
        run: RunFolder,
        building: asyncio.Lock,
    ) -> None:
        self.config = config
        self.scaffold = scaffold
        self.folder = folder
        self.seat = seat
        self.run = run
        self.building = building
        self.session: ModelSession | None = None

    async def make(self, model: Model) -> Rollout:
        """Return the record of the attempt, whatever became of it."""
        started_at, clock = time.time(), time.monotonic()
        ending, verdict, failure, worked_s = Ending.FAILED, None, None, 0.0
        try:
            async with self.building:
                image = await find_image(self.folder, self.config.engine)
            box = await self._open(image)
            try:
                ending = await self._work(box, model)
                worked_s = time.monotonic() - clock
                verdict = await self._grade(box)
                failure = verdict.failure
            finally:
                await box.close()
        except AttributedError as error:
            failure = error.failure
        except JourneymanError as error:
            failure = Failure(cause=_cause(error), detail=error.message)
        trajectories = self.session.trajectories() if self.session else ()
        work = AgentWork(
            ending=ending,
            patch="",
            started_at=started_at,
            duration_s=worked_s or time.monotonic() - clock,
            **usage(trajectories),
        )
        for trajectory in trajectories:
            self._keep("trajectory.json", trajectory.model_dump_json())
        return finish(
            self.seat, self.scaffold, work=work, verdict=verdict, failure=failure, num_attempts=1
        )

    async def _open(self, image: str) -> PublishedSandbox:
        place = digest(str(self.run.path.resolve()))[:8]
        return await open_task(
            self.folder,
            image,
            name=f"{slug(self.run.name, 40)}.{place}.{slug(self.seat.rollout_id, 100)}",
            network=self.config.network,
            owner=self.run.name,
            program=self.config.engine,
        )

    async def _work(self, box: PublishedSandbox, model: Model) -> Ending:
        if isinstance(model, OracleModel):
            done = await solve(self.folder, box)
            self._keep("solution.log", (done.stdout + done.stderr).decode(errors="replace"))
            return Ending.TIME_LIMIT if done.is_timed_out else Ending.SUBMITTED
        config = self.config
        time_s = min(config.limits.time_s, self.folder.agent_s)
        self.session = ModelSession(
            bind(model, _as_task(self.folder)),
            template=get_template(config.template) if model.reads_text else None,
            sampling=config.sampling.model_copy(update={"seed": self.seat.seed}),
            limits=config.limits.model_copy(update={"time_s": time_s}),
            scaffold=self.scaffold,
            guard=make_guard(config.guard, Subject("")),
        )
        view = TaskView(
            instance_id=self.folder.name,
            repo="",
            base_commit="",
            problem_statement=self.folder.instruction,
            language="",
            workspace=box.workdir,
        )
        scaffold = get_scaffold(self.scaffold)
        assert isinstance(scaffold, ToolLoop)
        return await scaffold.at(box.workdir).run(view, box, self.session)

    async def _grade(self, box: PublishedSandbox) -> Verdict:
        verdict, log = await grade_state(self.folder, box, self.config.network)
        self._keep("test.log", log)
        self._keep("verdict.json", verdict.model_dump_json(indent=2))
        return verdict

    def _keep(self, name: str, text: str) -> None:
        folder = self.run.artifacts(self.seat.rollout_id)
        (folder / name).write_text(text, encoding="utf-8", errors="replace")


def _cause(error: JourneymanError) -> str:
    """An image that cannot be had is the task's own trouble; an engine that is away is not."""
    return "environment_missing" if error.cause == "unexpected" else error.cause
