"""The expert of calls is a taskset and a configuration: each rollout speaks its task's template."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("transformers", reason="the extra train is not installed")

from journeyman.cli import main
from journeyman.evals.calls.tasks import CallTasksConfig, make_call_tasks
from journeyman.runs import read_jsonl, read_trajectories

pytestmark = pytest.mark.sandbox


def test_a_policy_learns_in_every_tasks_own_template(half_taught: Path, tmp_path: Path) -> None:
    config = CallTasksConfig(num=1, templates=("hermes", "qwen3_coder"), toolsets=("bash",))
    taskset = asyncio.run(make_call_tasks(config, tmp_path / "calls"))
    words = ["train", "rl", str(half_taught), str(taskset.folder), "--runs", str(tmp_path)]
    words += ["--name", "rl", "--scaffold", "calls", "--template", "task", "--num-steps", "1"]
    words += ["--group-size", "2", "--sampling.max-tokens", "24", "--num-threads", "1"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    (step,) = read_jsonl(tmp_path / "rl/metrics.jsonl")
    assert step["num_valid"] == 4
    place = tmp_path / "rl/rollouts/step_000001"
    spoken = {
        (row["instance_id"].split("__")[1].split("-")[0], branch.template)
        for row in read_jsonl(place / "rollouts.jsonl")
        for branch in read_trajectories(place / "artifacts" / row["rollout_id"])
    }
    assert spoken == {("hermes", "hermes"), ("qwen3_coder", "qwen3_coder")}
