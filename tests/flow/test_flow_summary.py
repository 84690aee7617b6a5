import pytest

from journeyman.config import Config
from journeyman.flow.events import ResourceLevel, ResourcesMeasured
from journeyman.flow.jobs import Seat
from journeyman.flow.report import write_report
from journeyman.flow.reward import score
from journeyman.flow.summary import Coverage, summarise
from journeyman.flow.use import Use, per_resolved
from journeyman.runs import RunFolder
from journeyman.types import Ending, Failure, Reward, Rollout, Verdict


def seat(model, index):
    return Seat(
        rollout_id=f"t{index}.{model}.bash.0",
        group_id=f"t{index}.{model}.bash",
        instance_id=f"t{index}",
        model=model,
        label=model,
        seed=0,
    )


def rollout(seat, *, solved=None, failure=None, ending=Ending.SUBMITTED, turns=2, attempts=1):
    verdict = None if solved is None else Verdict(is_resolved=solved)
    cause = None if failure is None else Failure(cause=failure)
    return Rollout(
        rollout_id=seat.rollout_id,
        instance_id=seat.instance_id,
        group_id=seat.group_id,
        scaffold="bash",
        model=seat.label,
        ending=ending,
        verdict=verdict,
        reward=score(ending, verdict, cause),
        failure=cause,
        num_turns=turns,
        num_attempts=attempts,
        num_completion_tokens=10,
    )


@pytest.fixture
def mixed():
    """Of 6 seats: 2 solved, 1 not, 1 lost to the infrastructure, 1 to a broken task, 1 not done."""
    seats = [seat("policy", index) for index in range(6)]
    rollouts = [
        rollout(seats[0], solved=True),
        rollout(seats[1], solved=True, turns=4, attempts=3),
        rollout(seats[2], solved=False, ending=Ending.TURN_LIMIT, turns=6),
        rollout(seats[3], failure="sandbox_died", ending=Ending.FAILED, turns=90),
        rollout(seats[4], failure="verifier_crashed", turns=90),
    ]
    return rollouts, seats


def test_only_valid_rewards_are_in_the_denominator_and_the_rest_is_counted(mixed):
    summary = summarise(*mixed)
    (row,) = summary.models
    assert row.solve_rate == pytest.approx(2 / 3)
    assert row.interval == pytest.approx((0.2077, 0.9385), abs=1e-3)
    assert row.coverage == Coverage(num_expected=6, num_succeeded=3, num_failed=2, num_omitted=1)
    assert row.mean_turns == 4.0
    assert row.mean_reward == pytest.approx((1 + 1 - 0.5) / 3)
    assert row.num_completion_tokens == 50
    assert row.num_retries == 2
    assert row.endings == {"submitted": 3, "failed": 1, "turn_limit": 1}
    assert row.failures == {"sandbox_died": 1, "verifier_crashed": 1}
    assert (summary.coverage, summary.num_tasks) == (row.coverage, 6)


def test_a_model_of_which_nothing_counts_has_no_rate():
    seats = [seat("a", 0), seat("b", 0)]
    first, second = summarise([rollout(seats[0], solved=False)], seats).models
    assert (first.solve_rate, first.num_resolved) == (0.0, 0)
    assert (second.solve_rate, second.interval, second.coverage.num_omitted) == (
        None,
        (0.0, 1.0),
        1,
    )


def test_an_invalid_reward_is_never_a_solved_task():
    one = seat("a", 0)
    solved = rollout(one, solved=True).model_copy(
        update={"reward": Reward(value=1, is_valid=False)}
    )
    (row,) = summarise([solved], [one]).models
    assert (row.num_resolved, row.coverage.num_failed, row.solve_rate) == (0, 1, None)


def test_rollouts_that_nobody_asked_for_do_not_count(mixed):
    rollouts, seats = mixed
    assert summarise(rollouts, seats[:2]).coverage.num_succeeded == 2


def test_a_failure_with_a_valid_reward_is_both_counted_and_named():
    one = seat("a", 0)
    late = Verdict(is_resolved=False, failure=Failure(cause="verifier_timeout"))
    (row,) = summarise([rollout(one).model_copy(update={"verdict": late})], [one]).models
    assert row.failures == {"verifier_timeout": 1}


