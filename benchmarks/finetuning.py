"""Fine-tuning at small scale: well-formed calls on held-out tools, base against trained, by template.

Runs the commands of docs/training.md one after the other, all of them resumable, and prints the losses:
two rounds of training on real trajectories and exercises in all templates, export, and an exam of base
and result.

    python benchmarks/finetuning.py TASKSET WORK [--share 1] [--num 10]

The two rounds take some fifty minutes of a core that nothing else uses, the exams as many as fifteen.
`--share 0.1` takes a tenth of the steps and exercises. `TASKSET` is any taskset, e.g. that of
`journeyman quickstart`; `WORK` is a folder for everything that is made.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Round:
    """One training; the next begins with what it made."""

    name: str
    num_steps: int
    num_exercises: int
    learning_rate: float
    templates: tuple[str, ...]
    """All 22; more of those that a model learned late, when this was tried."""


ROUNDS = (
    Round(
        *("tuned", 340, 680, 1e-3),
        ("all", "toolace=2", "llama4_pythonic=2", "mistral3=2", "harmony_xml=1.5"),
    ),
    Round(
        *("second", 240, 480, 6e-4),
        ("all", "deepseekv31=2", "deepseekv32=1.5", "mistral3=1.5", "toolace=1.5"),
    ),
)


def journeyman(*words: object, processes: int = 1) -> None:
    """Run one command; stop at the first that fails."""
    program = Path(sys.executable).with_name("journeyman")
    start: list[object] = [program]
    if processes > 1:
        torchrun = Path(sys.executable).with_name("torchrun")
        start = [torchrun, "--nproc-per-node", processes, "--no-python", program]
    command = [str(it) for it in (*start, *words)]
    print("$", " ".join(command), file=sys.stderr, flush=True)
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def demonstrate(taskset: Path, work: Path, runs: Path) -> list[Path]:
    """Roll out scripts that know the fixes, with both scaffolds; what fails is filtered later."""
    found = []
    for scaffold in ("editor", "bash"):
        script, name = work / f"{scaffold}.json", f"shown-{scaffold}"
        if not script.exists():
            journeyman("data", "demonstrate", taskset, script, "--scaffold", scaffold)
        if not (runs / name / "report.md").exists():
            resume = ["--resume"] if (runs / name).exists() else []
            model = f"scripted:{script}"
            journeyman(
                *("rollout", taskset, "--model", model, "--scaffold", scaffold),
                *("--runs", runs, "--name", name, *resume),
            )
        found.append(runs / name)
    return found


def tune(base: Path, shown: list[Path], seed: int, options: argparse.Namespace) -> Path:
    """Train one round, if it is not done yet; return the folder of the model."""
    now, runs = ROUNDS[seed], options.work / "runs"
    num_steps = round(now.num_steps * options.share)
    model: Path = runs / now.name / "model"
    if not model.exists():
        rollouts = [word for run in shown for word in ("--rollouts", run)]
        mixture = [word for name in now.templates for word in ("--templates", name)]
        resume = ["--resume"] if (runs / now.name).exists() else []
        journeyman(
            *("train", "sft", base, *rollouts, "--most-rollouts", 12),
            *("--exercises", round(now.num_exercises * options.share), "--exercise-turns", 4),
            *(*mixture, "--row-length", 1664, "--lora.rank", 16),
            *("--trainer.precision", "bfloat16", "--trainer.learning-rate", now.learning_rate),
            *("--trainer.num-warmup-steps", min(8, num_steps), "--trainer.seed", seed),
            *("--trainer.rows-per-step", 1, "--trainer.rows-per-pass", 1),
            *("--trainer.num-steps", num_steps, "--trainer.checkpoint-every", 20),
            *("--runs", runs, "--name", now.name, *resume),
            processes=options.processes,
        )
    return model


def main() -> None:
    """Do it all, then print the losses."""
    parser = argparse.ArgumentParser()
    parser.add_argument("taskset", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--num", type=int, default=10)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    work, runs = options.work, options.work / "runs"
    work.mkdir(parents=True, exist_ok=True)
    shown = demonstrate(options.taskset, work, runs)
    model = work / "smollm2"
    if not model.exists():
        journeyman("model", "import", "smollm2", model)
    for seed in range(len(ROUNDS)):
        model = tune(model, shown, seed, options)
    tuned = work / "tuned.gguf"
    if not tuned.exists():
        journeyman("model", "export", model, tuned, "--weights", "q8_0")
    resume = ["--resume"] if (runs / "exam").exists() else []
    journeyman(
        *("eval", "adherence", "--model", "smollm2", "--model", f"gguf:{tuned}"),
        *("--toolset", "library", "--num", options.num, "--max-tokens", 160),
        *("--runs", runs, "--name", "exam", *resume),
    )
    for now in ROUNDS:
        lines = (runs / now.name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        for record in [json.loads(it) for it in lines][:: max(1, len(lines) // 8)]:
            print(f"{now.name}, step {record['step']:4}: loss {record['loss']:.3f}")


if __name__ == "__main__":
    main()
