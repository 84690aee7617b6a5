"""A run's patches graded again: no agent runs, the old run stays as it is, changes are named."""

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow import (
    GradeConfig,
    RolloutConfig,
    compare_verdicts,
    grade_predictions,
    plan_regrading,
    planned,
    read_rollouts,
    run_rollouts,
    summarise,
    taskset_of,
)
from journeyman.flow.config import RetryBudgets
from journeyman.flow.jobs import AgentWork, JobResult, Stage
from journeyman.runs import RunFolder
from journeyman.types import Ending, Failure, Verdict


class Answering:
    num_cpus = 2.0
    levels = ()

    def __init__(self, answer):
        self.answer = answer
        self.jobs = []

    def cancel(self, names):
        pass

    def set_policy(self, version):
        pass

    async def run(self, jobs):
        async for job in jobs:
            self.jobs.append(job)
            yield self.answer(job)


def first(job):
    """Solve every task but one, whose grading fails; leave another without a patch."""
    if job.stage is Stage.ROLLOUT:
        if "clamp" in job.seat.rollout_id:
            return JobResult(job=job, failure=Failure(cause="model_refused"))
        work = AgentWork(ending=Ending.TURN_LIMIT, patch=job.seat.instance_id, num_turns=7)
        return JobResult(job=job, work=work)
    if "mean" in job.seat.rollout_id:
        return JobResult(job=job, failure=Failure(cause="verifier_crashed"))
    return JobResult(job=job, verdict=Verdict(is_resolved=True))


def second(job):
    return JobResult(job=job, verdict=Verdict(is_resolved="add" not in job.seat.rollout_id))


async def test_stored_patches_are_graded_anew_and_changes_are_named(tmp_path, taskset):
    config = RolloutConfig(
        taskset=taskset.folder, models=("oracle",), retries=RetryBudgets(backoff_s=0.0)
    )
    with RunFolder.create(tmp_path, "rollout", "x", config=config, argv=["j"], name="old") as run:
        await run_rollouts(config, run, executor=Answering(first))
    old = tmp_path / "old"
    before = (old / "rollouts.jsonl").read_bytes()
    grading = GradeConfig(taskset=taskset_of(old), predictions=old / "rollouts.jsonl")
    plan = plan_regrading(old, grading)
    executor = Answering(second)
    with RunFolder.create(tmp_path, "grade", "x", config=grading, argv=["j"]) as run:
        after = await grade_predictions(grading, run, plan=plan, executor=executor)
    assert {job.stage for job in executor.jobs} == {Stage.EVALUATION}
    assert {job.patch for job in executor.jobs} == {job.seat.instance_id for job in executor.jobs}
    assert len(after) == 5
    assert {(it.ending, it.num_turns) for it in after} == {(Ending.TURN_LIMIT, 7)}
    changes = compare_verdicts(read_rollouts(old), after)
    found = {it.rollout_id.split(".")[0]: (it.before, it.after) for it in changes}
    assert found == {"tiny__test_add": (True, False), "tiny__test_mean": (None, True)}
    assert (old / "rollouts.jsonl").read_bytes() == before


async def test_patches_may_be_graded_later(tmp_path, taskset):
    config = RolloutConfig(taskset=taskset.folder, models=("oracle",), grading="later")
    with RunFolder.create(tmp_path, "rollout", "x", config=config, argv=["j"], name="old") as run:
        async with planned(config) as plan:
            first = await run_rollouts(config, run, plan=plan)
        report = (run.path / "report.md").read_text()
    assert {(it.verdict, it.failure, it.reward.is_valid) for it in first} == {(None, None, False)}
    assert "0 failed, 0 omitted, 6 not graded yet" in report
    assert "grade" in report
    assert summarise(first, plan.seats).coverage.num_ungraded == 6
    grading = GradeConfig(taskset=taskset_of(run.path), predictions=run.path / "rollouts.jsonl")
    with RunFolder.create(tmp_path, "grade", "x", config=grading, argv=["j"]) as run:
        plan = plan_regrading(tmp_path / "old", grading)
        after = await grade_predictions(grading, run, plan=plan)
    assert [it.verdict.is_resolved for it in after] == [True] * 6


def test_what_is_no_run_is_one_error(tmp_path):
    with pytest.raises(JourneymanError, match="is no run of rollouts"):
        taskset_of(tmp_path)
