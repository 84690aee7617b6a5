import asyncio
from collections import Counter

import pytest

from journeyman.errors import FAILURES
from journeyman.flow.admission import Admission, Load
from journeyman.flow.config import RetryBudgets
from journeyman.flow.jobs import Stage
from journeyman.flow.queue import OwedQueue
from journeyman.flow.retries import retry_delay
from journeyman.runs import Owed

BUDGETS = RetryBudgets(infrastructure=3, data=1, backoff_s=1.0, longest_backoff_s=3.0)


def owed(name, stage="rollout"):
    return Owed(name, name.partition(".")[0], stage, 0.0)


def drained(queue, admits=lambda stage: True):
    found = []
    while (it := queue.take(admits)) is not None:
        found.append(it.rollout_id)
    return found


def queue_of(*items):
    queue = OwedQueue()
    for item in items:
        queue.add(item)
    return queue


def test_groups_take_turns_and_gradings_go_first():
    queue = queue_of(*map(owed, ("a.0", "a.1", "a.2", "b.0", "c.0")), owed("z.0", "evaluation"))
    assert drained(queue) == ["z.0", "a.0", "b.0", "c.0", "a.1", "a.2"]


def test_what_was_tried_before_goes_first():
    queue = queue_of(owed("a.0"), owed("b.0"), owed("b.1"))
    queue.add(owed("b.2"), is_retry=True)
    assert drained(queue) == ["b.2", "a.0", "b.0", "b.1"]


def test_what_is_not_admitted_stays():
    queue = queue_of(owed("a.0"), owed("z.0", "evaluation"))
    assert drained(queue, lambda stage: stage is Stage.ROLLOUT) == ["a.0"]
    assert drained(queue) == ["z.0"]


def test_many_waiting_gradings_hold_new_rollouts_back():
    queue = queue_of(owed("a.0"), *(owed(f"z.{index}", "evaluation") for index in range(65)))
    assert queue.take(lambda stage: stage is Stage.ROLLOUT) is None
    queue.take(lambda stage: True)
    assert queue.take(lambda stage: stage is Stage.ROLLOUT) is not None


async def test_a_delayed_stage_waits_for_its_time_and_ends_the_wait():
    now = 1000.0
    queue = OwedQueue(lambda: now)
    queue.add(owed("a.0"), delay_s=0.2)
    assert queue.take(lambda stage: True) is None
    await queue.wait(0.0)  # what was added ended this wait
    await asyncio.wait_for(queue.wait(3600.0), 60.0)
    now += 0.2
    assert drained(queue) == ["a.0"]


async def test_adding_ends_a_wait():
    queue = OwedQueue()
    waiting = asyncio.create_task(queue.wait(3600.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.add(owed("a.0"))
    await asyncio.wait_for(waiting, 60.0)
    assert drained(queue) == ["a.0"]


IDLE = Load(cpu_pressure=0.0, free_bytes=1 << 50, total_bytes=1 << 50)
BUSY = Load(cpu_pressure=90.0, free_bytes=1 << 50, total_bytes=1 << 50)
FULL = Load(cpu_pressure=0.0, free_bytes=1 << 30, total_bytes=1 << 40)


@pytest.mark.parametrize(("load", "most"), [(IDLE, 128), (BUSY, 4), (FULL, 4)])
def test_sandboxes_are_admitted_until_something_is_scarce(monkeypatch, load, most):
    monkeypatch.setattr("journeyman.flow.admission.measure_load", lambda: load)
    admission = Admission(num_cpus=2)
    num_open = 0
    for _ in range(1000):
        admission._measured_at -= 3600  # measured anew each time
        num_open += admission.admits(num_open)
    assert num_open == most


def test_what_began_since_the_last_measurement_weighs_something(monkeypatch):
    monkeypatch.setattr("journeyman.flow.admission.measure_load", lambda: IDLE)
    admission = Admission(num_cpus=2)
    admission._measured_at += 3600  # not measured again
    assert sum(admission.admits(index) for index in range(100)) == 16


@pytest.mark.parametrize("cause", FAILURES)
def test_every_cause_is_retried_from_its_budget_alone(cause):
    budget = {"infrastructure": 3, "data": 1, "none": 0}[FAILURES[cause].retry_budget]
    for tried in range(5):
        is_retried = retry_delay(cause, Counter({cause: tried}), BUDGETS) is not None
        assert is_retried == (tried < budget)


def test_infrastructure_waits_longer_each_time_up_to_a_limit_and_data_not_at_all():
    for tried, most in enumerate((1.0, 2.0, 3.0)):
        past = Counter({"model_timeout": tried, "sandbox_died": 9})
        delays = [retry_delay("model_timeout", past, BUDGETS) for _ in range(50)]
        assert all(most / 2 <= delay <= most for delay in delays)
        assert len(set(delays)) > 40
    assert retry_delay("task_broken", Counter({"sandbox_died": 9}), BUDGETS) == 0.0


def test_data_causes_share_one_budget():
    assert retry_delay("task_broken", Counter({"verifier_crashed": 1}), BUDGETS) is None