@pytest.mark.parametrize(
    ("ending", "solved", "failure", "value", "is_valid"),
    [
        (Ending.SUBMITTED, True, None, 1.0, True),
        (Ending.SUBMITTED, False, None, 0.0, True),
        (Ending.TURN_LIMIT, False, None, -0.5, True),
        (Ending.TURN_LIMIT, True, None, 1.0, True),
        (Ending.TIME_LIMIT, False, None, 0.0, True),
        (Ending.SUBMITTED, False, "patch_invalid", 0.0, True),
        (Ending.SUBMITTED, True, "sandbox_disk_full", 1.0, True),
        (Ending.SUBMITTED, None, "verifier_crashed", 0.0, False),
        (Ending.SUBMITTED, True, "worker_lost", 0.0, False),
        (Ending.FAILED, None, "model_unreachable", 0.0, False),
        (Ending.SUBMITTED, None, None, 0.0, False),
    ],
)
def test_the_tables_alone_make_the_reward(ending, solved, failure, value, is_valid):
    verdict = None if solved is None else Verdict(is_resolved=solved)
    reward = score(ending, verdict, Failure(cause=failure) if failure else None)
    assert (reward.value, reward.is_valid) == (value, is_valid)


@pytest.fixture
def run(tmp_path):
    argv = ["journeyman", "rollout", "my tasks", "--model", "a|b"]
    with RunFolder.create(tmp_path, "rollout", "x", config=Config(), argv=argv, name="r") as run:
        yield run


def test_the_report_says_what_is_left_out_and_how_to_go_on(run, mixed):
    summary = write_report(run, *mixed)
    text = (run.path / "report.md").read_text()
    assert summary == summarise(*mixed)
    assert "6 rollouts on 6 tasks, 5 finished so far." in text
    assert "Left out: 2 failed, 1 omitted." in text
    assert "66.7 %" in text
    assert "20.8 to 93.9 %" in text
    assert "sandbox_died" in text
    assert "journeyman rollout 'my tasks' --model 'a|b' --name r --resume" in text
    assert f"journeyman view {run.path}" in text


def test_every_table_of_a_report_is_rectangular(run):
    seats = [seat(model, index) for model in ("a|b", "c") for index in range(2)]
    write_report(run, [rollout(it, solved=it.label == "c") for it in seats], seats)
    text = (run.path / "report.md").read_text()
    assert "Nothing is left out." in text
    assert "--resume" not in text
    tables = [part for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 4
    for table in tables:
        assert len({len(line) for line in table.splitlines()}) == 1
        bars = {line.replace("\\|", "").count("|") for line in table.splitlines()}
        assert len(bars) == 1


def test_what_a_resolved_task_cost_is_told_with_the_use_of_the_machine():
    levels = (ResourceLevel(name="sandboxes", num_used=4), ResourceLevel(name="builds", num_used=9))
    event = ResourcesMeasured(
        num_queued=0,
        num_rollouts=4,
        num_evaluations=0,
        levels=levels,
        cpu_share=0.5,
        free_bytes=1 << 30,
        total_bytes=3 << 30,
    )
    use = Use(num_cpus=2).with_measurement(event, 1800.0).with_measurement(event, 1800.0)
    solved = Rollout(
        rollout_id="a.0",
        instance_id="a",
        group_id="a",
        scaffold="bash",
        model="m",
        ending=Ending.SUBMITTED,
        verdict=Verdict(is_resolved=True),
        reward=Reward(value=1.0),
        cost_usd=0.25,
        rollout_duration_s=20.0,
        evaluation_duration_s=2.0,
    )
    failed = solved.model_copy(update={"verdict": Verdict(is_resolved=False)})
    first, second = per_resolved([solved, failed], use, 0.1)
    assert "processors 50 % busy" in first
    assert "4.0 agents' sandboxes" in first
    assert second == (
        "For each of the 1 resolved: 40.0 s of agents, 4.0 s of gradings, $0.5000 of model calls,"
        " $0.2000 of machines."
    )
