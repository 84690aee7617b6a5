"""Whole runs with real agents, sandboxes and verifiers."""

import itertools
import json
import time
from collections import Counter

import pytest
from pydantic import ValidationError

from journeyman.errors import AttributedError, JourneymanError
from journeyman.flow import (
    GradeConfig,
    RolloutConfig,
    grade_predictions,
    plan_grading,
    planned,
    run_rollouts,
    summarise,
)
from journeyman.flow.config import Concurrency, RetryBudgets
from journeyman.flow.events import EVENT
from journeyman.flow.shared_verdicts import SHARED, patch_key
from journeyman.models import ScriptedModel
from journeyman.models.scripted import noop_script
from journeyman.runs import RunFolder
from journeyman.tasks import Taskset, save_taskset
from journeyman.types import Ending, Message, ToolCall

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("no_sandbox_left")]

SWIFT = RetryBudgets(backoff_s=0.01)
AT_ONCE = Concurrency(rollouts=3, evaluations=2)


def settings(taskset, **options):
    fields = {"taskset": taskset.folder, "concurrency": AT_ONCE, "retries": SWIFT, **options}
    return RolloutConfig(**fields)


def make_run(root, config, name="run", **options):
    kind = "grade" if isinstance(config, GradeConfig) else "rollout"
    return RunFolder.create(root, kind, "tiny", config=config, argv=["j"], name=name, **options)


async def roll_out(root, config, models=None, **options):
    """Run to the end; `models` replace those that their specs would open."""
    async with planned(config) as plan:
        plan.models.update(models or {})
        with make_run(root, config, **options) as run:
            return await run_rollouts(config, run, plan=plan), run, plan


def count_attempts(run, stage):
    """Count the attempts at a stage by rollout, from the events that tell of their beginning."""
    events = [EVENT.validate_python(event) for event in run.read("events")]
    return Counter(
        it.rollout_id for it in events if it.kind == "stage_started" and it.stage == stage
    )


async def test_two_ends_of_the_scale(tmp_path, taskset):
    config = settings(taskset, models=("oracle", "noop"), n=1)
    rollouts, run, plan = await roll_out(tmp_path, config)
    oracle, noop = summarise(rollouts, plan.seats).models
    assert (oracle.model, oracle.solve_rate, oracle.coverage.num_succeeded) == ("oracle", 1.0, 6)
    assert (noop.model, noop.solve_rate, noop.coverage.num_succeeded) == ("noop", 0.0, 6)
    ids = [line["rollout_id"] for line in run.read("rollouts")]
    assert sorted(ids) == sorted(seat.rollout_id for seat in plan.seats)
    assert len(set(ids)) == 12
    assert json.loads((run.path / "status.json").read_text())["state"] == "finished"
    report = (run.path / "report.md").read_text()
    assert "100.0 %" in report
    assert "resolved: " in report
    for rollout in rollouts:
        folder = run.path / "artifacts" / rollout.rollout_id
        assert {"trajectory.json", "patch.diff", "verdict.json", "test.log"} == {
            path.name for path in folder.iterdir()
        }
        assert (folder / "patch.diff").read_text() == rollout.patch
        assert bool(rollout.patch) == (rollout.model == "oracle")

    verdicts = {it.instance_id: it.verdict.is_resolved for it in rollouts if it.model == "oracle"}
    grading = GradeConfig(
        taskset=taskset.folder, predictions=run.path / "predictions" / "oracle.jsonl"
    )
    with make_run(tmp_path, grading, name="grading") as folder:
        graded = await grade_predictions(grading, folder)
        assert {it.instance_id: it.verdict.is_resolved for it in graded} == verdicts
        assert [it.model for it in graded] == ["oracle"] * 6
        assert len(count_attempts(folder, "evaluation")) == 6
    with make_run(tmp_path, grading, name="grading", resume=True) as folder:
        assert await grade_predictions(grading, folder) == graded
        assert sum(count_attempts(folder, "evaluation").values()) == 6
        assert len(folder.read("rollouts")) == 6


async def test_equal_patches_of_a_task_are_graded_once_where_that_is_asked_for(tmp_path, taskset):
    names = tuple(it.instance_id for it in taskset.tasks[:2])
    config = settings(taskset, tasks=names, models=("oracle", "noop"), n=3, grading="shared")
    rollouts, run, _ = await roll_out(tmp_path, config)
    assert [it.verdict.is_resolved for it in rollouts] == [it.model == "oracle" for it in rollouts]
    shared = Counter((it.instance_id, it.model) for it in rollouts if SHARED in it.verdict.notes)
    assert shared == {(name, model): 2 for name in names for model in config.models}
    assert sum(count_attempts(run, "evaluation").values()) == 12
    assert all(it.reward.is_valid for it in rollouts)


