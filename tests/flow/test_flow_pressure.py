"""What holds back: circuits that open, the ceiling of a model, sessions at the gateway."""

import asyncio

import pytest

from journeyman.errors import AttributedError
from journeyman.flow import RolloutConfig
from journeyman.flow.breaker import CircuitBreaker, subjects_of
from journeyman.flow.config import Breakers, Concurrency
from journeyman.flow.jobs import Job, Seat, Stage
from journeyman.flow.model_pressure import ModelPressure
from journeyman.flow.patience import Patience
from journeyman.flow.stages import _place_at_gateway
from journeyman.flow.workplace import Workplace


def job_of(taskset, label="policy", stage=Stage.ROLLOUT, **settings):
    task = taskset.tasks[0]
    names = {"rollout_id": "a.0", "group_id": "a", "instance_id": task.instance_id}
    return Job(
        run="run",
        seat=Seat(**names, model=label, label=label, seed=0),
        stage=stage,
        token=1,
        task=task,
        environments=taskset.environments,
        config=RolloutConfig(taskset=taskset.folder, **settings),
    )


class Circuits:
    """A breaker on a clock that the test moves, and what it told."""

    def __init__(self, **settings):
        self.now, self.events = 0.0, []
        settings = {"num_failures": 3, "pause_s": 10.0, "longest_pause_s": 25.0, **settings}
        self.breaker = CircuitBreaker(Breakers(**settings), self.events.append, lambda: self.now)

    def fail(self, subjects, cause, times=1):
        for _ in range(times):
            self.breaker.failed(subjects, cause)

    @property
    def told(self):
        return [(it.kind, it.subject) for it in self.events]


def test_a_model_that_fails_is_left_alone_and_its_environment_is_not(taskset):
    circuits = Circuits()
    bad, good = subjects_of(job_of(taskset)), subjects_of(job_of(taskset, "other"))
    _, model = bad
    circuits.fail(bad, "model_unreachable", 2)
    assert circuits.breaker.wait_s(bad) == 0
    circuits.fail(bad, "model_unreachable")
    assert circuits.told == [("circuit_opened", model)]
    assert circuits.breaker.wait_s(bad) == 10.0
    assert circuits.breaker.wait_s(good) == 0
    assert circuits.breaker.wait_s(subjects_of(job_of(taskset, stage=Stage.EVALUATION))) == 0


def test_an_environment_that_fails_holds_every_model_and_the_gradings_back(taskset):
    circuits = Circuits()
    environment = subjects_of(job_of(taskset, stage=Stage.EVALUATION))
    circuits.fail(environment, "sandbox_unavailable", 3)
    assert circuits.told == [("circuit_opened", *environment)]
    for label in ("policy", "other"):
        assert circuits.breaker.wait_s(subjects_of(job_of(taskset, label))) == 10.0
    assert circuits.breaker.wait_s(environment) == 10.0


def test_one_trial_decides_and_pauses_double_up_to_the_longest(taskset):
    circuits = Circuits()
    subjects = subjects_of(job_of(taskset))
    circuits.fail(subjects, "model_unreachable", 3)
    for pause_s in (10.0, 20.0, 25.0):
        assert circuits.breaker.wait_s(subjects) == pause_s
        circuits.now += pause_s
        assert circuits.breaker.wait_s(subjects) == 0  # the trial
        assert circuits.breaker.wait_s(subjects) > 0  # nobody else meanwhile
        circuits.fail(subjects, "model_unreachable")
    circuits.now += 25.0
    assert circuits.breaker.wait_s(subjects) == 0
    circuits.breaker.succeeded(subjects)
    assert circuits.told[-1] == ("circuit_closed", subjects[1])
    assert circuits.breaker.wait_s(subjects) == 0
    assert circuits.breaker.open_subjects == []


def test_failures_of_data_open_nothing(taskset):
    circuits = Circuits()
    circuits.fail(subjects_of(job_of(taskset)), "patch_invalid", 20)
    assert circuits.told == []


async def ask(pressure, cause=""):
    await pressure.take()
    async with pressure.asking():
        if cause:
            raise AttributedError(cause)


async def test_a_model_out_of_reach_gets_half_the_requests_and_never_none():
    pressure = ModelPressure(64)
    with pytest.raises(AttributedError):
        await ask(pressure, "model_refused")
    assert pressure.level.ceiling == 64
    for _ in range(5):  # that were under way together count once
        with pytest.raises(AttributedError):
            await ask(pressure, "model_unreachable")
    assert pressure.level.ceiling == 32
    for _ in range(8):
        pressure._cut_at = float("-inf")
        with pytest.raises(AttributedError):
            await ask(pressure, "model_timeout")
    assert pressure.level.ceiling == 4
    assert pressure.level.num_used == 0


async def test_late_answers_lower_the_ceiling_and_good_ones_raise_it_again():
    pressure = ModelPressure(256)
    for _ in range(64):
        pressure._learn(0.1)
    assert pressure.level.ceiling == 256
    for _ in range(64 * 6):
        pressure._learn(2.0)
    low = pressure.level.ceiling
    assert 4 <= low < 64
    for _ in range(64 * 40):
        pressure._learn(0.1)
    assert pressure.level.ceiling == 256


async def test_requests_above_the_ceiling_wait_for_their_turn():
    pressure = ModelPressure(2)
    await pressure.take()
    await pressure.take()
    waiting = asyncio.create_task(ask(pressure))
    await asyncio.sleep(0)
    assert pressure.is_full
    assert pressure.level.num_waiting == 1
    async with pressure.asking():
        pass
    await asyncio.wait_for(waiting, 60)
    assert pressure.level.num_used == 1


async def test_agents_that_are_programs_share_the_sessions_of_the_gateway(taskset):
    place = Workplace(ceilings=Concurrency(gateway_sessions=2))
    most, phases = 0, []

    async def work(job):
        nonlocal most
        async with Patience(60, 60, phases.append) as patience:
            async with _place_at_gateway(job, place, patience):
                most = max(most, place.gateway_sessions.num_used)
                await asyncio.sleep(0.02)
            return patience.waited_s

    waits = await asyncio.gather(*(work(job_of(taskset, scaffold="aider")) for _ in range(6)))
    assert most == 2
    assert sum(wait > 0.01 for wait in waits) == 4  # their own clocks stood still
    assert "waiting" in phases
    assert place.gateway_sessions.num_used == 0
    await asyncio.gather(*(work(job_of(taskset)) for _ in range(3)))
    assert most == 2  # our own loops need none
