"""The driver with an executor of the test's own: what it does with every answer, and with none."""

import json
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig, planned, run_rollouts
from journeyman.flow.config import Concurrency, RetryBudgets, Timeouts
from journeyman.flow.jobs import AgentWork, JobResult, Stage
from journeyman.runs import Ledger, RunFolder
from journeyman.types import Ending, Failure, Verdict


class Answering:
    """An executor that asks a function for the results of each job as it comes."""

    num_cpus = 2.0
    levels = ()

    def __init__(self, answer):
        self.answer = answer
        self.jobs = []

    def cancel(self, names):
        pass

    async def run(self, jobs):
        async for job in jobs:
            self.jobs.append(job)
            for result in self.answer(job):
                yield result


def do(job, **parts):
    """Return the good end of a job."""
    if job.stage is Stage.ROLLOUT:
        parts.setdefault("work", AgentWork(ending=Ending.SUBMITTED, patch="p", num_turns=1))
    else:
        parts.setdefault("verdict", Verdict(is_resolved=True))
    return JobResult(job=job, **parts)


def fail(job, cause):
    return JobResult(job=job, failure=Failure(cause=cause))


@pytest.fixture
def config(taskset):
    return RolloutConfig(
        taskset=taskset.folder,
        models=("oracle", "noop"),
        retries=RetryBudgets(backoff_s=0.0),
        concurrency=Concurrency(rollouts=8, evaluations=8),
    )


def make_run(root, config, name="run", **options):
    return RunFolder.create(root, "rollout", "x", config=config, argv=["j"], name=name, **options)


async def drive(root, config, answer, **options):
    """Return the rollouts and the executor; the run is taken up if it is there already."""
    executor = Answering(answer)
    resume = (root / "run").exists()
    with make_run(root, config, resume=resume) as run:
        rollouts = await run_rollouts(config, run, executor=executor, **options)
    return rollouts, executor


def lines(root):
    return [json.loads(line) for line in (root / "run/rollouts.jsonl").read_text().splitlines()]


async def seat_ids(config):
    async with planned(config) as plan:
        return [seat.rollout_id for seat in plan.seats]


async def test_each_rollout_is_done_once_in_two_stages(tmp_path, config):
    rollouts, executor = await drive(tmp_path, config, lambda job: [do(job)])
    ids = await seat_ids(config)
    assert [it.rollout_id for it in rollouts] == ids
    assert len(executor.jobs) == 24
    assert len({job.sandbox_name for job in executor.jobs}) == 24
    assert {job.patch for job in executor.jobs if job.stage is Stage.EVALUATION} == {"p"}
    assert sorted(it["rollout_id"] for it in lines(tmp_path)) == sorted(ids)
    assert len({job.seat.seed for job in executor.jobs}) == 12


async def test_a_finished_run_is_not_done_again(tmp_path, config):
    first, _ = await drive(tmp_path, config, lambda job: [do(job)])
    seen = []
    second, executor = await drive(tmp_path, config, lambda job: [do(job)], on_event=seen.append)
    assert second == first
    started = next(event for event in seen if event.kind == "run_started")
    assert (started.num_finished, started.num_resolved, started.num_failed) == (12, 12, 0)
    assert executor.jobs == []
    assert len(lines(tmp_path)) == 12


async def test_only_the_stage_that_failed_is_tried_again(tmp_path, config):
    def answer(job):
        is_bad = job.stage is Stage.EVALUATION and job.token <= 2
        return [fail(job, "sandbox_died") if is_bad else do(job)]

    rollouts, executor = await drive(tmp_path, config, answer)
    assert all(it.reward.is_valid and it.num_attempts == 1 for it in rollouts)
    stages = [job.stage for job in executor.jobs]
    assert (stages.count(Stage.ROLLOUT), stages.count(Stage.EVALUATION)) == (12, 36)


