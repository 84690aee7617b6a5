"""Groups for training: filled, filtered, never too old, and taken up again after a crash."""

import asyncio

import pytest

from journeyman.flow import (
    GroupProducer,
    GroupRules,
    ProducerState,
    RolloutConfig,
    planned,
)
from journeyman.flow.config import Concurrency, RetryBudgets
from journeyman.flow.groups import shuffled_tasks
from journeyman.flow.jobs import AgentWork, JobResult, Stage
from journeyman.models.oracle import KnowingModel
from journeyman.models.scripted import noop_script
from journeyman.runs import RunFolder
from journeyman.types import Completion, Ending, Failure, Message, Trajectory, Turn, Verdict


class Answering:
    """An executor that asks a function what becomes of each job; None: it goes on for ever."""

    num_cpus = 2.0
    levels = ()

    def __init__(self, answer):
        self.answer = answer
        self.version = "0"
        self.jobs = []
        self.cancelled = set()
        self.results = asyncio.Queue()

    def set_policy(self, version):
        self.version = version

    def cancel(self, names):
        self.cancelled.update(names)

    async def run(self, jobs):
        async def feed():
            async for job in jobs:
                self.jobs.append(job)
                if (result := self.answer(job, self.version)) is not None:
                    self.results.put_nowait(result)

        feeder = asyncio.create_task(feed())
        try:
            while True:
                yield await self.results.get()
        finally:
            feeder.cancel()


def trajectory(version):
    turn = Turn(completion=Completion(model_version=version), message=Message(role="assistant"))
    return Trajectory(scaffold="bash", model="m", turns=(turn,))


def done(job, version, *, is_resolved=True):
    if job.stage is Stage.EVALUATION:
        return JobResult(job=job, verdict=Verdict(is_resolved=is_resolved))
    work = AgentWork(ending=Ending.SUBMITTED, patch="p", num_turns=1)
    files = {"trajectory.json": trajectory(version).model_dump_json().encode()}
    return JobResult(job=job, work=work, files=files)


def half(job, version):
    """Solve every other rollout of each group."""
    return done(job, version, is_resolved=int(job.seat.rollout_id[-1]) % 2 == 0)


@pytest.fixture
def config(taskset):
    return RolloutConfig(
        taskset=taskset.folder,
        models=("noop",),
        retries=RetryBudgets(backoff_s=0.0, infrastructure=0),
        concurrency=Concurrency(rollouts=64, evaluations=64),
    )


RULES = GroupRules(size=4, groups_per_step=2, max_staleness=1)


class Producing:
    """A producer with an executor of the test's own, in a run that may exist already."""

    def __init__(self, root, config, answer, rules=RULES, state=None):
        self.root, self.config, self.answer = root, config, answer
        self.rules, self.state = rules, state
        self.events = []

    async def __aenter__(self):
        self._planned = planned(self.config)
        plan = await self._planned.__aenter__()
        resume = (self.root / "run").exists()
        self._run = RunFolder.create(
            self.root, "rollout", "x", config=self.config, argv=["j"], name="run", resume=resume
        )
        self.executor = Answering(self.answer)
        self.producer = GroupProducer(
            self.config,
            self.rules,
            self._run,
            plan,
            executor=self.executor,
            state=self.state,
            on_event=self.events.append,
        )
        await self.producer.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.producer.__aexit__(*error)
        self._run.close()
        await self._planned.__aexit__(None, None, None)

    def reasons(self):
        return [it.reason for it in self.events if it.kind == "group_finished"]


async def settle(condition):
    """Wait until something is so, however slow the machine."""
    async with asyncio.timeout(300):
        while not condition():  # noqa: ASYNC110 - conditions have no event
            await asyncio.sleep(0.02)


def begun(it):
    return len({job.seat.group_id for job in it.executor.jobs})


async def test_groups_are_full_in_order_and_stamped_with_the_weights_version(tmp_path, config):
    async with Producing(tmp_path, config, half) as it:
        first = await it.producer.take(2)
        it.producer.publish(1)
        second = await it.producer.take(4)
    assert [group.number for group in first] == [0, 1]
    for group in (*first, *second):
        assert len(group.rollouts) == len(group.trajectories) == 4
        assert group.pass_rate == 0.5
        assert {rollout.instance_id for rollout in group.rollouts} == {group.task.instance_id}
    assert {version for group in first for version in group.versions} == {(0, 0)}
    assert {version for group in second for version in group.versions} == {(0, 0), (1, 1)}
    order = shuffled_tasks(list((await plan_of(config)).tasks.values()), config.seed)
    assert [group.task.instance_id for group in (*first, *second)] == [
        next(order).instance_id for _ in range(6)
    ]


async def plan_of(config):
    async with planned(config) as plan:
        return plan


async def test_no_more_groups_are_in_the_making_than_the_staleness_allows(tmp_path, config):
    async with Producing(tmp_path, config, half) as it:
        await settle(lambda: len(it.producer._ready) == RULES.most_groups == 4)
        assert begun(it) == 4
        await it.producer.take(1)
        await settle(lambda: len(it.producer._ready) == 4)
        assert begun(it) == 5


async def test_groups_that_are_too_old_are_never_handed_out(tmp_path, config):
    async with Producing(tmp_path, config, half) as it:
        await it.producer.take(1)
        await settle(lambda: len(it.producer._ready) == 4)
        it.producer.publish(2)
        groups = await it.producer.take(4)
    assert {version for group in groups for version in group.versions} == {(2, 2)}
    assert it.reasons().count("stale") == 4