async def test_a_folder_of_verdicts_serves_later_runs_and_no_task_that_changed(tmp_path, taskset):
    task = taskset.tasks[0]
    given = {"tasks": (task.instance_id,), "models": ("oracle",), "grading": "shared"}
    config = settings(taskset, **given, verdicts=tmp_path / "verdicts")
    (first,), _, _ = await roll_out(tmp_path, config, name="first")
    (second,), run, _ = await roll_out(tmp_path, config, name="second")
    assert first.verdict.notes == ()
    assert second.verdict == first.verdict.model_copy(update={"notes": (SHARED,)})
    place = run.artifacts(second.rollout_id)
    assert (place / "test.log").read_bytes()
    keys = {patch_key(task, "", "namespace"), patch_key(task, " ", "namespace")}
    for changes in ({"base_commit": ""}, {"environment": "other"}, {"FAIL_TO_PASS": ()}):
        keys.add(patch_key(task.model_copy(update=changes), "", "namespace"))
    keys.add(patch_key(task, "", "docker"))
    assert len(keys) == 6
    with pytest.raises(ValidationError, match="needs --grading shared"):
        settings(taskset, verdicts=tmp_path)


async def test_predictions_of_every_quality_are_graded(tmp_path, taskset):
    first, second, third = taskset.tasks[:3]
    patches = {first: first.patch, second: "this is no patch\n", third: ""}
    records = [
        {"instance_id": task.instance_id, "model_name_or_path": "org/my model", "model_patch": it}
        for task, it in patches.items()
    ]
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(records))
    config = GradeConfig(taskset=taskset.folder, predictions=path)
    with make_run(tmp_path, config) as run:
        graded = await grade_predictions(config, run)
    assert [it.verdict.is_resolved for it in graded] == [True, False, False]
    assert [it.verdict.patch_is_applied for it in graded][:2] == [True, False]
    assert {it.reward.is_valid for it in graded} == {True}
    assert {it.model for it in graded} == {"org-my-model"}


def test_a_prediction_for_an_unknown_task_is_refused_before_anything_runs(tmp_path, taskset):
    wrong = taskset.tasks[0].instance_id + "x"
    record = {"instance_id": wrong, "model_name_or_path": "m", "model_patch": ""}
    path = tmp_path / "p.jsonl"
    path.write_text("\n" + json.dumps(record) + "\n")
    with pytest.raises(JourneymanError, match=f"p.jsonl:2: .* has no task {wrong}") as caught:
        plan_grading(GradeConfig(taskset=taskset.folder, predictions=path))
    assert caught.value.hint == f"did you mean {taskset.tasks[0].instance_id}?"


async def test_changed_predictions_are_not_resumed(tmp_path, taskset):
    task = taskset.tasks[0]
    record = {"instance_id": task.instance_id, "model_name_or_path": "m", "model_patch": task.patch}
    path = tmp_path / "p.jsonl"
    config = GradeConfig(taskset=taskset.folder, predictions=path)
    path.write_text(json.dumps(record))
    with make_run(tmp_path, config) as run:
        await grade_predictions(config, run)
    report = (run.path / "report.md").read_text()
    path.write_text(json.dumps({**record, "model_patch": ""}))
    changed = pytest.raises(JourneymanError, match="the predictions have changed")
    with make_run(tmp_path, config, resume=True) as run, changed:
        await grade_predictions(config, run)
    assert (run.path / "report.md").read_text() == report


class FlakyModel(ScriptedModel):
    """Fails its first calls for a cause, then submits."""

    def __init__(self, cause, num_failures):
        super().__init__("flaky", noop_script())
        self.cause = cause
        self.num_failures = num_failures

    def for_task(self, instance_id):
        return self

    async def complete(self, prompt, sampling):
        if self.num_failures:
            self.num_failures -= 1
            raise AttributedError(self.cause, "on purpose")
        return await super().complete(prompt, sampling)


async def test_an_infrastructure_failure_is_retried_counted_and_costs_no_reward(tmp_path, taskset):
    config = settings(taskset, models=("noop",), tasks=(taskset.tasks[0].instance_id,))
    flaky = FlakyModel("model_unreachable", 3)
    (rollout,), run, plan = await roll_out(tmp_path, config, {"noop": flaky})
    assert rollout.reward.is_valid
    assert rollout.num_attempts == 4
    assert count_attempts(run, "rollout") == {rollout.rollout_id: 4}
    assert count_attempts(run, "evaluation") == {rollout.rollout_id: 1}
    assert summarise([rollout], plan.seats).models[0].num_retries == 3
    failed = [it for it in run.read("events") if it["kind"] == "stage_failed"]
    assert [it["failure"]["cause"] for it in failed] == ["model_unreachable"] * 3


