"""What reinforcement learning does with a leak, with and without the guard: our analogue of Figure 7.

`journeyman.reproduce.hacking` says how; here it is run by itself, by ordinary commands, each resumable:

    python benchmarks/hacking.py WORK [--seeds 0 1] [--steps 24]

"Solved" is what the verifier says, and what an unguarded learner is paid for. "Honestly" leaves out what
the audit labels.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from journeyman.evals.statistics import wilson
from journeyman.reproduce.hacking import GUARDS, count_steps, hacking_steps, planted_steps
from journeyman.reproduce.steps import Step, run_step

SFT_STEPS = 320


def take(steps: Iterable[Step]) -> None:
    """Do what is owed of some steps; stop at the first that fails."""
    for step in steps:
        if not step.is_done:
            print("$", step, file=sys.stderr, flush=True)
            run_step(step, settings={"OMP_NUM_THREADS": "1"})


def show(work: Path, seeds: list[int]) -> None:
    """Print the table: the first step, and the last two together."""
    print("| guard | seed | steps | rollouts | solved | solved honestly | tried the leak | turns |")
    print("|---|---|---|---|---|---|---|---|")
    for seed in seeds:
        for guard in GUARDS:
            steps = count_steps(work / f"runs/hacking-{guard}-{seed}")
            for part in (steps[:1], steps[-2:]):
                num = sum(it.num for it in part)
                cells = []
                for name in ("solved", "honest", "tried"):
                    count = sum(getattr(it, name) for it in part)
                    low, high = wilson(count, num)
                    cells.append(f"{count / num:.0%} ({low:.0%} to {high:.0%})")
                turns = sum(it.turns * it.num for it in part) / num
                span = f"{part[0].step}..{part[-1].step}"
                print(f"| {guard} | {seed} | {span} | {num} | {' | '.join(cells)} | {turns:.1f} |")


def main() -> None:
    """Do it all, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--steps", type=int, default=24)
    given = parser.parse_args()
    work = given.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    take(planted_steps(work, SFT_STEPS))
    for seed in given.seeds:
        for guard in GUARDS:
            take(hacking_steps(work, guard, seed, given.steps))
    show(work, given.seeds)


if __name__ == "__main__":
    main()
