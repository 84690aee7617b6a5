"""Plans on paper: the real driver on a virtual clock."""

import asyncio
import time

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow.measured import Measured, read_measured, supposed
from journeyman.flow.simulation import SimulationConfig, simulate
from journeyman.flow.virtual_time import run_virtually

EVEN = Measured(
    model_s=(10.0,),
    tools_s=(1.0,),
    num_turns=(8,),
    grading_s=(60.0,),
    failure_rates={},
    solve_rate=1.0,
)


def test_hours_pass_in_no_time():
    async def wait():
        await asyncio.sleep(7200)
        async with asyncio.timeout(3600):
            await asyncio.sleep(1800)
        return asyncio.get_running_loop().time()

    started = time.monotonic()
    assert run_virtually(wait()) == 9000
    assert time.monotonic() - started < 1800


def test_what_is_enough_of_everything_takes_as_long_as_one_rollout():
    plan = SimulationConfig(
        rollouts=64, concurrent=64, nodes=2, gpus=1, build_s=100, environments=1
    )
    outcome = simulate(plan, EVEN)
    one_s = 100 + 8 * 11 + 60
    assert one_s <= outcome.wall_hours * 3600 < one_s + 10
    assert (outcome.num_rollouts, outcome.num_resolved, outcome.num_failed) == (64, 64, 0)
    assert outcome.most_in_flight == 64
    assert outcome.usd_per_resolved == pytest.approx(outcome.usd / 64)


def test_too_few_places_at_the_model_are_the_bound_and_are_used_up():
    plan = SimulationConfig(
        rollouts=64, concurrent=64, nodes=2, gpus=1, requests_per_gpu=4, build_s=0
    )
    outcome = simulate(plan, EVEN)
    assert outcome.wall_hours * 3600 >= 64 * 8 * 10 / 4
    assert outcome.gpu_use > 0.9


def test_failures_are_retried_and_the_same_seed_gives_the_same_outcome():
    plan = SimulationConfig(rollouts=64, concurrent=32, nodes=2, gpus=2, seed=3)
    failing = EVEN.model_copy(update={"failure_rates": {"rollout": {"sandbox_died": 0.3}}})
    one, two = simulate(plan, failing), simulate(plan, failing)
    assert one.num_retries == two.num_retries > 5
    assert one.num_resolved == 64
    assert one.wall_hours == pytest.approx(two.wall_hours, rel=0.2)


def test_a_run_without_events_is_one_error(tmp_path):
    with pytest.raises(JourneymanError, match="no run at"):
        read_measured(tmp_path)
    (tmp_path / "events.jsonl").write_text("")
    with pytest.raises(JourneymanError, match="nothing to simulate from"):
        read_measured(tmp_path)


def test_what_is_supposed_is_a_task_of_about_an_hour():
    measured = supposed()
    mean_turns = sum(measured.num_turns) / len(measured.num_turns)
    turn_s = sum(measured.model_s) / len(measured.model_s)
    assert 20 * 60 < mean_turns * turn_s < 75 * 60
