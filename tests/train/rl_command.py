"""A short run of `journeyman train rl` on one task, by its command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.cli import main


def command(model: Path, taskset: Path, runs: Path, *more: str) -> list[str]:
    words = ["train", "rl", str(model), str(taskset), "--runs", str(runs), "--name", "rl"]
    settings = {
        "scaffold": "bash",
        "task": "tiny__test_add",
        "group-size": "12",
        "limits.num-turns": "1",
        "sampling.max-tokens": "160",
        "learning-rate": "0.0005",
        "num-warmup-steps": "0",
        "num-threads": "1",
        "concurrency.rollouts": "12",
        "row-length": "2048",
        "update.loss.algorithm": "dr_grpo",
        "update.loss.constant": "50",
    }
    flags = [part for key, value in settings.items() for part in (f"--{key}", value)]
    return [*words, *flags, *more]


def run(words: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code
