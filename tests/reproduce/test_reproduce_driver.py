"""Stages: done once, tried again where they failed, taken up where they were killed, and never
left unsaid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.reproduce import ReproduceSettings
from journeyman.reproduce.driver import plan_lines, read_records, run_stages, select
from journeyman.reproduce.place import Place
from journeyman.reproduce.scales import SCALES, get_scale
from journeyman.reproduce.stages import Stage, list_stages
from journeyman.reproduce.steps import Act, Command, command, run_step
from journeyman.runs import RunFolder


@pytest.fixture
def run(tmp_path: Path):
    settings = ReproduceSettings(scale="smoke")
    with RunFolder.create(
        tmp_path, "reproduce", "smoke", config=settings, argv=["x"], name="one"
    ) as it:
        yield it


def writing(path: Path, text: str = "x") -> Act:
    return Act(f"write {path.name}", path, lambda: path.write_text(text))


def test_a_stage_is_done_once_and_what_failed_is_tried_again(run, tmp_path) -> None:
    calls = []

    def exercises() -> list[Command]:
        calls.append(1)
        file = tmp_path / "e.jsonl"
        return [command("data", "exercises", file, "--num", 2, product=file)]

    def missing() -> list[Command]:
        words = ("data", "fills", tmp_path / "nowhere", tmp_path / "f.jsonl")
        return [command(*words, product=tmp_path / "f.jsonl")]

    stages = [
        Stage("first", "exercises", lambda _: exercises()),
        Stage("second", "no corpus", lambda _: missing()),
        Stage("third", "needs both", lambda _: [], ("first", "second")),
        Stage("fourth", "not here", lambda _: [], why_not=lambda _: "no browser"),
    ]
    outcomes = run_stages(stages, run, say=lambda _: None)
    assert outcomes == {
        "first": "done",
        "second": "failed",
        "third": "skipped",
        "fourth": "skipped",
    }
    reasons = {it.stage: it.reason for it in read_records(run) if it.state != "step"}
    assert "nowhere" in reasons["second"]
    assert reasons["third"] == "it needs second (failed)"
    assert reasons["fourth"] == "no browser"
    assert (tmp_path / "e.jsonl").read_text().count("\n") == 2
    assert "$ journeyman data exercises" in (run.path / "logs/first.log").read_text()

    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere/a.py").write_text("def add(a, b):\n    return a + b\n" * 40)
    outcomes = run_stages(stages, run, say=lambda _: None)
    assert (outcomes["second"], outcomes["third"], len(calls)) == ("done", "done", 1)


def test_stages_run_beside_each_other_in_the_order_of_their_needs(run, tmp_path) -> None:
    """Two that wait for each other's sign end only if they run at once."""
    signs = [threading.Event(), threading.Event()]
    ended: list[str] = []

    def meeting(own: int) -> Act:
        def work() -> None:
            signs[own].set()
            assert signs[1 - own].wait(20)
            (tmp_path / f"met-{own}").touch()

        return Act(f"meet {own}", tmp_path / f"met-{own}", work)

    def noting(name: str) -> Stage:
        steps = [Act(name, tmp_path / name, lambda: (tmp_path / name).touch())]
        return Stage(name, name, lambda _: steps, verdict=lambda: ended.append(name) or "")

    stages = [
        Stage("left", "meets", lambda _: [meeting(0)]),
        replace(noting("after-both"), follows=("left", "fails")),
        replace(noting("after-right"), needs=("right",)),
        Stage("fails", "fails", lambda _: [], verdict=lambda: "it was to fail"),
        Stage("right", "meets", lambda _: [meeting(1)]),
    ]
    stages.sort(key=lambda it: it.name in ("after-both", "after-right"))
    outcomes = run_stages(stages, run, say=lambda _: None, num_jobs=2)
    assert outcomes.pop("fails") == "failed"
    assert set(outcomes.values()) == {"done"}
    assert sorted(ended) == ["after-both", "after-right"]


