"""Doing one job: the agent's part of a rollout, or its grading. Attributes every failure.

It writes neither ledger nor folder: what it leaves travels in the `JobResult`, so that a job can
run in another process or on another machine.
"""

from __future__ import annotations

import contextlib
import errno
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from pydantic_core import PydanticSerializationError

from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.flow.events import Event, Phase, PhaseChanged
from journeyman.flow.jobs import AgentWork, Job, JobResult, Stage, usage
from journeyman.flow.lazy_sandbox import LazySandbox
from journeyman.flow.patience import Patience
from journeyman.flow.shared_verdicts import patch_key
from journeyman.flow.task_template import template_name
from journeyman.flow.turn_events import turn_events
from journeyman.flow.workplace import Workplace
from journeyman.guard import Subject, make_guard
from journeyman.models import KnowingModel, Model, ScriptedModel, bind
from journeyman.sandbox import (
    Sandbox,
    SandboxSpec,
    environment_spec,
    load_environment,
    with_mounts,
)
from journeyman.scaffolds import ModelSession, Scaffold, capture_patch, get_scaffold, is_external
from journeyman.tasks import prepare_workspace
from journeyman.templates import ToolTemplate, get_template
from journeyman.types import Ending, Failure, Sampling, Task, TaskView, Trajectory, Turn, Verdict
from journeyman.verify import WAS_KILLED, Graded, grade

__all__ = ["Emit", "attribute", "deadline_s", "perform", "view_task"]

Emit = Callable[[Event], None]


def view_task(task: Task) -> TaskView:
    """Return what an agent may see of a task."""
    return TaskView(
        instance_id=task.instance_id,
        repo=task.repo,
        base_commit=task.base_commit,
        problem_statement=task.problem_statement,
        hints_text=task.hints_text,
        language=task.language,
        answer=task.answer,
    )


def deadline_s(job: Job) -> float:
    """Return the seconds of work that a job may take before it counts as failed."""
    timeouts = job.config.timeouts
    if job.stage is Stage.EVALUATION:
        return job.task.verifier.timeout_s + timeouts.evaluation_extra_s
    return job.config.limits.time_s + timeouts.rollout_extra_s


async def perform(job: Job, place: Workplace, emit: Emit) -> JobResult:
    """Do one job within its deadline. Never raises but for a cancellation."""
    draft = _Draft(job, started_at=time.time(), clock=time.monotonic())
    steps = {Stage.ROLLOUT: _let_agent_work, Stage.EVALUATION: _evaluate}
    patience = Patience(deadline_s(job), job.config.timeouts.turn_s, _phase_teller(job, emit))
    draft.patience = patience
    try:
        async with patience:
            return await steps[job.stage](draft, place, emit)
    except JourneymanError as error:
        failure = Failure(cause=error.cause, detail=error.message)
        return draft.result(failure=failure, is_user_error=True, hint=error.hint)
    except Exception as error:
        return draft.result(failure=attribute(error))


def _phase_teller(job: Job, emit: Emit) -> Callable[[Phase], None]:
    def on_phase(phase: Phase) -> None:
        emit(PhaseChanged(rollout_id=job.seat.rollout_id, stage=job.stage, phase=phase))

    return on_phase


@dataclass
class _Draft:
    """A job as far as it has come: what is known of it even if it fails now."""

    job: Job
    started_at: float
    clock: float
    session: ModelSession | None = None
    patience: Patience | None = None

    @property
    def duration_s(self) -> float:
        """Seconds of work: those that were waited for a turn are left out."""
        waited_s = self.patience.waited_s if self.patience is not None else 0.0
        return time.monotonic() - self.clock - waited_s

    def work(self, ending: Ending, patch: str, failure: Failure | None) -> AgentWork:
        assert self.session is not None
        return AgentWork(
            ending=ending,
            patch=patch,
            failure=failure,
            started_at=self.started_at,
            duration_s=self.duration_s,
            **usage(self.session.trajectories()),
        )

    def result(self, **parts: object) -> JobResult:
        files = dict(parts.pop("files", None) or {})  # type: ignore[call-overload]
        if self.session is not None:
            files |= self.session.files
            for number, branch in enumerate(self.session.trajectories(), start=1):
                name = "trajectory.json" if number == 1 else f"trajectory-{number}.json"
                files[name] = _encode(branch)
        return JobResult.model_validate(
            {"job": self.job, "files": files, "duration_s": self.duration_s, **parts}
        )