async def test_a_clock_that_jumps_loses_and_doubles_nothing(tmp_path, taskset, monkeypatch):
    """Every look at the wall clock is a day early, right or a day late."""
    real, jumps = time.time, itertools.cycle((0.0, 86_400.0, -86_400.0, 5.0, -3_600.0))
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    config = settings(taskset, models=("noop",), n=2)
    started = time.monotonic()
    rollouts, run, _ = await roll_out(
        tmp_path, config, {"noop": FlakyModel("model_unreachable", 3)}
    )
    assert time.monotonic() - started < 3_000  # a jump is hours
    assert Counter(it["rollout_id"] for it in run.read("rollouts")) == Counter(
        it.rollout_id for it in rollouts
    )
    assert len(rollouts) == 12
    assert all(it.verdict and not it.verdict.is_resolved for it in rollouts)
    assert sum(it.num_attempts - 1 for it in rollouts) == 3
    with make_run(tmp_path, config, resume=True) as run:
        again = await run_rollouts(config, run)
    assert again == rollouts


async def test_a_spent_budget_is_an_invalid_reward_not_a_zero(tmp_path, taskset):
    config = settings(taskset, models=("noop",), tasks=(taskset.tasks[0].instance_id,))
    (rollout,), _, plan = await roll_out(
        tmp_path, config, {"noop": FlakyModel("model_unreachable", 99)}
    )
    assert (rollout.ending, rollout.failure.cause) == (Ending.FAILED, "model_unreachable")
    assert rollout.num_attempts == 1 + config.retries.infrastructure
    assert not rollout.reward.is_valid
    assert summarise([rollout], plan.seats).models[0].solve_rate is None


async def test_a_broken_task_goes_into_quarantine_alone(tmp_path, taskset):
    broken = taskset.tasks[0].model_copy(update={"bug_patch": "diff --git a/x b/x\nnonsense\n"})
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "environments").symlink_to(taskset.environments)
    save_taskset(Taskset(name="broken", folder=folder, tasks=(broken, taskset.tasks[1])))
    config = RolloutConfig(
        taskset=folder, n=4, retries=SWIFT, concurrency=Concurrency(rollouts=1, evaluations=1)
    )
    rollouts, run, _ = await roll_out(tmp_path, config)
    bad = [it for it in rollouts if it.instance_id == broken.instance_id]
    good = [it for it in rollouts if it.instance_id != broken.instance_id]
    assert {it.failure.cause for it in bad} == {"task_broken"}
    assert {it.reward.is_valid for it in bad} == {False}
    assert "in quarantine" in bad[-1].failure.detail
    assert {it.verdict.is_resolved for it in good} == {True}
    attempts = count_attempts(run, "rollout")
    assert sum(attempts[it.rollout_id] for it in bad) == 2
    kinds = Counter(event["kind"] for event in run.read("events"))
    assert kinds["task_quarantined"] == 1


async def test_a_stage_past_its_deadline_is_ended_and_its_conversation_kept(tmp_path, taskset):
    call = ToolCall(name="bash", arguments={"command": "sleep 60"}, id="c")
    slow = ScriptedModel("slow", [Message(role="assistant", tool_calls=(call,)), *noop_script()])
    config = settings(
        taskset,
        models=("noop",),
        tasks=(taskset.tasks[0].instance_id,),
        # The conversation's own limit begins once the sandbox is there, so the deadline is first.
        limits={"time_s": 1.5},
        timeouts={"rollout_extra_s": 0.001},
        retries={"infrastructure": 1, "backoff_s": 0.0},
    )
    (rollout,), run, _ = await roll_out(tmp_path, config, {"noop": slow})
    assert rollout.failure.cause == "deadline_passed"
    assert rollout.num_attempts == 2
    attempts = run.path / "artifacts" / rollout.rollout_id / "attempts"
    assert sorted(path.name for path in attempts.iterdir()) == ["rollout-1", "rollout-2"]
    assert (attempts / "rollout-2" / "trajectory.json").is_file()


async def test_agents_reach_the_index_but_not_for_the_tasks_own_project(tmp_path, taskset):
    command = (
        'rest=${PIP_INDEX_URL#http://}; exec 3<>"/dev/tcp/127.0.0.1/$(echo ${rest%%/*} | cut -d: -f2)"; '
        "printf 'GET /simple/tiny/ HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    )
    call = ToolCall(name="bash", arguments={"command": command}, id="c")
    asking = ScriptedModel(
        "asking", [Message(role="assistant", tool_calls=(call,)), *noop_script()]
    )
    seen = []
    for network in ("index", "none"):
        config = settings(
            taskset,
            models=("noop",),
            tasks=(taskset.tasks[0].instance_id,),
            guard="off",
            network=network,
        )
        (rollout,), run, _ = await roll_out(tmp_path, config, {"noop": asking}, name=network)
        seen.append((run.path / "artifacts" / rollout.rollout_id / "trajectory.json").read_text())
    assert "403" in seen[0]
    assert "what this task is about" in seen[0]
    assert "what this task is about" not in seen[1]
