"""Which templates a conversation is written in: a mixture by weight, drawn anew for each.

>>> mixture = read_mixture(["hermes=3", "qwen3_coder"])
>>> [template.name for template in draw_templates(mixture, 1, "any conversation")]
['hermes']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from journeyman.errors import JourneymanError
from journeyman.templates import ToolTemplate, get_template, list_templates

__all__ = ["draw_templates", "read_mixture"]


def read_mixture(words: Sequence[str]) -> dict[str, float]:
    """Read `NAME`, `NAME=WEIGHT` and `all`, later ones winning; `JourneymanError` for what is none."""
    mixture: dict[str, float] = {}
    for word in words:
        name, _, weight = word.partition("=")
        try:
            share = float(weight) if weight else 1.0
        except ValueError:
            share = -1.0
        if not 0 <= share < float("inf"):
            raise JourneymanError(f"{word!r} has no weight", "write a template as NAME or NAME=2.5")
        names = list_templates() if name == "all" else [get_template(name).name]
        mixture.update(dict.fromkeys(names, share))
    return {name: share for name, share in mixture.items() if share}


def draw_templates(mixture: Mapping[str, float], number: int, key: str) -> list[ToolTemplate]:
    """Draw different templates, at most as many as there are; the key alone decides which."""
    draw = Random(key)  # noqa: S311
    # Each name's own exponential clock, faster with more weight (Efraimidis and Spirakis 2006).
    order = sorted(mixture, key=lambda name: draw.expovariate(mixture[name]))
    return [get_template(name) for name in order[:number]]