@pytest.mark.parametrize("on_stale", ["discard", "keep"])
async def test_rollouts_under_way_are_ended_or_kept_as_asked(tmp_path, config, on_stale):
    def never(job, version):
        return None if job.stage is Stage.ROLLOUT and version == "0" else half(job, version)

    rules = RULES.model_copy(update={"on_stale": on_stale})
    async with Producing(tmp_path, config, never, rules) as it:
        await settle(lambda: len(it.executor.jobs) == 16)
        hung = [job.sandbox_name for job in it.executor.jobs]
        assert len(hung) == 16
        for draft in it.producer._drafts.values():
            draft.began_at = {seat.rollout_id: 0 for seat in draft.seats}
        it.producer.publish(5)
        if on_stale == "discard":
            assert it.executor.cancelled == set(hung)
            groups = await it.producer.take(2)
            assert {version for group in groups for version in group.versions} == {(5, 5)}
        else:
            assert it.executor.cancelled == set()
            for job in it.executor.jobs:
                it.executor.results.put_nowait(half(job, "5"))
            assert len(await it.producer.take(4)) == 4


async def test_groups_without_a_gradient_are_dropped_and_made_anew(tmp_path, config):
    def by_task(job, version):
        if job.seat.instance_id in ("tiny__test_add", "tiny__test_mean"):
            return done(job, version, is_resolved="add" in job.seat.instance_id)
        return half(job, version)

    async with Producing(tmp_path, config, by_task) as it:
        groups = await it.producer.take(4)
        groups += await it.producer.take(4)
    names = {group.task.instance_id for group in groups}
    assert names == {f"tiny__test_{it}" for it in ("clamp", "count", "initials", "palindrome")}
    assert {"too_easy", "too_hard"} <= set(it.reasons())


async def test_a_failed_rollout_is_replaced_and_an_empty_place_never_counts(tmp_path, config):
    def broken(job, version):
        index = int(job.seat.rollout_id[-1])
        if job.stage is Stage.ROLLOUT and index in (0, 1):
            return JobResult(job=job, failure=Failure(cause="sandbox_died"))
        return half(job, version)

    async with Producing(tmp_path, config, broken) as it:
        (group,) = await it.producer.take(1)
    assert sorted(rollout.rollout_id[-1] for rollout in group.rollouts) == ["2", "3", "4", "5"]
    assert all(rollout.reward.is_valid for rollout in group.rollouts)


async def test_a_group_that_cannot_be_filled_is_dropped(tmp_path, config):
    def broken(job, version):
        if job.seat.instance_id == "tiny__test_add" and job.stage is Stage.ROLLOUT:
            return JobResult(job=job, failure=Failure(cause="sandbox_died"))
        return half(job, version)

    async with Producing(tmp_path, config, broken) as it:
        await it.producer.take(4)
        await it.producer.take(4)
    assert "too_few" in it.reasons()


async def test_after_a_crash_nothing_is_trained_twice_and_finished_work_is_kept(tmp_path, config):
    async with Producing(tmp_path, config, half) as it:
        first = await it.producer.take(2)
        state = ProducerState.model_validate_json(it.producer.state.model_dump_json())
        await settle(lambda: len(it.producer._ready) == 4)
        num_jobs = len(it.executor.jobs)
    assert state.taken == (0, 1)
    async with Producing(tmp_path, config, half, state=state) as it:
        second = await it.producer.take(2)
        num_again = len({job.seat.group_id for job in it.executor.jobs} - {"x"})
    assert [group.number for group in (*first, *second)] == [0, 1, 2, 3]
    assert num_jobs >= 32
    assert all(number not in (2, 3) for number in map(_number, it.executor.jobs)), num_again


def _number(job):
    return int(job.seat.group_id[1:7])


class Coin:
    """Knows the fix and applies it for every other seed."""

    name = "coin"
    reads_text = False

    def __init__(self, tasks):
        self.patches = {task.problem_statement: task.patch for task in tasks}

    async def complete(self, prompt, sampling):
        text = "\n".join(message.content for message in prompt.messages if message.role == "user")
        patch = next(patch for statement, patch in self.patches.items() if statement in text)
        if sampling.seed % 2:
            return await KnowingModel(self.name, patch).complete(prompt, sampling)
        index = sum(message.role == "assistant" for message in prompt.messages)
        return Completion(message=noop_script()[index])

    async def close(self):
        pass


@pytest.mark.sandbox
@pytest.mark.usefixtures("no_sandbox_left")
async def test_real_rollouts_stream_while_the_weights_change(tmp_path, config, taskset):
    config = config.model_copy(update={"models": ("policy",), "concurrency": Concurrency()})
    rules = GroupRules(size=6, groups_per_step=1, max_staleness=1)
    async with planned(config, given={"policy": Coin(taskset.tasks)}) as plan:
        argv = ["j"]
        with RunFolder.create(tmp_path, "rollout", "x", config=config, argv=argv) as run:
            async with GroupProducer(config, rules, run, plan) as producer:
                for version in (1, 2):
                    (group,) = await producer.take(1)
                    assert 0 < group.pass_rate < 1
                    assert group.staleness(producer.version) <= 1
                    producer.publish(version)
