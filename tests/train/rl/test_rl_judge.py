"""A judge of looks in the reward: a page that passed and looks bad earns nothing."""

from __future__ import annotations

import base64

import pytest

from looks_server import serving

pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("transformers", reason="the extra train is not installed")

from rl_command import command, run

from journeyman.runs import read_jsonl
from journeyman.tasks import Taskset, save_taskset

pytestmark = pytest.mark.sandbox


@pytest.fixture
def pictured(taskset, tmp_path):
    """The tiny taskset with its first task alone, whose tests leave a picture in their log."""
    task = taskset.tasks[0]
    picture = base64.b64encode(b"\xff\xd8\xff\xe0").decode()
    shown = (
        f"{task.verifier.command}; code=$?; echo; echo journeyman-picture: {picture}; exit $code"
    )
    verifier = task.verifier.model_copy(update={"command": shown})
    folder = tmp_path / "pictured"
    folder.mkdir()
    (folder / "environments").symlink_to(taskset.folder / "environments")
    task = task.model_copy(update={"verifier": verifier})
    save_taskset(Taskset(name="pictured", folder=folder, tasks=(task,)))
    return folder


def test_what_passed_and_looks_bad_earns_nothing(half_taught, pictured, tmp_path) -> None:
    answers = ["Crooked.\nLook: bad", *["Fine.\nLook: good"] * 11]
    with serving(answers) as (url, asked):
        more = ["--num-steps", "1", "--judge", f"{url}#eyes"]
        assert run(command(half_taught, pictured, tmp_path, *more)) == 0
    (step,) = read_jsonl(tmp_path / "rl/metrics.jsonl")
    place = tmp_path / "rl/rollouts/step_000001"
    passed = [it for it in read_jsonl(place / "rollouts.jsonl") if it["verdict"]["is_resolved"]]
    looks = list(read_jsonl(place / "looks.jsonl"))
    assert 2 <= len(passed) == len(asked) == len(looks)
    assert {it["rollout_id"] for it in looks} == {it["rollout_id"] for it in passed}
    # One of those that passed was found bad: it counts as unsolved, and nothing else changes.
    assert step["solve_rate"] == pytest.approx((len(passed) - 1) / 12)
    assert step["label_bad_look"] == pytest.approx(1 / 12)
    assert step["reward"] < step["solve_rate"] + 1e-9
