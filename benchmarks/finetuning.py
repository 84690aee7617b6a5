"""Fine-tuning at small scale: well-formed calls on held-out tools, base against trained, by template.

Runs the commands of docs/training.md one after the other, all of them resumable, and prints the losses;
base exam, training on real trajectories and exercises in all templates, export, exam of the trained one.

    python benchmarks/finetuning.py TASKSET WORK [--steps 320] [--exercises 640] [--num 10]

On two quiet cores it takes some ten minutes of training and as many of exams. `TASKSET` is any taskset,
e.g. that of `journeyman quickstart`; `WORK` is a folder for everything that is made.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

TEMPLATES = ("all", "toolace=2", "llama4_pythonic=2", "mistral3=2", "harmony_xml=1.5")
"""All 22; more of those that a model learns late: escapes inside quotes, a form that others resemble."""


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


def main() -> None:
    """Do it all, then print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("taskset", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=320)
    parser.add_argument("--exercises", type=int, default=640)
    parser.add_argument("--num", type=int, default=10)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    work, runs = options.work, options.work / "runs"
    work.mkdir(parents=True, exist_ok=True)
    shown = demonstrate(options.taskset, work, runs)
    base = work / "smollm2"
    if not base.exists():
        journeyman("model", "import", "smollm2", base)
    if not (runs / "tuned/model").exists():
        rollouts = [word for run in shown for word in ("--rollouts", run)]
        mixture = [word for name in TEMPLATES for word in ("--templates", name)]
        resume = ["--resume"] if (runs / "tuned").exists() else []
        journeyman(
            *("train", "sft", base, *rollouts, "--most-rollouts", 12),
            *("--exercises", options.exercises, "--exercise-turns", 4, *mixture),
            *("--row-length", 1664, "--lora.rank", 16, "--trainer.precision", "bfloat16"),
            *("--trainer.learning-rate", "1e-3", "--trainer.num-warmup-steps", 8),
            *("--trainer.rows-per-step", 1, "--trainer.rows-per-pass", 1),
            *("--trainer.num-steps", options.steps, "--trainer.checkpoint-every", 5),
            *("--runs", runs, "--name", "tuned", *resume),
            processes=options.processes,
        )
    tuned = work / "tuned.gguf"
    if not tuned.exists():
        journeyman("model", "export", runs / "tuned/model", tuned, "--weights", "q8_0")
    resume = ["--resume"] if (runs / "exam").exists() else []
    journeyman(
        *("eval", "adherence", "--model", "smollm2", "--model", f"gguf:{tuned}"),
        *("--toolset", "library", "--num", options.num, "--max-tokens", 160),
        *("--runs", runs, "--name", "exam", *resume),
    )
    losses = [json.loads(it) for it in (runs / "tuned/metrics.jsonl").read_text().splitlines()]
    for record in losses[:: max(1, len(losses) // 12)]:
        print(f"step {record['step']:4}: loss {record['loss']:.3f}")


if __name__ == "__main__":
    main()
