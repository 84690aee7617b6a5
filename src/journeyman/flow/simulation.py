"""A plan tried on paper: the real driver, queue, ledger, retries and quotas on a virtual clock.

Only the work itself is drawn: an executor that sleeps as long as measured turns, tools and gradings
take, on so many nodes and so many places at models.

    outcome = simulate(SimulationConfig(rollouts=100_000, nodes=400), supposed())
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from pathlib import Path

from pydantic import Field

from journeyman.config import Config
from journeyman.flow.config import Concurrency, RetryBudgets, RolloutConfig
from journeyman.flow.driver import Driver
from journeyman.flow.events import Event, ResourceLevel, StageFailed
from journeyman.flow.jobs import AgentWork, Job, JobResult, Stage
from journeyman.flow.measured import Measured
from journeyman.flow.plan import Plan, make_seats
from journeyman.flow.quota import Quota
from journeyman.flow.summary import is_resolved
from journeyman.flow.virtual_time import run_virtually
from journeyman.runs import RunFolder
from journeyman.tasks import Taskset
from journeyman.types import Data, Ending, Failure, Origin, Task, Verdict, VerifierSpec

__all__ = ["Simulated", "SimulationConfig", "simulate"]

_STEPS = 8
"""A rollout's turns are slept through in so many steps: finer costs time and tells little more."""


class SimulationConfig(Config):
    """A plan: how much work on how many machines."""

    rollouts: int = Field(default=10_000, ge=1)
    """Rollouts of the run."""
    concurrent: int = Field(default=10_000, ge=1)
    """Rollouts in flight at once."""
    group_size: int = Field(default=8, ge=1)
    """Rollouts of one task."""
    environments: int = Field(default=100, ge=1)
    """Environments that the tasks share."""
    nodes: int = Field(default=100, ge=1)
    """Machines that hold sandboxes."""
    cpus_per_node: int = Field(default=64, ge=1)
    """Processors of each: a tool's call and a grading hold one."""
    sandboxes_per_node: int = Field(default=512, ge=1)
    """Sandboxes that the memory of each holds."""
    build_s: float = Field(default=120.0, ge=0)
    """Seconds until a node has an environment that it has not yet."""
    gpus: int = Field(default=64, ge=1)
    """Processors of the model's servers."""
    requests_per_gpu: int = Field(default=64, ge=1)
    """Requests that each answers at once in the measured time."""
    usd_per_node_hour: float = Field(default=2.5, ge=0)
    """Price of a node."""
    usd_per_gpu_hour: float = Field(default=2.5, ge=0)
    """Price of a GPU."""
    seed: int = 0
    """Origin of all that is drawn."""


class Simulated(Data):
    """What became of the plan. Times are virtual but for `simulated_in_s`."""

    num_rollouts: int
    num_resolved: int
    num_failed: int
    num_retries: int
    wall_hours: float
    rollouts_per_hour: float
    most_in_flight: int
    sandbox_use: float
    """Mean share of the sandboxes that were open."""
    cpu_use: float
    gpu_use: float
    """Mean share of the places at models that were taken."""
    usd: float
    usd_per_resolved: float | None
    simulated_in_s: float


class _Meter:
    """The mean use of one quota over virtual time."""

    def __init__(self, name: str, ceiling: int) -> None:
        self.quota = Quota(name, ceiling)
        self._ceiling = ceiling
        self.used_s = 0.0

    async def use(self, key: str, duration_s: float) -> None:
        async with self.quota.hold(key):
            await asyncio.sleep(duration_s)
        self.used_s += duration_s

    def share(self, wall_s: float) -> float:
        return self.used_s / (self._ceiling * max(wall_s, 1e-9))


