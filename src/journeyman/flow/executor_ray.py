"""Jobs on a Ray cluster: one worker a node; what must not be lost stays with the driver.

Ray places and moves work; nothing here survives the driver. A node, worker or object that is lost
costs an attempt, which the ledger owes again (Ray's own retries are off).

    async with opened_ray("auto", plan, config, owner, emit) as executor:
        await driver.run(executor)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from journeyman.config import digest as digest_of
from journeyman.errors import JourneymanError
from journeyman.flow.config import RolloutConfig
from journeyman.flow.events import Event, NodeJoined, NodeLost, ResourceLevel
from journeyman.flow.jobs import Job, JobResult
from journeyman.flow.node import NodeWorker, pack_environment
from journeyman.flow.plan import Plan
from journeyman.flow.stages import attribute
from journeyman.models import Model
from journeyman.models.registry import read_models
from journeyman.models.scripted import OracleModel, ScriptedModel
from journeyman.types import Failure

__all__ = ["RayExecutor", "opened_ray"]

_NAMESPACE = "journeyman"
_POLL_S = 0.5
_LOOK_S = 1.0
_MOST_AT_ONCE = 20_000
_START_S = 120.0
_GREETING_S = 10.0
_HINT_EVERY_S = 10.0
_FULL = 0.9
_SAME_ENVIRONMENT = 0.25
"""How much busier a node may be, in jobs a processor, if it has the environment already."""


class _Guard:
    """Exists as long as one driver has the run; its name is the lock."""

    def ping(self) -> int:
        return os.getpid()


@dataclass
class _Worker:
    """Our worker on one node."""

    node: str
    name: str
    num_cpus: float
    actor: Any
    jobs: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    levels: tuple[ResourceLevel, ...] = ()
    is_lost: bool = False

    def load(self, environment: str) -> float:
        bonus = _SAME_ENVIRONMENT if environment in self.environments else 0.0
        return len(self.jobs) / max(self.num_cpus, 1.0) - bonus


class RayExecutor:
    """See `executor.Executor` for what its methods promise."""

    def __init__(
        self, plan: Plan, config: RolloutConfig, owner: str, emit: Callable[[Event], None]
    ) -> None:
        self._environments = plan.taskset.environments
        self._models = {spec: it for spec, it in plan.models.items() if _travels(it)}
        named = read_models()
        self._entries = {spec: named[spec] for spec in config.models if spec in named}
        self._config = config
        self._owner = owner
        self._emit = emit
        self._policy = ""
        self._workers: dict[str, _Worker] = {}
        self._changed = asyncio.Event()
        self._archives: dict[str, asyncio.Future[Any]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._places: dict[str, _Worker] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    # --- the executor ----------------------------------------------------------------------

    @property
    def num_cpus(self) -> float:
        """Processors of the nodes that have a worker."""
        return sum(worker.num_cpus for worker in self._workers.values()) or 1.0

    @property
    def levels(self) -> tuple[ResourceLevel, ...]:
        """How much of each node's quotas is in use."""
        return tuple(level for worker in self._workers.values() for level in worker.levels)

    async def run(self, jobs: AsyncIterator[Job]) -> AsyncGenerator[JobResult, None]:
        """Do every job; one result for each that was not cancelled."""
        results: asyncio.Queue[JobResult | None] = asyncio.Queue()
        await self._look()
        duties = [
            asyncio.create_task(it)
            for it in (self._keep_looking(), self._keep_polling(), self._keep_hinting())
        ]
        feeder = asyncio.create_task(self._feed(jobs, results))
        try:
            while (result := await results.get()) is not None:
                yield result
            await feeder
        finally:
            tasks = {feeder, *duties, *self._running.values()}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=self._config.timeouts.closing_s)
            await self._end()

    def cancel(self, names: Iterable[str]) -> None:
        """End the jobs with these sandbox names."""
        for name in names:
            if worker := self._places.get(name):
                worker.actor.cancel.remote([name])
            if task := self._running.get(name):
                task.cancel()

    def set_policy(self, version: str) -> None:
        """Stamp every turn from now on with the version of the weights that answer."""
        self._policy = version
        for worker in self._workers.values():
            worker.actor.set_policy.remote(version)

    # --- jobs ------------------------------------------------------------------------------

    async def _feed(
        self, jobs: AsyncIterator[Job], results: asyncio.Queue[JobResult | None]
    ) -> None:
        async def do(job: Job) -> None:
            results.put_nowait(await self._do(job))

        try:
            async for job in jobs:
                task = asyncio.create_task(do(job), name=job.sandbox_name)
                self._running[job.sandbox_name] = task
                task.add_done_callback(self._forget)
            while self._running:
                await asyncio.wait(set(self._running.values()))
        finally:
            results.put_nowait(None)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task.get_name(), None)

    async def _do(self, job: Job) -> JobResult:
        worker = await self._choose(job)
        name = job.sandbox_name
        worker.jobs.add(name)
        self._places[name] = worker
        try:
            await self._provide(worker, job.task.environment)
            result: JobResult = await worker.actor.perform.remote(job)
            return result
        except RayTaskError as error:
            cause = error.cause if isinstance(error.cause, Exception) else error
            return JobResult(job=job, failure=attribute(cause))
        except RayError as error:
            self._lose(worker)
            detail = f"{worker.name}: {type(error).__name__}"
            return JobResult(job=job, failure=Failure(cause="worker_lost", detail=detail))
        finally:
            worker.jobs.discard(name)
            self._places.pop(name, None)

    async def _choose(self, job: Job) -> _Worker:
        """Return the least busy node, one that has the environment first; wait if there is none."""
        while not (alive := [it for it in self._workers.values() if not it.is_lost]):
            self._changed.clear()
            await self._changed.wait()
        return min(alive, key=lambda it: (it.load(job.task.environment), it.node))

    async def _provide(self, worker: _Worker, digest: str) -> None:
        """See that a node has an environment: each is packed once and travels once to each node."""
        async with self._locks.setdefault((worker.node, digest), asyncio.Lock()):
            if digest in worker.environments:
                return
            folder = str(self._environments)
            if not await worker.actor.has_environment.remote(folder, digest):
                archive = await self._archive(digest)
                await worker.actor.take_environment.remote(digest, archive)
            worker.environments.add(digest)

    async def _archive(self, digest: str) -> Any:
        if digest not in self._archives:
            self._archives[digest] = asyncio.get_running_loop().create_future()
            data = await asyncio.to_thread(pack_environment, self._environments / digest)
            self._archives[digest].set_result(await asyncio.to_thread(ray.put, data))
        return await asyncio.shield(self._archives[digest])

    # --- nodes -----------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            with contextlib.suppress(RayError):
                await self._look()

    async def _look(self) -> None:
        """Start a worker on every node that has none, and let go of the dead."""
        nodes = await asyncio.to_thread(ray.nodes)
        alive = {it["NodeID"]: it for it in nodes if it["Alive"] and it["Resources"].get("CPU")}
        for worker in list(self._workers.values()):
            if worker.node not in alive or worker.is_lost:
                self._lose(worker)
        new = [it for node, it in alive.items() if node not in self._workers]
        await asyncio.gather(*map(self._hire, new))

    async def _hire(self, record: dict[str, Any]) -> None:
        node, num_cpus = record["NodeID"], float(record["Resources"]["CPU"])
        name = f"{record['NodeManagerAddress']}/{node[:8]}"
        actor_class: Any = ray.remote(NodeWorker)
        actor = actor_class.options(
            num_cpus=0,
            max_restarts=0,
            max_concurrency=_MOST_AT_ONCE,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote(
            name,
            self._owner,
            self._models,
            self._entries,
            self._config.concurrency,
            self._policy,
        )
        try:
            async with asyncio.timeout(_START_S):
                await actor.begin.remote()
        except (RayError, TimeoutError):
            return  # looked at again in a moment
        self._workers[node] = _Worker(node, name, num_cpus, actor)
        self._emit(NodeJoined(node=name, num_cpus=num_cpus))
        self._changed.set()

    def _lose(self, worker: _Worker) -> None:
        if self._workers.get(worker.node) is worker:
            worker.is_lost = True
            del self._workers[worker.node]
            self._emit(NodeLost(node=worker.name, num_jobs=len(worker.jobs)))

    async def _keep_polling(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            await asyncio.gather(*map(self._poll, list(self._workers.values())))

    async def _poll(self, worker: _Worker) -> None:
        try:
            events, worker.levels = await worker.actor.poll.remote()
        except RayError:
            self._lose(worker)
            return
        for event in events:
            self._emit(event)

    async def _keep_hinting(self) -> None:
        """Ask an autoscaler for half as many processors again while all that there are is in use."""
        from ray.autoscaler.sdk import request_resources

        while True:
            await asyncio.sleep(_HINT_EVERY_S)
            wanted = 0
            used = [it for level in self.levels if (it := level).num_waiting]
            if used and self._workers:
                wanted = int(self.num_cpus * 1.5) + 1
            with contextlib.suppress(RayError):
                await asyncio.to_thread(request_resources, num_cpus=wanted)

    async def _end(self) -> None:
        """End every worker; what it was still to say is said."""

        async def end(worker: _Worker) -> None:
            with contextlib.suppress(RayError, TimeoutError):
                async with asyncio.timeout(self._config.timeouts.closing_s + 10):
                    for event in await worker.actor.end.remote():
                        self._emit(event)
            with contextlib.suppress(RayError):
                ray.kill(worker.actor)

        await asyncio.gather(*map(end, self._workers.values()))
        self._workers.clear()


def _travels(model: Model) -> bool:
    """Whether a model is data alone; others are opened by their specs, on each node."""
    return isinstance(model, ScriptedModel | OracleModel)


@contextlib.asynccontextmanager
async def opened_ray(
    address: str,
    plan: Plan,
    config: RolloutConfig,
    owner: str,
    emit: Callable[[Event], None],
) -> AsyncIterator[RayExecutor]:
    """Connect to a cluster (`auto`, `host:port`, `ray://…`), or start one here (`local`).

    Raises `JourneymanError` where none answers, or where another driver has the run.
    """
    was_connected = ray.is_initialized()
    await asyncio.to_thread(_connect, address)
    try:
        guard = _guard(owner)
        yield RayExecutor(plan, config, owner, emit)
        ray.kill(guard)
    finally:
        if not was_connected:
            await asyncio.to_thread(ray.shutdown)


def _connect(address: str) -> None:
    try:
        _greet(address)
        ray.init(
            address=address,
            namespace=_NAMESPACE,
            log_to_driver=False,
            ignore_reinit_error=True,
            configure_logging=False,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise JourneymanError(
            f"no Ray cluster at {address}: {reason}",
            "ray start --head, or --address local for one on this machine",
        ) from None


def _greet(address: str) -> None:
    """See that somebody listens at `host:port`: Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and "/" not in address and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_GREETING_S).close()


def _guard(owner: str) -> Any:
    """Take the cluster-wide lock of a run."""
    guard_class: Any = ray.remote(_Guard)
    name = f"run-{digest_of(owner)[:24]}"
    try:
        guard = guard_class.options(name=name, num_cpus=0).remote()
        ray.get(guard.ping.remote())
    except ValueError:
        raise JourneymanError(
            f"another driver has the run {owner} on this cluster",
            "wait until it ends, or stop it with Ctrl-C",
        ) from None
    return guard
