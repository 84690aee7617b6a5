"""A training run's page: one chart for each measure, and sample rollouts of each step."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from journeyman.web.pages.run_page import live_state, summary_of
from journeyman.web.reading.rows import COLUMNS
from journeyman.web.reading.run import RunReader
from journeyman.web.reading.text import visible
from journeyman.web.reading.timeline import thin

__all__ = ["CHARTS", "metric_points", "training_context"]

_MOST_POINTS = 800

CHARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Loss", ("loss", "held_out_loss", "second_loss", "policy_loss")),
    (
        "Reward",
        (
            "reward",
            "mean_reward",
            "held_out_reward",
            "solve_rate",
            "held_out_solve_rate",
            "pass_rate",
        ),
    ),
    ("Entropy", ("entropy", "mean_entropy")),
    ("KL divergence", ("kl", "mean_kl", "policy_kl", "reference_kl", "mismatch_kl")),
    ("Advantage and ratio", ("mean_ratio", "ratio", "clipped", "clip_fraction", "advantage")),
    ("Turns", ("turns", "mean_turns")),
    ("Staleness", ("staleness", "mean_staleness", "max_staleness")),
    ("Format errors", ("format_errors", "num_format_errors", "format_error_rate")),
    ("Tokens per second", ("tokens_per_s",)),
    ("Learning rate", ("learning_rate",)),
    ("Gradient norm", ("gradient_norm",)),
)
"""What is drawn together, and in which order; every other measure gets a chart of its own."""

_AXES = ("step", "epoch")


def training_context(run: RunReader) -> dict[str, Any]:
    """Return the page's charts, the newest figures, and a table of rollouts by step."""
    latest = run.metrics[-1] if run.metrics else {}
    return {
        "run": run,
        "state": run.state,
        "summary": summary_of(run),
        "latest": [(visible(k), v) for k, v in latest.items() if isinstance(v, int | float)],
        "num_steps": len(run.metrics),
        "goal": _goal(run),
        "command": visible(run.text("command.txt").strip()),
        "notices": run.notices(),
        "samples": _samples(run),
        "data": {
            "metrics": metric_points(run.metrics),
            "charts": [[title, list(names)] for title, names in CHARTS],
            "num_metrics": len(run.metrics),
            "live": live_state(run),
            "run": run.name,
        },
    }


def metric_points(records: Sequence[dict[str, Any]]) -> dict[str, list[list[float]]]:
    """Return each measure's points of step and value, thinned to what a chart can show."""
    found: dict[str, list[list[float]]] = {}
    for number, record in enumerate(records, start=1):
        step = record.get("step", number)
        if not isinstance(step, int | float):
            continue
        for name, value in record.items():
            if name not in _AXES and _is_number(value):
                found.setdefault(visible(name), []).append([step, round(float(value), 6)])
    return {name: thin(points, _MOST_POINTS) for name, points in found.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _goal(run: RunReader) -> int:
    for record in reversed(run.tally.log):
        if isinstance(record.get("num_steps"), int):
            return int(record["num_steps"])
    return 0


def _samples(run: RunReader) -> list[dict[str, Any]]:
    """Return the latest rollouts with the step, or else the policy, that drew them; newest first."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in run.rows[-400:]]
    for row in rows:
        row["page"] = row["key"] or row["id"]
        if row["step"] is None:
            row["step"] = visible(run.tally.versions.get(row["id"], "")) or None
    return sorted(rows, key=lambda it: (_number_in(it["step"]), it["started_at"]), reverse=True)[
        :120
    ]


def _number_in(step: Any) -> float:
    """Return the number that a step or a version's name ends with."""
    found = re.search(r"\d+$", str(step))
    return float(found[0]) if found else -1.0
