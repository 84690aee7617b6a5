"""Scores that others published, from `published.toml` beside this file, each with its source.

>>> published_for("SWE-bench Verified")[0].score
70.6
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from journeyman.types import Data

__all__ = ["PublishedScore", "published_for"]


class PublishedScore(Data):
    """One published figure."""

    benchmark: str
    model: str
    scaffold: str
    score: float
    """Per cent."""
    source: str


@cache
def _all() -> tuple[PublishedScore, ...]:
    table = tomllib.loads(Path(__file__).with_name("published.toml").read_text(encoding="utf-8"))
    return tuple(PublishedScore.model_validate(row) for row in table["score"])


def published_for(benchmark: str) -> tuple[PublishedScore, ...]:
    """Return the scores of a benchmark, whatever its name's case and signs; none for an unknown."""
    wanted = _plain(benchmark)
    return tuple(
        it for it in _all() if _plain(it.benchmark) in wanted or wanted == _plain(it.benchmark)
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
