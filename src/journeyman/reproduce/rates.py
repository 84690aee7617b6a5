"""What runs say: solve rates with their intervals, by tasks, and which held-out tasks are known.

rate = rate_of_runs([Path("runs/base--software")])
rate.mean, rate.low, rate.high
"""

from __future__ import annotations

import random
import textwrap
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from journeyman.evals.comparison import PairedComparison, compare_rates
from journeyman.evals.statistics import bootstrap_mean, quantile, wilson
from journeyman.reproduce.place import Place
from journeyman.reproduce.tasksets import repositories
from journeyman.runs import read_jsonl
from journeyman.scaffolds.line import find_place
from journeyman.tasks import load_taskset
from journeyman.train.documents.repairs import short_functions
from journeyman.types import Data

__all__ = [
    "Rate",
    "gain_of_run",
    "kept_interval",
    "known_tasks",
    "left_out",
    "rate_of_runs",
    "rates_by_task",
]

_DRAWS = 2000


class Rate(Data):
    """A share of rollouts that solved their task, each task counted once."""

    mean: float
    low: float
    """Of the 95 % interval, by bootstrap over tasks; by Wilson where all tasks have one rate."""
    high: float
    num_tasks: int
    num_rollouts: int
    num_invalid: int = 0
    """Rollouts whose verdict says nothing, such as where the machine failed; left out."""


def rate_of_runs(runs: Iterable[Path], *, without: Iterable[str] = ()) -> Rate | None:
    """Return the rate over some runs on the same tasks; None where no verdict counts."""
    runs = list(runs)
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for run in runs:
        for name, solved in rates_by_task(run, set(without)).items():
            found[name] += solved
    if not found:
        return None
    means = [sum(it) / len(it) for it in found.values()]
    # Tasks that are all alike leave nothing to draw from: their rate would seem to be exact.
    is_mixed = len(set(means)) > 1
    low, high = bootstrap_mean(means) if is_mixed else wilson(round(sum(means)), len(means))
    num = sum(map(len, found.values()))
    lines = [it for run in runs for it in read_jsonl(run / "rollouts.jsonl")]
    num_asked = sum(it["instance_id"] not in set(without) for it in lines)
    return Rate(
        mean=sum(means) / len(means),
        low=low,
        high=high,
        num_tasks=len(means),
        num_rollouts=num,
        num_invalid=num_asked - num,
    )


def rates_by_task(run: Path, without: set[str]) -> dict[str, list[bool]]:
    """Return each task's outcomes, of those whose verdict counts."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for line in read_jsonl(run / "rollouts.jsonl"):
        is_valid = (line.get("reward") or {}).get("is_valid")
        if is_valid and line["instance_id"] not in without:
            verdict: Any = line["verdict"] or {}
            found[line["instance_id"]].append(bool(verdict.get("is_resolved")))
    return dict(found)


def gain_of_run(run: Path, before: Path, *, without: Iterable[str] = ()) -> PairedComparison:
    """Compare a run with an earlier one on the same tasks, each task with itself."""
    now, then = (_means(it, without) for it in (run, before))
    return compare_rates(now, then)


def kept_interval(
    student: Path, expert: Path, base: Path, *, without: Iterable[str] = ()
) -> tuple[float, float] | None:
    """Return the 95 % interval of the share of the expert's gain that a student keeps, by bootstrap over
    the tasks all three did; None where the expert's own gain may be none, so that any share is possible.
    """
    rates = [_means(it, without) for it in (student, expert, base)]
    names = sorted(set.intersection(*map(set, rates)))
    gains = [tuple(rate[it] - rates[2][it] for rate in rates[:2]) for it in names]
    draw, shares = random.Random(0), []  # noqa: S311 - no secret
    for _ in range(_DRAWS if gains else 0):
        kept, gained = map(sum, zip(*draw.choices(gains, k=len(gains)), strict=True))
        if gained > 0:
            shares.append(kept / gained)
    if len(shares) < 0.975 * _DRAWS:
        return None
    shares.sort()
    return quantile(shares, 0.025), quantile(shares, 0.975)


def _means(run: Path, without: Iterable[str]) -> dict[str, float]:
    found = rates_by_task(run, set(without))
    return {name: sum(solved) / len(solved) for name, solved in found.items()}


def left_out(place: Place) -> set[str]:
    """Return the held-out software tasks that count in no rate, as far as tasks are there.

    None at a scale that only tries the machine, whose repositories are copies of one.
    """
    sets = (place.tasks("software", "learned"), place.tasks("software", "held-out"))
    if place.scale.admits_all_experts or not all(it.exists() for it in sets):
        return set()
    return known_tasks(*sets, place.scale.max_function_lines)


def known_tasks(learned: Path, held_out: Path, max_lines: int) -> set[str]:
    """Return the held-out tasks whose function stands, word for word, in a repository learned on."""
    seen = {text for tree in repositories(learned) for text in short_functions(tree, max_lines)}
    taskset = load_taskset(held_out)
    found = set()
    for task in taskset.tasks:
        place = find_place(task)
        path = taskset.environments / task.environment / "repository" / place.path
        lines = path.read_text(encoding="utf-8").split("\n")[place.first - 1 : place.last]
        if textwrap.dedent("\n".join(lines)) + "\n" in seen:
            found.add(task.instance_id)
    return found
