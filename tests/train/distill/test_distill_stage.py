"""Distillation on real tasks in real sandboxes: the student takes its expert's gain over."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest
import tomli_w

pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("transformers", reason="the extra train is not installed")

import torch
from safetensors.torch import load_file

from journeyman.cli import main
from journeyman.runs import read_jsonl
from journeyman.tasks.subset import save_subset
from journeyman.train.distill.divergence import reverse_kl
from journeyman.train.distill.draw import answer_prompts
from journeyman.train.distill.settings import DistillSettings, Domain
from journeyman.train.distill.update import token_divergences
from journeyman.train.documents.conversation import Conversation
from journeyman.types import Message


def run(words: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


@pytest.fixture(scope="session")
def split(tmp_path_factory, taskset):
    """The first task to learn on, and the same under another name to be measured on."""
    home = tmp_path_factory.mktemp("split")
    other = taskset.tasks[0].model_copy(update={"instance_id": "other__test_add"})
    for name, tasks in (("learn", taskset.tasks[:1]), ("held", (other,))):
        part = taskset.model_copy(update={"tasks": tasks, "name": name})
        save_subset(part, home / name, environments=[taskset.environments])
    return home


def write_settings(path: Path, split: Path, base: Path, teacher: Path | None, **more) -> Path:
    short = {
        "tasks_per_step": 1,
        "samples": 12,
        "scaffold": "bash",
        "limits": {"num_turns": 1},
        "sampling": {"max_tokens": 160},
    }
    prompts = path.parent / "prompts.jsonl"
    prompts.write_text(json.dumps({"messages": [{"role": "user", "content": "hello"}]}) + "\n")
    software = {
        **short,
        "name": "software",
        "taskset": str(split / "learn"),
        "held_out": str(split / "held"),
        "evaluation_size": 16,
        **({"teacher": str(teacher)} if teacher else {}),
    }
    general = {
        "name": "general",
        "prompts": str(prompts),
        "weight": 0.2,
        "sampling": {"max_tokens": 8},
    }
    settings = {
        "model": str(base),
        "num_steps": 16,
        "learning_rate": 1e-3,
        "num_warmup_steps": 0,
        "num_threads": 1,
        "row_length": 2048,
        "concurrency": {"rollouts": 12},
        "domains": [software, general],
        **more,
    }
    path.write_text(tomli_w.dumps(settings))
    return path


@pytest.mark.sandbox
def test_the_student_keeps_what_its_expert_gained(half_taught, taught, split, tmp_path) -> None:
    file = write_settings(tmp_path / "distill.toml", split, half_taught, taught)
    words = ["train", "distill", str(file), "--runs", str(tmp_path), "--name", "one"]
    assert run(words) == 0
    steps = list(read_jsonl(tmp_path / "one" / "metrics.jsonl"))
    assert steps[-1]["divergence_software"] < steps[0]["divergence_software"] / 2
    assert all("solve_rate_software" in it for it in steps)
    table = json.loads((tmp_path / "one" / "retention.json").read_text())
    row = {it["domain"]: it for it in table["domains"]}["software"]
    assert row["base"]["rate"] < 0.9 < row["expert"]["rate"]
    assert row["kept"] > 0.7
    assert "| software |" in (tmp_path / "one" / "report.md").read_text()
    assert (tmp_path / "one" / "model" / "model.safetensors").is_file()


@pytest.mark.sandbox
def test_an_expert_that_gained_nothing_does_not_teach(half_taught, split, tmp_path, capsys) -> None:
    file = write_settings(tmp_path / "distill.toml", split, half_taught, half_taught, num_steps=1)
    words = ["train", "distill", str(file), "--runs", str(tmp_path), "--name", "one"]
    assert run(words) == 2
    assert "it has nothing to teach" in capsys.readouterr().err
    again = [*words[:-1], "two", "--accepts-weak-teachers"]
    assert run(again) == 0


def test_prompts_are_taught_where_a_domain_says_so() -> None:
    """Every token but the first, which nothing comes before."""
    said = Conversation(messages=(Message(role="user", content="hello"),))
    for teaches in (False, True):
        domain = Domain(name="general", prompts=Path("p"), teaches_prompts=teaches)
        model = SimpleNamespace(
            tokenize=AsyncMock(return_value=(5, 6, 7)),
            complete=AsyncMock(return_value=SimpleNamespace(**_COMPLETED)),
        )
        (found,) = asyncio.run(answer_prompts(domain, [said], model, seed=0))
        assert list(found.token_ids) == [5, 6, 7, 8, 9]
        assert list(found.is_drawn) == [0, teaches, teaches, 1, 1]
    with pytest.raises(ValueError, match="no prompts that could be taught"):
        Domain(name="software", taskset=Path("t"), teaches_prompts=True)


_COMPLETED = {"token_ids": (8, 9), "logprobs": (-0.1, -0.2), "model_version": "0"}


@pytest.mark.sandbox
def test_a_killed_distillation_ends_with_the_same_weights(
    half_taught, taught, split, tmp_path
) -> None:
    file = write_settings(
        tmp_path / "distill.toml",
        split,
        half_taught,
        taught,
        num_steps=3,
        seed=1,
        grades_lessons=False,
    )
    home = {it: ["--runs", str(tmp_path / it), "--name", "one"] for it in ("calm", "killed")}
    words = ["train", "distill", str(file)]
    assert run([*words, *home["calm"]]) == 0
    process = subprocess.Popen(
        [sys.executable, "-c", "from journeyman.cli import main; main()", *words, *home["killed"]],
        stderr=subprocess.DEVNULL,
        env={**os.environ},
        start_new_session=True,
    )
    metrics = tmp_path / "killed" / "one" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.is_file() and metrics.read_text()) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert run([*words, *home["killed"], "--resume"]) == 0
    calm, killed = (
        load_file(tmp_path / it / "one/model/model.safetensors") for it in ("calm", "killed")
    )
    for name, weight in calm.items():
        assert weight.equal(killed[name]), name
    assert not any("solve_rate_software" in it for it in read_jsonl(metrics))

    # Of a student that learns on, what was measured before says nothing any more.
    assert run([*words, *home["killed"], "--resume", "--num-steps", "4"]) == 0
    rollouts = tmp_path / "killed" / "one" / "rollouts"
    measured = sorted(it.name for it in rollouts.glob("evaluation_student*"))
    assert measured == ["evaluation_student_000003_software", "evaluation_student_000004_software"]


def test_merging_makes_a_folder_that_loads(half_taught, taught, tmp_path) -> None:
    for method in ("average", "ties", "dare"):
        out = tmp_path / method
        words = ["model", "merge", str(half_taught), str(taught), "--out", str(out)]
        assert run([*words, "--method", method]) == 0
    average, expert = (load_file(it / "model.safetensors") for it in (tmp_path / "average", taught))
    for name, weight in expert.items():
        torch.testing.assert_close(average[name], weight)
    assert (
        run(["model", "merge", str(half_taught), str(taught), "--out", str(tmp_path / "ties")]) == 2
    )


def test_all_forms_of_the_divergence_pull_towards_the_teacher() -> None:
    torch.manual_seed(0)
    taught, head = torch.randn(700, 8), torch.randn(32, 8)
    start = torch.randn(700, 8)
    forms = ({}, {"divergence": "forward"}, {"divergence": "jensen_shannon"}, {"top": 8})
    for form in forms:
        domain = {"name": "a", "prompts": "p"}
        settings = DistillSettings.model_validate({"model": "m", "domains": [domain], **form})
        states = start.clone().requires_grad_()
        targets = torch.zeros(700, dtype=torch.long)
        found = []
        for _ in range(2):
            loss, shown = token_divergences(states, head, taught, head, targets, settings)
            (slope,) = torch.autograd.grad(loss.sum(), states)
            found.append(float(shown.mean()))
            states = (states - 0.05 * slope).detach().requires_grad_()
        assert found[1] < found[0], form
    plain = reverse_kl(start @ head.T, taught @ head.T)
    settings = DistillSettings.model_validate({"model": "m", "domains": [domain]})
    loss, _ = token_divergences(start, head, taught, head, targets, settings)
    torch.testing.assert_close(loss, plain)
