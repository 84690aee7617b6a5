"""What a student kept of what its teachers had gained over the model that all began with.

    write_retention(run_folder)

Reads `measures.json` of a distillation's run, and writes `retention.json` and `report.md` beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.flow import wilson
from journeyman.runs import write_atomic

__all__ = ["Measures", "check_teacher", "rate_of", "retention", "write_retention"]

_FILE = "measures.json"


def retention(base: float, expert: float, student: float) -> float | None:
    """Return (student - base) / (expert - base); None where the expert gained nothing.

    >>> retention(0.2, 0.7, 0.65)
    0.9
    """
    gained = expert - base
    return round((student - base) / gained, 12) if gained > 0 else None


def rate_of(num_solved: int, num: int) -> dict[str, float]:
    """Return a rate with its 95 % interval, as measures hold it."""
    low, high = wilson(num_solved, num)
    return {"rate": num_solved / max(1, num), "low": low, "high": high, "num": num}


class Measures:
    """The measurements of one run, by who was measured and what on; kept on disk as they come."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self.found: dict[str, dict[str, Any]] = {}
        if self._path.is_file():
            self.found = json.loads(self._path.read_text(encoding="utf-8"))

    def get(self, who: str, what: str) -> Any:
        """Return a measurement; None if it was not made."""
        return self.found.get(who, {}).get(what)

    def put(self, who: str, what: str, value: Any) -> None:
        """Keep a measurement."""
        self.found.setdefault(who, {})[what] = value
        self._write()

    def forget(self, who: str) -> None:
        """Drop what was measured of somebody who has changed since."""
        if self.found.pop(who, None) is not None:
            self._write()

    def _write(self) -> None:
        write_atomic(self._path, json.dumps(self.found, indent=2) + "\n")


def check_teacher(domain: str, base: Mapping[str, float], expert: Mapping[str, float]) -> None:
    """Refuse an expert that does not beat the base: it has nothing to teach."""
    if expert["rate"] > base["rate"]:
        return
    raise JourneymanError(
        f"the expert of {domain} solves {expert['rate']:.0%} of its held-out tasks and the base "
        f"{base['rate']:.0%}: it has nothing to teach",
        "train it further, or let it teach all the same: accepts_weak_teachers = true",
    )


def write_retention(folder: Path) -> list[dict[str, Any]]:
    """Write the retention table of a run as JSON and Markdown, and return its rows."""
    found = Measures(folder).found
    names = [it for it in found.get("student", {}) if not it.startswith("_")]
    rows = [_row(name, found) for name in names]
    aside = {
        what: {who: table[what] for who, table in found.items() if what in table}
        for what in ("_general_loss", "_adherence")
    }
    table = {"domains": rows, **{key.strip("_"): value for key, value in aside.items()}}
    write_atomic(folder / "retention.json", json.dumps(table, indent=2) + "\n")
    write_atomic(folder / "report.md", _report(rows, aside))
    return rows


def _row(name: str, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    base, student = found["base"][name], found["student"][name]
    expert = found.get(f"expert {name}", {}).get(name)
    row = {"domain": name, "base": base, "expert": expert, "student": student, "kept": None}
    if expert is not None:
        row["kept"] = retention(base["rate"], expert["rate"], student["rate"])
    return row


def _report(rows: list[dict[str, Any]], aside: Mapping[str, Mapping[str, float]]) -> str:
    lines = ["# What the student kept", ""]
    if rows:
        lines += [
            "| domain | base | expert | student | of the gain kept |",
            "|---|---|---|---|---|",
        ]
        for row in rows:
            kept = "" if row["kept"] is None else f"{row['kept']:.0%}"
            cells = [_cell(row[who]) for who in ("base", "expert", "student")]
            lines.append(f"| {row['domain']} | {' | '.join(cells)} | {kept} |")
        lines += ["", "Share of held-out tasks that are solved, with 95 % intervals (Wilson).", ""]
    if aside["_general_loss"]:
        lines += ["| | loss on other text, nats a token |", "|---|---|"]
        lines += [f"| {who} | {value:.4f} |" for who, value in aside["_general_loss"].items()]
        lines.append("")
    if aside["_adherence"]:
        lines += ["| | well-formed calls in all templates |", "|---|---|"]
        lines += [f"| {who} | {value:.1%} |" for who, value in aside["_adherence"].items()]
        lines.append("")
    return "\n".join(lines)


def _cell(rate: Mapping[str, float] | None) -> str:
    if rate is None:
        return ""
    return f"{rate['rate']:.1%} ({rate['low']:.1%} to {rate['high']:.1%}, n = {rate['num']})"
