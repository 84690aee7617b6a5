"""What the answers come to: rates with intervals by template, toolset, kind of argument and error.

summary = sum_up_answers(answers)
summary.models[0].well_formed.rate
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from journeyman.evals.adherence.suite import Answer
from journeyman.evals.comparison import PairedComparison, compare_rates
from journeyman.evals.statistics import wilson
from journeyman.types import Data

__all__ = ["AdherenceSummary", "ModelAdherence", "Rate", "sum_up_answers"]


class Rate(Data):
    """A share with Wilson's 95 % interval."""

    num: int
    """Out of how many."""
    num_good: int
    rate: float
    interval: tuple[float, float]


class ModelAdherence(Data):
    """One model's rates."""

    model: str
    num_failed: int
    """Questions without an answer, which count in no rate."""
    well_formed: Rate
    """Table 2's measure: one call, read without an error, that fits the tool's declaration."""
    right_tool: Rate
    exact: Rate
    by_template: dict[str, Rate]
    """Well-formed, as the next two."""
    by_toolset: dict[str, Rate]
    by_form: dict[str, Rate]
    by_argument: dict[str, Rate]
    """Share of arguments of each kind that stand as they were given, where the right tool was
    called in a well-formed call."""
    errors: dict[str, int]
    """Answers by kind of error, most frequent first."""
    num_completion_tokens: int
    cost_usd: float


class ModelPair(Data):
    """Two models on the same questions."""

    first: str
    second: str
    well_formed: PairedComparison
    exact: PairedComparison


class AdherenceSummary(Data):
    """What a run of the suite found."""

    num_questions: int
    models: tuple[ModelAdherence, ...]
    pairs: tuple[ModelPair, ...]
    """The first model beside each other one."""


def sum_up_answers(answers: Sequence[Answer]) -> AdherenceSummary:
    """Sum up answers, models in the order of their first answer."""
    names = list(dict.fromkeys(it.model for it in answers))
    by_model = {name: [it for it in answers if it.model == name] for name in names}
    pairs = tuple(
        ModelPair(
            first=names[0],
            second=name,
            well_formed=_compare(by_model[names[0]], by_model[name], lambda it: it.is_well_formed),
            exact=_compare(by_model[names[0]], by_model[name], lambda it: it.is_exact),
        )
        for name in names[1:]
    )
    return AdherenceSummary(
        num_questions=len({it.key for it in answers}),
        models=tuple(_of_model(name, found) for name, found in by_model.items()),
        pairs=pairs,
    )


def _of_model(name: str, answers: Sequence[Answer]) -> ModelAdherence:
    counted = [it for it in answers if not it.failure]
    return ModelAdherence(
        model=name,
        num_failed=len(answers) - len(counted),
        well_formed=_rate(it.is_well_formed for it in counted),
        right_tool=_rate(it.is_right_tool for it in counted),
        exact=_rate(it.is_exact for it in counted),
        by_template=_by(counted, lambda it: it.template),
        by_toolset=_by(counted, lambda it: it.toolset),
        by_form=_by(counted, lambda it: it.form),
        by_argument=_by_argument(counted),
        errors=dict(Counter(error for it in counted for error in it.errors).most_common()),
        num_completion_tokens=sum(it.num_completion_tokens for it in counted),
        cost_usd=sum(it.cost_usd for it in counted),
    )


def _by(answers: Sequence[Answer], key: Callable[[Answer], str]) -> dict[str, Rate]:
    names = sorted({key(it) for it in answers})
    return {name: _rate(it.is_well_formed for it in answers if key(it) == name) for name in names}


def _by_argument(answers: Sequence[Answer]) -> dict[str, Rate]:
    outcomes: dict[str, list[bool]] = {}
    for it in answers:
        if it.is_right_tool:
            for name, kind in it.argument_kinds.items():
                outcomes.setdefault(kind, []).append(name not in it.wrong_arguments)
    return {kind: _rate(found) for kind, found in sorted(outcomes.items())}


def _rate(outcomes: Iterable[bool]) -> Rate:
    found = list(outcomes)
    good = sum(found)
    return Rate(
        num=len(found),
        num_good=good,
        rate=good / len(found) if found else 0.0,
        interval=wilson(good, len(found)),
    )


def _compare(
    first: Sequence[Answer], second: Sequence[Answer], is_good: Callable[[Answer], bool]
) -> PairedComparison:
    def rates(answers: Sequence[Answer]) -> dict[str, float]:
        return {it.key: float(is_good(it)) for it in answers if not it.failure}

    return compare_rates(rates(first), rates(second))
