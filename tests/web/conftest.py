"""Real run folders, written by the code that writes them, small and large, honest and hostile."""

import json
import time
from pathlib import Path

import pytest

from journeyman.flow.config import RolloutConfig
from journeyman.flow.events import (
    CallRefused,
    RolloutFinished,
    RunEnded,
    RunStarted,
    StageFailed,
    StageFinished,
    StageStarted,
    TurnTaken,
)
from journeyman.runs import RunFolder
from journeyman.tasks import Taskset, save_taskset
from journeyman.tasks.gate_history import GateEntry, passed, record_gate
from journeyman.types import (
    Completion,
    Ending,
    Environment,
    Failure,
    FormatError,
    GuardDecision,
    Message,
    Origin,
    Reward,
    Rollout,
    Task,
    TestStatus,
    ToolCall,
    ToolSpec,
    Trajectory,
    Turn,
    Verdict,
    VerifierSpec,
)

PATCH = """diff --git a/shop/price.py b/shop/price.py
index 1111111..2222222 100644
--- a/shop/price.py
+++ b/shop/price.py
@@ -10,7 +10,7 @@ def total(items):
     for item in items:
-        value += item.price
+        value += item.price * item.count
     return value
"""
STATEMENT = (
    "`total` forgets how many\n\nRunning this\n\n```python\nassert total(items) == 6\n```\n\nfails."
)
BASH = ToolSpec(name="bash", description="Run a command.")


def _task(number):
    return Task(
        instance_id=f"shop__shop-{number:04d}",
        repo="acme/shop",
        base_commit="a" * 40,
        problem_statement=STATEMENT,
        patch=PATCH,
        bug_patch=PATCH,
        FAIL_TO_PASS=("tests/test_price.py::test_total",),
        PASS_TO_PASS=("tests/test_price.py::test_empty",),
        environment="env0",
        hidden_paths=("tests/test_price.py",),
        verifier=VerifierSpec(command="pytest -q tests/test_price.py"),
        origin=Origin(road="mutate", strategy="operand_removal", location="shop/price.py:12"),
    )


def make_taskset(folder, num_tasks=3):
    environment = folder / "environments/env0"
    environment.mkdir(parents=True)
    record = Environment(
        digest="env0", project="acme/shop", commit="a" * 40, packages=("pytest==8.4.1",)
    )
    (environment / "environment.json").write_text(record.model_dump_json())
    tasks = tuple(map(_task, range(num_tasks)))
    save_taskset(Taskset(name="shop", folder=folder, tasks=tasks, project="acme/shop"))
    record_gate(folder, passed(tasks, by="mutate", num_runs=2))
    bad = GateEntry(
        instance_id=tasks[0].instance_id,
        by="validate",
        is_valid=False,
        at="2026-11-30T01:00:00Z",
        faults=("is_stable: test_total differs between runs",),
    )
    record_gate(folder, [bad])
    return folder


def make_turn(number, *, command="ls", answer="price.py", refused=False, error=False):
    call = ToolCall(name="bash", arguments={"command": command}, id=f"call{number}")
    text = f'<tool_call>\n{{"name": "bash", "arguments": {{"command": "{command}"}}}}\n</tool_call>'
    ids = tuple(range(100 + number, 112 + number))
    return Turn(
        prompt_messages=(
            Message(role="system", content="You mend code."),
            Message(role="user", content=STATEMENT),
        )
        if number == 1
        else (),
        prompt_text="<|im_start|>user\nMend it.<|im_end|>\n" if number == 1 else "",
        prompt_token_ids=tuple(range(20)),
        completion=Completion(
            text=text,
            token_ids=ids,
            logprobs=tuple(-0.4 * at for at in range(len(ids))),
            model_version=f"step-{number}",
            num_prompt_tokens=400 * number,
            num_completion_tokens=len(ids),
        ),
        message=Message(
            role="assistant",
            content=f"I look, {number}.",
            reasoning="Where is it?",
            tool_calls=(call,),
        ),
        format_errors=(FormatError(kind="wrong_type", message="count is text", start=0, end=11),)
        if error
        else (),
        observations=(Message(role="tool", name="bash", content=answer, tool_call_id=call.id),),
        guard_decisions=(
            GuardDecision(
                guard="rules",
                tool="bash",
                is_allowed=not refused,
                labels=("attempted_upstream_fetch",) if refused else (),
                evidence=(command,) if refused else (),
                feedback="Not allowed: it fetches the fix." if refused else "",
                call_id=call.id,
            ),
        ),
        model_duration_s=1.5,
        tools_duration_s=0.2,
    )


