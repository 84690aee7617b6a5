"""Two runs side by side: rates, the tasks on which they differ, and the settings that differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from journeyman.web.pages.run_page import summary_of
from journeyman.web.reading.rows import row_dict
from journeyman.web.reading.run import RunReader, page_key
from journeyman.web.reading.text import visible

__all__ = ["compare_context", "sign_test"]


def compare_context(left: RunReader, right: RunReader) -> dict[str, Any]:
    """Return what the page of two runs shows."""
    rates = [_rates(it) for it in (left, right)]
    both = sorted(set(rates[0]) & set(rates[1]))
    tasks = [_task(name, rates[0][name], rates[1][name]) for name in both]
    better = sum(it["change"] > 0 for it in tasks)
    worse = sum(it["change"] < 0 for it in tasks)
    tasks.sort(key=lambda it: (-abs(it["change"]), it["name"]))
    return {
        "left": {"run": left, **summary_of(left)},
        "right": {"run": right, **summary_of(right)},
        "num_shared": len(both),
        "num_only": [len(set(rates[0]) - set(rates[1])), len(set(rates[1]) - set(rates[0]))],
        "better": better,
        "worse": worse,
        "same": len(both) - better - worse,
        "p_value": sign_test(better, worse),
        "tasks": tasks,
        "settings": _settings(left, right),
    }


def sign_test(better: int, worse: int) -> float | None:
    """Return the two-sided p-value of a sign test on paired tasks; None where none differs."""
    n, least = better + worse, min(better, worse)
    if not n:
        return None
    tail = float(sum(math.comb(n, k) for k in range(least + 1)) / 2**n)
    return min(1.0, 2 * tail)


def _rates(run: RunReader) -> dict[str, tuple[int, int]]:
    """Return solved and counted rollouts of each task, all models together."""
    found: dict[str, tuple[int, int]] = {}
    for row in map(row_dict, run.rows):
        if row["outcome"] != "failed":
            solved, counted = found.get(row["task"], (0, 0))
            found[row["task"]] = (solved + (row["outcome"] == "solved"), counted + 1)
    return found


def _task(name: str, left: tuple[int, int], right: tuple[int, int]) -> dict[str, Any]:
    change = right[0] / right[1] - left[0] / left[1]
    return {
        "name": visible(name),
        "key": page_key(name),
        "left": left,
        "right": right,
        "change": change,
    }


def _settings(left: RunReader, right: RunReader) -> list[tuple[str, str, str]]:
    sides = [
        _flat(it.config) | {"journeyman": str(it.lock.get("journeyman", ""))}
        for it in (left, right)
    ]
    return [
        (visible(name), visible(sides[0].get(name, "")), visible(sides[1].get(name, "")))
        for name in sorted(set(sides[0]) | set(sides[1]))
        if sides[0].get(name) != sides[1].get(name)
    ]


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
