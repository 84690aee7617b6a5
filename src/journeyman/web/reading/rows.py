"""A rollout as one row of a table: what is read of each line of `rollouts.jsonl`, leniently.

A line of another version still gives a row as far as its fields are known.

    >>> make_row({"rollout_id": "a.0", "ending": "submitted"})[COLUMNS.index("outcome")]
    'failed'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["COLUMNS", "Row", "make_row", "row_dict"]

Row = list[Any]

COLUMNS = (
    "id",
    "key",
    "task",
    "group",
    "model",
    "scaffold",
    "outcome",
    "ending",
    "cause",
    "reward",
    "passed",
    "tests",
    "turns",
    "prompt_tokens",
    "completion_tokens",
    "format_errors",
    "cost",
    "attempts",
    "started_at",
    "seconds",
    "step",
)
"""`outcome` is `solved`, `unsolved`, or `failed` where the reward is not valid and nothing counts."""

_KEPT = {
    "task": ("instance_id", ""),
    "group": ("group_id", ""),
    "model": ("model", ""),
    "scaffold": ("scaffold", ""),
    "ending": ("ending", ""),
    "turns": ("num_turns", 0),
    "prompt_tokens": ("num_prompt_tokens", 0),
    "completion_tokens": ("num_completion_tokens", 0),
    "format_errors": ("num_format_errors", 0),
    "cost": ("cost_usd", 0.0),
    "attempts": ("num_attempts", 1),
    "started_at": ("started_at", 0.0),
    "step": ("step", None),
}


def make_row(record: Mapping[str, Any], key: str = "") -> Row:
    """Return the cells of `COLUMNS`; `key` is the name of its page where that is not the id."""
    reward, verdict = _table(record, "reward"), _table(record, "verdict")
    cells = {name: _plain(record.get(field, default)) for name, (field, default) in _KEPT.items()}
    tests = _table(verdict, "tests")
    for name in ("task", "group", "model", "scaffold", "ending"):
        cells[name] = str(cells[name])
    cells["id"] = str(record["rollout_id"])
    cells["key"] = key
    cells["outcome"] = _outcome(reward, verdict)
    cells["cause"] = str((_table(record, "failure") or _table(verdict, "failure")).get("cause", ""))
    cells["reward"] = _plain(reward.get("value"))
    cells["passed"] = sum(status == "passed" for status in tests.values())
    cells["tests"] = len(tests)
    seconds = (record.get("rollout_duration_s", 0.0), record.get("evaluation_duration_s", 0.0))
    cells["seconds"] = round(sum(it for it in seconds if isinstance(it, int | float)), 2)
    return [cells[name] for name in COLUMNS]


def row_dict(row: Row) -> dict[str, Any]:
    """Return a row by the names of its columns."""
    return dict(zip(COLUMNS, row, strict=True))


def _outcome(reward: Mapping[str, Any], verdict: Mapping[str, Any]) -> str:
    if not reward or not reward.get("is_valid", True):
        return "failed"
    return "solved" if verdict.get("is_resolved") else "unsolved"


def _table(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> Any:
    """Keep what a cell can hold; a figure that is no number is none."""
    if isinstance(value, float):
        return round(value, 4) if abs(value) < 1e15 else None
    return value if value is None or isinstance(value, int | str) else str(value)[:200]