async def test_a_late_result_of_an_old_attempt_never_wins(tmp_path, config):
    lost = {}

    def answer(job):
        if job.stage is Stage.ROLLOUT and job.token == 1:
            lost[job.seat.rollout_id] = job
            return [fail(job, "worker_lost")]
        if job.stage is Stage.ROLLOUT:
            work = AgentWork(ending=Ending.SUBMITTED, patch="late")
            old = lost[job.seat.rollout_id]
            late = do(old, work=work, files={"patch.diff": b"late"})
            return [late, do(job, files={"patch.diff": b"p"}), late]
        return [do(job)]

    rollouts, _ = await drive(tmp_path, config, answer)
    assert {it.patch for it in rollouts} == {"p"}
    assert {it.num_attempts for it in rollouts} == {2}
    folder = tmp_path / "run" / "artifacts" / rollouts[0].rollout_id
    assert (folder / "patch.diff").read_bytes() == b"p"
    assert (folder / "attempts/rollout-1/patch.diff").read_bytes() == b"late"
    ledger = Ledger(tmp_path / "run/ledger.sqlite")
    assert len(ledger.events("late_result")) == 24
    assert all(late[3].count("late") for late in ledger.events("late_result"))
    ledger.close()


async def test_a_job_without_an_answer_counts_as_lost_and_is_done_again(tmp_path, config):
    config = config.model_copy(
        update={
            "limits": config.limits.model_copy(update={"time_s": 0.05}),
            "timeouts": Timeouts(rollout_extra_s=0.05, turn_s=0.05, lost_s=0.05),
        }
    )
    rollouts, _ = await drive(
        tmp_path,
        config,
        lambda job: [] if job.stage is Stage.ROLLOUT and job.token == 1 else [do(job)],
    )
    assert {it.num_attempts for it in rollouts} == {2}
    ledger = Ledger(tmp_path / "run/ledger.sqlite")
    assert ledger.failures(rollouts[0].rollout_id, "rollout") == {"worker_lost": 1}
    assert ledger.open_sandboxes() == []
    ledger.close()


async def test_attempts_outlive_a_resumed_run_and_cannot_be_deleted(tmp_path, config):
    def answer(job):
        return [fail(job, "sandbox_died") if job.token == 1 else do(job)]

    await drive(tmp_path, config, answer)
    path = tmp_path / "run/ledger.sqlite"
    base = sqlite3.connect(path)
    before = base.execute("SELECT * FROM attempt ORDER BY 1, 2, 3").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        base.execute("DELETE FROM attempt")
    base.close()
    await drive(tmp_path, config, answer)
    base = sqlite3.connect(path)
    assert base.execute("SELECT * FROM attempt ORDER BY 1, 2, 3").fetchall() == before
    base.close()
    assert len(before) == 12 * (2 + 2 + 1)


async def test_one_bad_patch_does_not_condemn_its_task_but_two_do(tmp_path, config):
    config = config.model_copy(update={"models": ("oracle",), "n": 4})

    def answer(job):
        index = int(job.seat.rollout_id[-1])
        if job.stage is Stage.ROLLOUT:
            return [do(job, work=AgentWork(ending=Ending.SUBMITTED, patch=f"p{index}"))]
        is_one = job.seat.instance_id == "tiny__test_add" and index == 0
        is_two = job.seat.instance_id == "tiny__test_mean" and index < 2
        return [fail(job, "verifier_crashed") if is_one or is_two else do(job)]

    rollouts, _ = await drive(tmp_path, config, answer)
    by_task = {}
    for it in rollouts:
        by_task.setdefault(it.instance_id, []).append(it.reward.is_valid)
    assert sorted(by_task.pop("tiny__test_add")) == [False, True, True, True]
    assert by_task.pop("tiny__test_mean").count(False) >= 2
    assert all(all(valid) for valid in by_task.values())
    quarantined = [it for it in rollouts if it.failure and "in quarantine" in it.failure.detail]
    assert {it.instance_id for it in quarantined} <= {"tiny__test_mean"}


@pytest.mark.parametrize("tail", [b'{"rollout_id": "x', b'{"a":1}'[:-1], b"\xff"])
async def test_a_torn_last_line_is_healed(tmp_path, config, tail):
    first, _ = await drive(tmp_path, config, lambda job: [do(job)])
    path = tmp_path / "run/rollouts.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:-1]) + whole[-1][:-20])
    second, executor = await drive(tmp_path, config, lambda job: [do(job)])
    assert (second, executor.jobs) == (first, [])
    assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted(whole)
    with path.open("ab") as file:
        file.write(tail)
    (tmp_path / "run/ledger.sqlite").unlink()
    third, executor = await drive(tmp_path, config, lambda job: [do(job)])
    assert (third, executor.jobs) == (first, [])