class _Sleeper:
    """An executor whose work is sleep."""

    def __init__(self, plan: SimulationConfig, measured: Measured) -> None:
        self._plan = plan
        self._measured = measured
        self._dice = random.Random(plan.seed)  # noqa: S311 - no secret
        self.cpus = _Meter("cpus", plan.nodes * plan.cpus_per_node)
        self.sandboxes = _Meter("sandboxes", plan.nodes * plan.sandboxes_per_node)
        self.models = _Meter("model_requests", plan.gpus * plan.requests_per_gpu)
        self._built: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self.most_in_flight = 0

    @property
    def num_cpus(self) -> float:
        return float(self._plan.nodes * self._plan.cpus_per_node)

    @property
    def levels(self) -> tuple[ResourceLevel, ...]:
        return tuple(it.quota.level for it in (self.cpus, self.sandboxes, self.models))

    def cancel(self, names: Iterable[str]) -> None:
        """Nothing is ever abandoned here."""

    def set_policy(self, version: str) -> None:
        """Weights do not change here."""

    async def run(self, jobs: AsyncIterator[Job]) -> AsyncGenerator[JobResult, None]:
        results: asyncio.Queue[JobResult | None] = asyncio.Queue()
        feeder = asyncio.create_task(self._feed(jobs, results))
        try:
            while (result := await results.get()) is not None:
                yield result
            await feeder
        finally:
            for task in (feeder, *self._running):
                task.cancel()

    async def _feed(
        self, jobs: AsyncIterator[Job], results: asyncio.Queue[JobResult | None]
    ) -> None:
        async def do(job: Job) -> None:
            results.put_nowait(await self._do(job))

        async for job in jobs:
            task = asyncio.create_task(do(job))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            self.most_in_flight = max(self.most_in_flight, len(self._running))
        while self._running:
            await asyncio.wait(set(self._running))
        results.put_nowait(None)

    async def _do(self, job: Job) -> JobResult:
        started = asyncio.get_running_loop().time()
        cause = self._measured.draw_failure(job.stage, self._dice)
        if job.stage is Stage.ROLLOUT:
            await self._work(job, is_cut=bool(cause))
        else:
            grading_s = self._measured.draw("grading_s", self._dice)
            await self.cpus.use(job.seat.group_id, grading_s)
        duration_s = asyncio.get_running_loop().time() - started
        if cause:
            return JobResult(job=job, failure=Failure(cause=cause), duration_s=duration_s)
        if job.stage is Stage.ROLLOUT:
            work = AgentWork(ending=Ending.SUBMITTED, patch="p", duration_s=duration_s)
            return JobResult(job=job, work=work, duration_s=duration_s)
        verdict = Verdict(is_resolved=self._dice.random() < self._measured.solve_rate)
        return JobResult(job=job, verdict=verdict, duration_s=duration_s)

    async def _work(self, job: Job, *, is_cut: bool) -> None:
        """Live through an agent's turns; an attempt that fails does so half way, on average."""
        dice, group = self._dice, job.seat.group_id
        num_turns = int(self._measured.draw("num_turns", dice))
        if is_cut:
            num_turns = max(1, int(num_turns * dice.random()))
        await self._build(job.task.environment)
        async with self.sandboxes.quota.hold(group):
            opened = asyncio.get_running_loop().time()
            for start in range(0, num_turns, max(1, num_turns // _STEPS)):
                number = min(max(1, num_turns // _STEPS), num_turns - start)
                model_s = sum(self._measured.draw("model_s", dice) for _ in range(number))
                tools_s = sum(self._measured.draw("tools_s", dice) for _ in range(number))
                await self.models.use(group, model_s)
                await self.cpus.use(group, tools_s)
            self.sandboxes.used_s += asyncio.get_running_loop().time() - opened

    async def _build(self, environment: str) -> None:
        """Wait until some node has the environment: each of them makes it once."""
        key = (self._dice.randrange(self._plan.nodes), environment)
        if key not in self._built:
            self._built[key] = asyncio.create_task(asyncio.sleep(self._plan.build_s))
        await asyncio.shield(self._built[key])


def simulate(plan: SimulationConfig, measured: Measured) -> Simulated:
    """Run the plan on a virtual clock; nothing but a temporary run folder is written."""
    with tempfile.TemporaryDirectory() as folder:
        return run_virtually(_simulate(plan, measured, Path(folder)))


async def _simulate(plan: SimulationConfig, measured: Measured, root: Path) -> Simulated:
    config = RolloutConfig(
        taskset=root,
        models=("simulated",),
        n=plan.group_size,
        concurrency=Concurrency(rollouts=plan.concurrent, evaluations=plan.concurrent),
        retries=RetryBudgets(),
        seed=plan.seed,
    )
    tasks = {it.instance_id: it for it in _tasks(plan)}
    taskset = Taskset(name="simulated", folder=root, tasks=tuple(tasks.values()))
    seats = make_seats(config, list(tasks))[: plan.rollouts]
    sleeper, num_retries = _Sleeper(plan, measured), 0

    def on_event(event: Event) -> None:
        nonlocal num_retries
        num_retries += isinstance(event, StageFailed) and event.retry_in_s is not None

    started = time.perf_counter()
    with RunFolder.create(root, "simulate", "plan", config=config, argv=["simulate"]) as run:
        driver = Driver(config, run, Plan(taskset, tasks, {}, seats), on_event)
        rollouts = await driver.run(sleeper)
    wall_s = asyncio.get_running_loop().time()
    hours = wall_s / 3600
    usd = hours * (plan.nodes * plan.usd_per_node_hour + plan.gpus * plan.usd_per_gpu_hour)
    num_resolved = sum(map(is_resolved, rollouts))
    return Simulated(
        num_rollouts=len(rollouts),
        num_resolved=num_resolved,
        num_failed=sum(it.failure is not None for it in rollouts),
        num_retries=num_retries,
        wall_hours=hours,
        rollouts_per_hour=len(rollouts) / max(hours, 1e-9),
        most_in_flight=sleeper.most_in_flight,
        sandbox_use=sleeper.sandboxes.share(wall_s),
        cpu_use=sleeper.cpus.share(wall_s),
        gpu_use=sleeper.models.share(wall_s),
        usd=usd,
        usd_per_resolved=usd / num_resolved if num_resolved else None,
        simulated_in_s=time.perf_counter() - started,
    )


def _tasks(plan: SimulationConfig) -> list[Task]:
    number = -(-plan.rollouts // plan.group_size)
    return [
        Task(
            instance_id=f"task-{index}",
            repo="none/none",
            base_commit="",
            problem_statement="",
            patch="",
            FAIL_TO_PASS=(),
            environment=f"environment-{index % plan.environments}",
            verifier=VerifierSpec(command="true", timeout_s=36_000.0),
            origin=Origin(road="import"),
        )
        for index in range(number)
    ]
