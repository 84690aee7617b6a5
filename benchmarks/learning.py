"""Does reinforcement learning teach? A small policy, held-out repositories, several seeds, one table.

Runs our own commands one after the other, each resumable, so a second call goes on where one ended:

1. `tasks mutate` and `tasks locate`: one-line faults in short functions of packages from the index, each
   validated by execution. LEARNED packages are learned on, HELD_OUT ones are only measured on.
2. `data repairs`: untested faults in other packages, without any function that occurs in 1.
3. `train sft`: a small Llama with a tokenizer of its own, from random weights, on 2.
4. `rollout` of it on HELD_OUT, drawn and greedy: the base.
5. For each seed `train rl` on LEARNED, and the same rollouts of what came out.

    python benchmarks/learning.py WORK [--seeds 0 1] [--sft-steps 1500] [--rl-steps 30]

The intervals are 95 %, by bootstrap over tasks. Nothing here is measured in seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from journeyman.reproduce.policies import init_step, rollout_step
from journeyman.reproduce.rates import known_tasks, rate_of_runs
from journeyman.reproduce.scales import Source
from journeyman.reproduce.steps import Act, Step, run_step, training
from journeyman.reproduce.tasksets import mutate_steps, repositories
from journeyman.reproduce.texts import practised_sources, repair_step, some_lines

LEARNED = {"toolz": 70, "boltons": 120}
HELD_OUT = {
    "more-itertools": 110,
    "cachetools": 60,
    "humanize": 80,
    "tomlkit": 60,
    "sqlparse": 40,
    "natsort": 40,
    "inflection": 30,
}
"""How many tasks each is asked for; a small package has fewer."""
PRACTISED = ("sympy", "networkx", "docutils", "mpmath", "pygments", "babel", "jinja2", "markdown")
"""Packages installed beside Journeyman whose functions get untested faults."""
MOST_LINES = 14
AGENT = ("--scaffold", "words", "--template", "hermes", "--limits.num-turns", "1")
DRAWN = ("--sampling.max-tokens", "32", "--grading", "shared")


def take(*steps: Step) -> None:
    """Do what is owed of some steps; stop at the first that fails."""
    for step in steps:
        if not step.is_done:
            print("$", step, file=sys.stderr, flush=True)
            run_step(step, settings={"OMP_NUM_THREADS": "1"})


def make_tasks(work: Path) -> tuple[Path, Path]:
    """Return the tasksets that are learned on and measured on."""
    sets = work / "tasksets"
    for name, packages in (("learned", LEARNED), ("held-out", HELD_OUT)):
        sources = [Source(name=it, num_tasks=number) for it, number in packages.items()]
        take(*mutate_steps(sets, sources, sets / name, max_function_lines=MOST_LINES))
    return sets / "learned", sets / "held-out"


def make_base(work: Path, apart_from: list[Path], given: argparse.Namespace) -> Path:
    """Return the folder of the fine-tuned policy that reinforcement learning begins with."""
    repairs, some, empty = work / "repairs.jsonl", work / "practised.jsonl", work / "empty"
    take(
        repair_step(
            repairs, practised_sources(PRACTISED), apart_from, max_function_lines=MOST_LINES
        ),
        Act(f"draw {some}", some, lambda: some_lines([repairs], some, given.repairs)),
        init_step(empty, [some], vocabulary=768, width=given.width, num_layers=given.layers),
        training(
            *("train", "sft", empty, "--conversations", some, "--templates", "hermes"),
            *("--row-length", 512, "--trainer.num-steps", given.sft_steps),
            *("--trainer.rows-per-step", 8, "--trainer.rows-per-pass", 8),
            *("--trainer.learning-rate", 3e-3, "--trainer.num-warmup-steps", 50),
            *("--trainer.precision", "bfloat16", "--held-out-share", 0.005),
            *("--trainer.checkpoint-every", 200),
            run=work / "runs/sft",
        ),
    )
    return work / "runs/sft/model"


def learn(work: Path, base: Path, learned: Path, seed: int, given: argparse.Namespace) -> None:
    """Let the base learn from execution."""
    run = work / "runs" / f"rl-{seed}"
    take(
        training(
            *("train", "rl", base, learned, *AGENT, *DRAWN, "--seed", seed),
            *("--num-steps", given.rl_steps, "--tasks-per-step", 12, "--group-size", 16),
            *("--learning-rate", given.rl_rate, "--update.loss.algorithm", "grpo"),
            *("--row-length", 512, "--update.rows-per-pass", 8),
            *("--num-threads", 1, "--num-slots", 96, "--concurrency.rollouts", 96),
            run=run,
        )
    )


def measure(work: Path, held_out: Path, name: str, how: str, n: int) -> None:
    """Roll a policy out on the held-out tasks `n` times: drawn as it is, or greedily."""
    model = work / "runs" / name / "model"
    agent = (*AGENT, *DRAWN, "--n", n, "--sampling.temperature", 1.0 if how == "drawn" else 0.0)
    take(rollout_step(work / "runs" / f"{name}-{how}", model, held_out, agent, num=0))


def show(work: Path, names: list[str], left_out: Iterable[str]) -> None:
    """Print the table."""
    print("| policy | tasks | solved, drawn at temperature 1 | solved, greedy |")
    print("|---|---|---|---|")
    for name in names:
        cells, num = [], 0
        for how in ("drawn", "greedy"):
            rate = rate_of_runs([work / "runs" / f"{name}-{how}"], without=left_out)
            num = rate.num_tasks if rate else 0
            found = f"{rate.mean:.1%} ({rate.low:.1%} to {rate.high:.1%})" if rate else "none"
            cells.append(found)
        print(f"| {name} | {num} | {' | '.join(cells)} |")


def main() -> None:
    """Do it all, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--repairs", type=int, default=24_000, help="of those that were made")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--sft-steps", type=int, default=600)
    parser.add_argument("--rl-steps", type=int, default=40)
    parser.add_argument("--rl-rate", type=float, default=5e-4)
    parser.add_argument("--samples", type=int, default=2)
    given = parser.parse_args()
    work = given.work.absolute()
    learned, held_out = make_tasks(work)
    apart = [*repositories(learned), *repositories(held_out)]
    base = make_base(work, apart, given)
    measure(work, held_out, "sft", "drawn", given.samples)
    names = ["sft"]
    for seed in given.seeds:
        names.append(f"rl-{seed}")
        learn(work, base, learned, seed, given)
        measure(work, held_out, names[-1], "drawn", given.samples)
    for name in names:
        measure(work, held_out, name, "greedy", 1)
    left_out = known_tasks(learned, held_out, MOST_LINES)
    print(f"left out, because a repository learned on has the same function: {sorted(left_out)}")
    show(work, names, left_out)


if __name__ == "__main__":
    main()