async def test_a_broken_line_in_the_middle_is_named(tmp_path, config):
    await drive(tmp_path, config, lambda job: [do(job)])
    path = tmp_path / "run/rollouts.jsonl"
    path.write_text('{"rollout_id": 3}\n' + path.read_text())
    with pytest.raises(JourneymanError, match=r"rollouts.jsonl:1: not a rollout"):
        await drive(tmp_path, config, lambda job: [do(job)])


async def test_a_changed_taskset_is_not_resumed(tmp_path, config, taskset):
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "environments").symlink_to(taskset.environments)
    for name in ("taskset.toml", "tasks.jsonl"):
        shutil.copy(taskset.folder / name, folder / name)
    config = config.model_copy(update={"taskset": folder})
    await drive(tmp_path, config, lambda job: [do(job)])
    text = (folder / "tasks.jsonl").read_text()
    (folder / "tasks.jsonl").write_text(text.replace("is wrong", "is very wrong"))
    with pytest.raises(JourneymanError, match="the tasks have changed since"):
        await drive(tmp_path, config, lambda job: [do(job)])


async def test_a_fault_that_a_person_must_mend_ends_the_run_at_once(tmp_path, config):
    def answer(job):
        failure = Failure(cause="unexpected", detail="no namespaces here")
        return [JobResult(job=job, failure=failure, is_user_error=True, hint="run doctor")]

    with pytest.raises(JourneymanError, match="no namespaces here") as caught:
        await drive(tmp_path, config, answer)
    assert caught.value.hint == "run doctor"
    assert json.loads((tmp_path / "run/status.json").read_text())["state"] == "failed"


async def test_a_crash_of_the_executor_leaves_a_run_that_can_go_on(tmp_path, config):
    def answer(job):
        if len(lines(tmp_path)) == 5:
            raise RuntimeError("the executor broke")
        return [do(job)]

    with pytest.raises(RuntimeError, match="the executor broke"):
        await drive(tmp_path, config, answer)
    assert len(lines(tmp_path)) == 5
    rollouts, _ = await drive(tmp_path, config, lambda job: [do(job)])
    assert len(rollouts) == len(lines(tmp_path)) == 12


async def test_what_is_delayed_is_not_waited_for_longer_than_asked(tmp_path, config):
    started = time.monotonic()
    quick = config.model_copy(update={"retries": RetryBudgets(backoff_s=0.2, infrastructure=1)})
    await drive(
        tmp_path, quick, lambda job: [fail(job, "worker_lost") if job.token == 1 else do(job)]
    )
    assert 0.2 < time.monotonic() - started < 120


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


async def test_a_full_disk_is_one_error_and_the_run_goes_on_once_there_is_room(small_disk, config):
    def answer(job):
        return [do(job, files={"test.log": os.urandom(100_000)})]

    with pytest.raises(JourneymanError, match="no space left") as caught:
        await drive(small_disk, config, answer)
    assert "--resume" in caught.value.hint
    remount(small_disk, "size=20m")
    rollouts, _ = await drive(small_disk, config, answer)
    assert [it.rollout_id for it in rollouts] == await seat_ids(config)
    assert len(lines(small_disk)) == 12


async def test_a_read_only_folder_is_one_error_and_spoils_nothing(small_disk, config):
    remount(small_disk, "size=20m")

    def answer(job):
        if len(lines(small_disk)) == 5:
            raise RuntimeError("the executor broke")
        return [do(job)]

    with pytest.raises(RuntimeError, match="the executor broke"):
        await drive(small_disk, config, answer)
    remount(small_disk, "ro")
    with pytest.raises(JourneymanError, match=r"cannot write .* Read-only file system") as caught:
        await drive(small_disk, config, answer)
    assert caught.value.hint
    remount(small_disk, "rw")
    rollouts, _ = await drive(small_disk, config, lambda job: [do(job)])
    assert len(rollouts) == len(lines(small_disk)) == 12