def make_rollout(number, *, num_tasks=3, model="policy"):
    """Every third is solved, every seventh failed for the machine's sake."""
    task = _task(number % num_tasks).instance_id
    solved, lost = number % 3 == 0, number % 7 == 6
    return Rollout(
        rollout_id=f"{task}.{model}.bash.{number // num_tasks}",
        instance_id=task,
        group_id=f"{task}.{model}.bash",
        scaffold="bash",
        model=model,
        ending=Ending.FAILED if lost else Ending.SUBMITTED if number % 2 else Ending.TURN_LIMIT,
        patch="" if lost else PATCH,
        verdict=None
        if lost
        else Verdict(
            is_resolved=solved,
            tests={
                "tests/test_price.py::test_total": TestStatus.PASSED
                if solved
                else TestStatus.FAILED,
                "tests/test_price.py::test_empty": TestStatus.PASSED,
            },
        ),
        reward=Reward(
            value=1.0 if solved else -0.5, parts={"outcome": float(solved)}, is_valid=not lost
        ),
        failure=Failure(cause="sandbox_died", detail="it is gone") if lost else None,
        num_turns=number % 5 + 1,
        num_prompt_tokens=1000 + number,
        num_completion_tokens=200 + number,
        num_format_errors=number % 2,
        cost_usd=0.01,
        started_at=1_790_000_000.0 + number,
        rollout_duration_s=20.0 + number % 30,
        evaluation_duration_s=2.0,
    )


def finish(run, rollout, trajectory=None, at=None):
    """Write what the driver writes of a rollout, in its order."""
    at = at or rollout.started_at + rollout.rollout_duration_s
    name = rollout.rollout_id
    run.append(
        "events", StageStarted(at=rollout.started_at, rollout_id=name, stage="rollout", attempt=1)
    )
    run.append(
        "events",
        TurnTaken(at=at, rollout_id=name, turn=1, num_completion_tokens=200, calls=("bash",)),
    )
    if rollout.failure:
        run.append(
            "events",
            StageFailed(
                at=at, rollout_id=name, stage="rollout", attempt=1, failure=rollout.failure
            ),
        )
    run.append(
        "events", StageFinished(at=at, rollout_id=name, stage="rollout", attempt=1, duration_s=20)
    )
    if trajectory is not None:
        folder = run.artifacts(name)
        (folder / "trajectory.json").write_text(trajectory.model_dump_json())
        (folder / "test.log").write_text("1 passed\n\x1b[31m1 failed\x1b[0m\n")
    run.append("rollouts", rollout)
    solved = bool(rollout.verdict and rollout.verdict.is_resolved)
    run.append(
        "events",
        RolloutFinished(
            at=at,
            rollout_id=name,
            model=rollout.model,
            ending=rollout.ending,
            is_resolved=solved,
            failure=rollout.failure,
        ),
    )


def make_trajectory(number, num_turns=3):
    turns = [make_turn(at, command=f"sed -n {at}p price.py") for at in range(1, num_turns)]
    turns.append(
        make_turn(
            num_turns, command=f"git push {number}", refused=number % 2 == 1, error=number % 3 == 1
        )
    )
    return Trajectory(
        scaffold="bash", model="policy", template="hermes", tools=(BASH,), turns=tuple(turns)
    )


def open_run(root, name, *, taskset, num_expected=0):
    config = RolloutConfig(taskset=taskset, template="hermes", n=4)
    run = RunFolder.create(
        root, "rollout", "shop", config=config, argv=["journeyman", "rollout", "shop"], name=name
    )
    run.append("events", RunStarted(at=1_790_000_000.0, run=name, num_rollouts=num_expected))
    return run