def test_an_interrupted_command_interrupts_everything_and_is_written_down_nowhere(
    run, tmp_path, monkeypatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    stages = [
        Stage("one", "w", lambda _: [Act("one", tmp_path / "first", interrupted)]),
        Stage("two", "w", lambda _: [writing(tmp_path / "second")], needs=("one",)),
    ]
    for num_jobs in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            run_stages(stages, run, say=lambda _: None, num_jobs=num_jobs)
    assert read_records(run) == []
    assert not (tmp_path / "second").exists()
    monkeypatch.setattr("journeyman.reproduce.steps._wait", lambda it: it.wait() or 130)
    with pytest.raises(KeyboardInterrupt):
        run_step(command("--version", product=tmp_path / "nothing"), log=tmp_path / "log")


def test_what_a_killed_stage_had_done_stays_done(run, tmp_path) -> None:
    """The ledger knows nothing of a stage that was killed: its products do."""
    (tmp_path / "a").write_text("by the first try")
    stage = Stage("s", "two files", lambda _: [writing(tmp_path / "a"), writing(tmp_path / "b")])
    assert run_stages([stage], run, say=lambda _: None) == {"s": "done"}
    assert (tmp_path / "a").read_text() == "by the first try"
    assert [it.command for it in read_records(run) if it.state == "step"] == ["(here) write b"]


def test_a_verdict_fails_a_stage_though_all_its_steps_are_done(run, tmp_path) -> None:
    stage = Stage(
        "s", "w", lambda _: [writing(tmp_path / "a")], verdict=lambda: "it does not teach"
    )
    assert run_stages([stage], run, say=lambda _: None) == {"s": "failed"}
    assert read_records(run)[-1].reason == "it does not teach"


def test_a_step_that_leaves_nothing_is_a_failure(run, tmp_path) -> None:
    stage = Stage("s", "w", lambda _: [command("--version", product=tmp_path / "nothing")])
    assert run_stages([stage], run, say=lambda _: None) == {"s": "failed"}


def test_a_command_ends_with_whoever_started_it(tmp_path) -> None:
    """Else a reproduction that goes on would meet the command of the one that was killed."""
    log = tmp_path / "log"
    script = (
        "from pathlib import Path; from journeyman.reproduce.steps import *; "
        f"run_step(command('data', 'exercises', '{tmp_path / 'e.jsonl'}', '--num', 10**7, "
        f"product=Path('{tmp_path / 'e.jsonl'}')), log=Path('{log}'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 60
    while not (children := _children(parent.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    while any(Path(f"/proc/{it}").exists() and not _is_dead(it) for it in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    place = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(it) for it in place.read_text().split()] if place.exists() else []


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_command_whose_run_was_begun_goes_on_with_it(tmp_path) -> None:
    step = command("train", "sft", product=tmp_path / "run/model", run=tmp_path / "run")
    assert step.resumed == ("train", "sft")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.toml").touch()
    assert step.resumed == ("train", "sft", "--resume")


def test_a_failed_command_says_its_own_error(tmp_path) -> None:
    step = command("data", "repairs", tmp_path / "r.jsonl", product=tmp_path / "r.jsonl")
    with pytest.raises(JourneymanError, match=r"code 2: .*source"):
        run_step(step, log=tmp_path / "log")


@pytest.mark.parametrize("name", sorted(SCALES))
def test_every_scale_has_a_plan_whose_needs_come_first(name, tmp_path) -> None:
    scale = get_scale(name)
    place = Place(tmp_path / "r", scale, scale.domains, scale.seeds)
    stages = list_stages(place)
    seen: set[str] = set()
    for stage in stages:
        assert {*stage.needs, *stage.follows} <= seen, stage.name
        assert stage.name not in seen
        seen.add(stage.name)
    lines = plan_lines(stages, scale)
    assert sum("$ journeyman train rl" in it for it in lines) == len(scale.seeds) * len(
        [it for it in scale.domains if it != "web" or "no Chromium" not in "".join(lines)]
    ) + 2 * len(scale.seeds[: scale.hacking_seeds])
    # The plan makes nothing.
    assert not (tmp_path / "r").exists()


def test_only_some_stages_and_none_that_there_is_not(tmp_path) -> None:
    scale = get_scale("tiny")
    stages = list_stages(Place(tmp_path, scale, scale.domains, (0, 1)))
    assert [it.name for it in select(stages, ["expert-web-*", "packing"])] == [
        "packing",
        "expert-web-0",
        "expert-web-1",
    ]
    with pytest.raises(JourneymanError, match="no stage nothing"):
        select(stages, ["nothing"])


def test_bad_input_is_one_line(capsys) -> None:
    for words, said in (
        (["--scale", "huge"], "no scale 'huge'"),
        (["--domains", "law"], "no domain 'law'"),
        (["--scale", "smoke", "--only", "nothing"], "no stage nothing"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["reproduce", *words, "--dry-run"])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