def _encode(trajectory: Trajectory) -> bytes:
    """Return JSON; half a character, which a model's server can spell but no file hold, is a `?`."""
    try:
        return trajectory.model_dump_json().encode()
    except PydanticSerializationError:
        text = json.dumps(trajectory.model_dump(mode="json"), ensure_ascii=False)
        return text.encode(errors="replace")


def attribute(error: Exception) -> Failure:
    """Give any error a row of the failure table."""
    if isinstance(error, AttributedError):
        return error.failure
    if isinstance(error, TimeoutError):
        return Failure(cause="deadline_passed", detail=str(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(cause="disk_full", detail=str(error))
    return Failure(cause="unexpected", detail=f"{type(error).__name__}: {error}")


async def _let_agent_work(draft: _Draft, place: Workplace, emit: Emit) -> JobResult:
    job, patience = draft.job, draft.patience
    assert patience is not None
    model, sampling = _bound(job, await place.model(job.seat.model))
    scaffold = get_scaffold(job.config.scaffold)
    spec = await _prepare(job, place, patience)
    spec = with_mounts(spec, await scaffold.mounts(backend=job.config.sandbox))
    name, backend, group = job.sandbox_name, job.config.sandbox, job.seat.group_id
    async with place.sandbox(
        spec, name=name, backend=backend, patience=patience, group=group
    ) as sandbox:
        draft.session = ModelSession(
            model,
            template=_template_of(job) if model.reads_text else None,
            sampling=sampling,
            limits=job.config.limits,
            scaffold=job.config.scaffold,
            on_turn=_turn_counter(job, emit),
            guard=make_guard(job.config.guard, Subject.of_task(view_task(job.task))),
            gate=_model_gate(job, place, patience),
        )
        patience.forgive_also(draft.session.forgive)
        async with _place_at_gateway(job, place, patience):
            patience.enter("working")
            ending, failure = await _run_scaffold(draft, scaffold, sandbox)
        patience.enter("capturing")
        patch, no_patch = await _capture(sandbox, job.task)
    work = draft.work(ending, patch, failure or no_patch)
    files = {"patch.diff": patch.encode()}
    return draft.result(work=work, files=files)


def _template_of(job: Job) -> ToolTemplate:
    return get_template(template_name(job.config.template, job.task))


async def _prepare(job: Job, place: Workplace, patience: Patience) -> SandboxSpec:
    """Lay the workspace out before a sandbox is asked for: rollouts that wait are prepared."""
    patience.enter("preparing")
    async with place.lock(job.task.instance_id), place.builds.hold(job.seat.group_id):
        layers = await prepare_workspace(job.task, job.environments, backend=job.config.sandbox)
    folder = job.environments / job.task.environment
    return environment_spec(
        load_environment(folder),
        folder,
        extra_layers=layers,
        limits=job.config.sandbox_limits,
        network=job.config.network,
        owner=job.run,
    )


@contextlib.asynccontextmanager
async def _place_at_gateway(job: Job, place: Workplace, patience: Patience) -> AsyncIterator[None]:
    """Hold one of the gateway's sessions while an agent that is a program of its own works."""
    if not is_external(job.config.scaffold):
        yield
        return
    async with patience.waiting():
        await place.gateway_sessions.take(job.seat.group_id)
    try:
        yield
    finally:
        place.gateway_sessions.give()


def _model_gate(
    job: Job, place: Workplace, patience: Patience
) -> Callable[[], contextlib.AbstractAsyncContextManager[str]]:
    """Return what the session goes through for every request: its turn, and the weights' version."""
    pressure = place.pressure(job.seat.model)

    @contextlib.asynccontextmanager
    async def gate() -> AsyncIterator[str]:
        if pressure.is_full:
            async with patience.waiting():
                await pressure.take(job.seat.group_id)
            patience.enter("working")
        else:
            await pressure.take(job.seat.group_id)
        version = place.policy_version
        async with pressure.asking():
            yield version

    return gate


def _bound(job: Job, model: Model) -> tuple[Model, Sampling]:
    """Bind the model to the task, and say how its completions are drawn.

    Behind a gateway a script speaks the run's template token by token, as a real model does. Its
    tokens are a few bytes each, so their number is bounded by the session alone.
    """
    config = job.config
    sampling = config.sampling.model_copy(update={"seed": job.seat.seed})
    bound = bind(model, job.task)
    if not is_external(config.scaffold) or not isinstance(bound, ScriptedModel | KnowingModel):
        return bound, sampling
    # Loads the gateway, which only an external program needs.
    from journeyman.gateway import SpokenModel

    spoken = SpokenModel(bound, _template_of(job), seed=job.seat.seed)
    return spoken, sampling.model_copy(update={"max_tokens": config.limits.num_tokens})


async def _run_scaffold(
    draft: _Draft, scaffold: Scaffold, sandbox: Sandbox
) -> tuple[Ending, Failure | None]:
    """Let the scaffold run; a failure that is still graded is data, any other is raised."""
    assert draft.session is not None
    try:
        return await scaffold.run(view_task(draft.job.task), sandbox, draft.session), None
    except AttributedError as error:
        return Ending.FAILED, _graded_or_raise(error)
    except (JourneymanError, TimeoutError):
        raise
    except Exception as error:
        raise AttributedError("scaffold_crashed", f"{type(error).__name__}: {error}") from error


async def _capture(sandbox: LazySandbox, task: Task) -> tuple[str, Failure | None]:
    if not sandbox.is_open:
        return "", None  # nothing was ever done in it
    try:
        return await capture_patch(sandbox, task.base_commit), None
    except AttributedError as error:
        return "", _graded_or_raise(error)


def _graded_or_raise(error: AttributedError) -> Failure:
    if not FAILURES[error.cause].is_graded:
        raise error
    return error.failure


def _turn_counter(job: Job, emit: Emit) -> Callable[[Turn], None]:
    number = 0

    def on_turn(turn: Turn) -> None:
        nonlocal number
        number += 1
        for event in turn_events(job.seat.rollout_id, number, turn):
            emit(event)

    return on_turn


async def _evaluate(draft: _Draft, place: Workplace, emit: Emit) -> JobResult:
    job, patience = draft.job, draft.patience
    assert patience is not None
    if job.config.grading == "shared":
        key = patch_key(job.task, job.patch, job.config.sandbox)
        verdicts = place.verdicts_in(job.config.verdicts)
        graded = await verdicts.get(key, lambda: _grade(job, place, patience))
    else:
        graded = await _grade(job, place, patience)
    verdict: Verdict = graded.verdict
    files = {"verdict.json": verdict.model_dump_json(indent=2).encode(), "test.log": graded.log}
    return draft.result(verdict=verdict, failure=_not_graded(verdict, job.token), files=files)


async def _grade(job: Job, place: Workplace, patience: Patience) -> Graded:
    async with patience.waiting():
        await place.evaluations.take(job.seat.group_id)
    try:
        patience.enter("grading")
        return await grade(
            job.task,
            job.environments,
            job.patch,
            backend=job.config.sandbox,
            owner=job.run,
            name=job.sandbox_name,
            opener=place.opener,
        )
    finally:
        place.evaluations.give()


def _not_graded(verdict: Verdict, attempt: int) -> Failure | None:
    """Return why the verdict says nothing about the patch, so that it is tried again; None if not.

    A verifier that was killed is the machine's doing the first time, and the patch's from then on.
    """
    if WAS_KILLED in verdict.notes and attempt == 1:
        return Failure(cause="sandbox_died", detail=WAS_KILLED)
    if verdict.failure is None or FAILURES[verdict.failure.cause].reward_is_valid:
        return None
    return verdict.failure
