"""Which templates a model of the curve is trained on: larger sets hold the smaller ones (Figure 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from journeyman.errors import JourneymanError
from journeyman.evals.adherence.suite import Answer
from journeyman.evals.statistics import wilson
from journeyman.evals.words import share, span, table
from journeyman.templates import get_template, list_templates

__all__ = ["nested_templates", "render_seen"]


def nested_templates(number: int, *, seed: int) -> tuple[str, ...]:
    """Return the first `number` templates of the seed's order, of those that training can be written in.

    Raises `JourneymanError` where there are not so many.
    """
    names = [name for name in list_templates() if _is_written(name)]
    Random(seed).shuffle(names)  # noqa: S311
    if number > len(names):
        raise JourneymanError(
            f"there are {len(names)} templates to train on, not {number}",
            "journeyman templates list",
        )
    return tuple(names[:number])


def _is_written(name: str) -> bool:
    try:
        get_template(name).stream()
    except JourneymanError:
        return False
    return True


def render_seen(answers: Sequence[Answer], seen: Mapping[str, Sequence[str]]) -> str:
    """Return a table of well-formed calls in templates that a model was trained on, and in others."""
    rows = []
    for model, names in seen.items():
        row = [model, str(len(names))]
        for is_seen in (True, False):
            found = [
                it.is_well_formed
                for it in answers
                if it.model == model and not it.failure and (it.template in names) is is_seen
            ]
            good = sum(found)
            cell = (
                f"{share(good / len(found))} ({span(wilson(good, len(found)))})" if found else "-"
            )
            row.append(cell)
        rows.append(row)
    return table(("model", "templates", "well-formed in these", "in the others"), rows)
