"""The loop on real tasks in real sandboxes: what is solved becomes likelier, and a kill changes
nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("transformers", reason="the extra train is not installed")

import torch
from rl_command import command, run
from safetensors.torch import load_file

from journeyman.runs import read_jsonl
from journeyman.train.prompts import read_prompts

pytestmark = pytest.mark.sandbox


def test_what_execution_calls_right_becomes_likelier(half_taught, taskset, tmp_path) -> None:
    assert run(command(half_taught, taskset.folder, tmp_path, "--num-steps", "6")) == 0
    steps = list(read_jsonl(tmp_path / "rl" / "metrics.jsonl"))
    assert [it["step"] for it in steps] == list(range(1, 7))
    assert steps[0]["num_valid"] == 12
    first, last = (sum(it["solve_rate"] for it in part) / 2 for part in (steps[:2], steps[-2:]))
    assert 0.1 < first < 0.9
    assert last > first + 0.15
    # The sampler is the network itself: it says what the trainer says.
    assert all(it["mismatch_largest"] < 1e-3 for it in steps if "mismatch_largest" in it)
    assert (tmp_path / "rl" / "model" / "model.safetensors").is_file()


def test_adapters_alone_are_trained_and_end_in_the_weights(half_taught, taskset, tmp_path) -> None:
    more = ["--num-steps", "2", "--lora.rank", "4", "--update.precision", "bfloat16"]
    assert run(command(half_taught, taskset.folder, tmp_path, *more)) == 0
    place = tmp_path / "rl"
    kept = load_file(place / "checkpoints/step_000002/weights.safetensors")
    assert kept
    assert all("lora_" in name for name in kept)
    assert (place / "adapter/adapter_config.json").is_file()
    before, after = (load_file(it / "model.safetensors") for it in (half_taught, place / "model"))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name].float()) for name in before)
    # Products in half precision: the trainer and the sampler still mean the same policy.
    steps = list(read_jsonl(place / "metrics.jsonl"))
    assert all(it["mismatch_largest"] < 0.5 for it in steps if "mismatch_largest" in it)


def test_a_learner_killed_in_the_middle_ends_with_the_same_weights(
    half_taught, taskset, tmp_path
) -> None:
    words = command(half_taught, taskset.folder, tmp_path / "calm", "--num-steps", "3")
    assert run(words) == 0
    words = command(half_taught, taskset.folder, tmp_path / "killed", "--num-steps", "3")
    metrics = tmp_path / "killed" / "rl" / "metrics.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", "from journeyman.cli import main; main()", *words],
        stderr=subprocess.DEVNULL,
        env={**os.environ},
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (metrics.is_file() and metrics.read_text()) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)  # somewhere in the second step
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert run([*words, "--resume"]) == 0
    calm, killed = (
        load_file(tmp_path / it / "rl/model/model.safetensors") for it in ("calm", "killed")
    )
    assert calm.keys() == killed.keys()
    for name, weight in calm.items():
        assert weight.equal(killed[name]), name
    rates = [
        [json.dumps(it["pass_rates"]) for it in read_jsonl(tmp_path / run / "rl/metrics.jsonl")]
        for run in ("calm", "killed")
    ]
    assert rates[0] == rates[1]


def test_prompts_of_an_earlier_stage_are_left_out(half_taught, taskset, tmp_path) -> None:
    earlier, later = (tmp_path / it for it in ("earlier", "later"))
    assert run(command(half_taught, taskset.folder, earlier, "--num-steps", "2")) == 0
    (digest,) = read_prompts(earlier / "rl")
    assert len(digest) == 64
    more = ["--num-steps", "1", "--trained-on", str(earlier / "rl")]
    assert run(command(half_taught, taskset.folder, later, *more)) == 0
    (step,) = read_jsonl(later / "rl/metrics.jsonl")
    assert step["groups_dropped"] == {"trained_before": 1}
    assert step["num_sequences"] == 0
    assert not read_prompts(later / "rl")


def test_tasks_of_one_repository_are_not_learned_and_measured_on(
    half_taught, taskset, tmp_path, capsys
) -> None:
    words = command(half_taught, taskset.folder, tmp_path, "--held-out", str(taskset.folder))
    assert run(words) == 2
    assert "of the held-out tasks are among those of this stage" in capsys.readouterr().err


def test_llama_cpp_draws_from_the_weights_of_every_step(half_taught, taskset, tmp_path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra llama is not installed")
    more = [
        "--num-steps",
        "3",
        "--sampler",
        "llama",
        "--sampler-precision",
        "f32",
        "--num-slots",
        "4",
    ]
    assert run(command(half_taught, taskset.folder, tmp_path, *more)) == 0
    place = tmp_path / "rl"
    steps = list(read_jsonl(place / "metrics.jsonl"))
    assert [it["num_valid"] for it in steps] == [12, 12, 12]
    assert any(it["num_sequences"] for it in steps)
    # Written and read again, the weights say what the trainer's say, at every step anew.
    assert all(it["mismatch_largest"] < 0.05 for it in steps if "mismatch_largest" in it)
    drawn = {
        turn["completion"]["model_version"]
        for path in sorted((place / "rollouts/step_000003/artifacts").glob("*/trajectory.json"))
        for turn in json.loads(path.read_text())["turns"]
    }
    assert drawn == {"2"}
    assert list((place / "sampler").iterdir()) == []
