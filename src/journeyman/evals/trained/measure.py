"""One yes-or-no measure of two models on the same units, with both intervals and the paired one.

A unit is what is independent of the next: a question of the adherence suite, or a task together with
the scaffold that worked on it.

    measure_answers(answers, "smollm2", "tuned")[0].comparison.p_value
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from journeyman.evals.adherence.suite import Answer
from journeyman.evals.comparison import PairedComparison, compare_rates
from journeyman.evals.statistics import bootstrap_mean, wilson
from journeyman.types import Data, Ending, Rollout

__all__ = ["Measure", "Share", "measure_answers", "measure_rollouts"]

_ItemT = TypeVar("_ItemT", Answer, Rollout)


class Share(Data):
    """A share of units, each of which may be a share of its own attempts."""

    num: int
    rate: float
    interval: tuple[float, float]
    """95 %: Wilson's where every unit is yes or no, else a bootstrap over units."""


class Measure(Data):
    """One measure of a trained model beside its base."""

    suite: str
    """`adherence` or `tasks`."""
    what: str
    trained: str
    """Which trained model."""
    base_share: Share
    trained_share: Share
    comparison: PairedComparison
    """Trained minus base, on the units that both have."""
    by: str = ""
    """The template or the scaffold that it is about; empty for all together."""


def measure_answers(answers: Sequence[Answer], base: str, trained: str) -> list[Measure]:
    """Return well-formed, right tool and exact over all questions, then well-formed by template."""
    counted = [it for it in answers if not it.failure]
    templates = sorted({it.template for it in counted})
    wanted = [("", what) for what in _OF_ANSWERS]
    wanted += [(name, "well-formed calls") for name in templates]
    found: list[Measure] = []
    for by, what in wanted:
        chosen = [it for it in counted if by in ("", it.template)]
        first, second = ([it for it in chosen if it.model == name] for name in (base, trained))
        units = [_units(some, lambda it: it.key, _OF_ANSWERS[what]) for some in (first, second)]
        found.append(_measure("adherence", what, trained, *units, by=by))
    return found


def measure_rollouts(rollouts: Sequence[Rollout], base: str, trained: str) -> list[Measure]:
    """Return resolved, submitted and free of malformed calls, over all scaffolds and then by each."""
    counted = [it for it in rollouts if it.reward is not None and it.reward.is_valid]
    scaffolds = sorted({it.scaffold for it in counted})
    found: list[Measure] = []
    for by in ("", *scaffolds) if len(scaffolds) > 1 else ("",):
        chosen = [it for it in counted if by in ("", it.scaffold)]
        first, second = ([it for it in chosen if it.model == name] for name in (base, trained))
        for what, is_good in _OF_ROLLOUTS:
            units = [_units(some, _unit_of, is_good) for some in (first, second)]
            found.append(_measure("tasks", what, trained, *units, by=by))
    return found


_OF_ANSWERS: dict[str, Callable[[Answer], bool]] = {
    "well-formed calls": lambda it: it.is_well_formed,
    "calls of the right tool": lambda it: it.is_right_tool,
    "exact calls": lambda it: it.is_exact,
}


def _is_resolved(rollout: Rollout) -> bool:
    return rollout.verdict is not None and rollout.verdict.is_resolved


_OF_ROLLOUTS: tuple[tuple[str, Callable[[Rollout], bool]], ...] = (
    ("tasks resolved", _is_resolved),
    ("rollouts that were submitted", lambda it: it.ending is Ending.SUBMITTED),
    ("rollouts without a malformed call", lambda it: not it.num_format_errors),
)


def _unit_of(rollout: Rollout) -> str:
    return f"{rollout.scaffold}/{rollout.instance_id}"


def _units(
    items: Sequence[_ItemT], key: Callable[[_ItemT], str], is_good: Callable[[_ItemT], bool]
) -> dict[str, float]:
    """Return the share of good attempts of each unit."""
    outcomes: defaultdict[str, list[bool]] = defaultdict(list)
    for item in items:
        outcomes[key(item)].append(is_good(item))
    return {unit: sum(found) / len(found) for unit, found in outcomes.items()}


def _measure(
    suite: str,
    what: str,
    trained: str,
    first: Mapping[str, float],
    second: Mapping[str, float],
    *,
    by: str,
) -> Measure:
    return Measure(
        suite=suite,
        what=what,
        trained=trained,
        base_share=_share(first),
        trained_share=_share(second),
        comparison=compare_rates(second, first),
        by=by,
    )


def _share(units: Mapping[str, float]) -> Share:
    rates = list(units.values())
    mean = sum(rates) / len(rates) if rates else 0.0
    is_plain = all(rate in (0.0, 1.0) for rate in rates) or len(set(rates)) == 1
    interval = wilson(round(sum(rates)), len(rates)) if is_plain else bootstrap_mean(rates)
    return Share(num=len(rates), rate=mean, interval=interval)