def make_run(root, name="first", *, num=9, taskset=None, is_ended=True):
    taskset = taskset or make_taskset(root / f".taskset-{name}")
    run = open_run(root, name, taskset=taskset, num_expected=num)
    with run:
        for number in range(num):
            rollout = make_rollout(number)
            finish(run, rollout, make_trajectory(number) if number < 40 else None)
            if number % 2 == 1 and number < 40:
                refused = make_trajectory(number).turns[-1].guard_decisions[0]
                run.append(
                    "events",
                    CallRefused(
                        at=1_790_000_030.0, rollout_id=rollout.rollout_id, turn=3, decision=refused
                    ),
                )
        if is_ended:
            run.append("events", RunEnded(at=1_790_000_090.0, state="finished", num_finished=num))
            run.set_status("finished", num_rollouts=num, num_finished=num)
    return run.path


def make_training(root, name="train--rl", num_steps=120):
    path = make_run(root, name, num=6)
    lines = [
        {
            "step": step,
            "loss": 2.0 / step**0.3,
            "reward": min(1.0, step / 100),
            "entropy": 1.5 - step / 200,
            "kl": 0.001 * step,
            "turns": 12 + step % 5,
            "staleness": step % 3,
            "format_errors": 30 / step,
            "tokens_per_s": 900 + step % 17,
            "learning_rate": 1e-5,
        }
        for step in range(1, num_steps + 1)
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(it) + "\n" for it in lines))
    return path


HOSTILE = "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'></pre></script><!--"
CONTROLS = "\x1b[2J\x07\x00 \u202egnp.exe\u202c \u200bhidden\ufeff \x9b31m \r\x08"


def make_hostile(root, name="hostile"):
    """Everything a trajectory can hold that would like to act, hide or never end."""
    taskset = make_taskset(root / f".taskset-{name}")
    run = open_run(root, name, taskset=taskset, num_expected=2)
    turn = make_turn(1, command=HOSTILE + CONTROLS, answer="x" * 3_000_000 + HOSTILE)
    nasty = turn.message.model_copy(
        update={
            "content": HOSTILE + CONTROLS,
            "reasoning": HOSTILE,
            "tool_calls": (
                ToolCall(name=HOSTILE, arguments={HOSTILE: HOSTILE, "deep": [[{"a": HOSTILE}]]}),
            ),
        }
    )
    text = HOSTILE + CONTROLS + "{{ 7*7 }}${7*7}"
    completion = turn.completion.model_copy(update={"text": text, "model_version": HOSTILE})
    turn = turn.model_copy(
        update={
            "message": nasty,
            "completion": completion,
            "prompt_text": HOSTILE,
            "prompt_messages": (Message(role="user", content=HOSTILE + CONTROLS),),
            "format_errors": (FormatError(kind=HOSTILE, message=HOSTILE, start=0, end=9),),
        }
    )
    trajectory = Trajectory(scaffold="bash", model=HOSTILE, template="hermes", turns=(turn,))
    good = make_rollout(0).model_copy(
        update={
            "model": HOSTILE,
            "patch": f"diff --git a/{HOSTILE} b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{CONTROLS}\n+"
            + "y" * 2_000_000
            + HOSTILE,
            "verdict": Verdict(
                is_resolved=True, tests={HOSTILE + CONTROLS: TestStatus.PASSED}, notes=(HOSTILE,)
            ),
            "reward": Reward(value=1.0, parts={HOSTILE: 1.0}),
        }
    )
    bad = make_rollout(1).model_copy(
        update={
            "rollout_id": "../../../etc/passwd<script>",
            "instance_id": HOSTILE,
            "group_id": HOSTILE,
            "failure": Failure(cause=HOSTILE, detail=HOSTILE),
        }
    )
    with run:
        finish(run, good, trajectory)
        run.append("rollouts", bad)
        run.append("events", {"kind": HOSTILE, "at": 1_790_000_000.0, HOSTILE: CONTROLS})
        run.set_status("finished")
    (run.path / "command.txt").write_text(f"journeyman rollout {HOSTILE}\n")
    return run.path


@pytest.fixture
def build():
    """The builders of run folders."""

    class Build:
        run = staticmethod(make_run)
        open = staticmethod(open_run)
        taskset = staticmethod(make_taskset)
        training = staticmethod(make_training)
        hostile = staticmethod(make_hostile)
        rollout = staticmethod(make_rollout)
        trajectory = staticmethod(make_trajectory)
        finish = staticmethod(finish)
        HOSTILE = HOSTILE

    return Build


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / ".cache"))


@pytest.fixture
def roots(tmp_path):
    folder = Path(tmp_path / "runs")
    folder.mkdir()
    return folder


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")
