"""A run's page: outcome, curves, guard, cost and pace, the command, and every rollout as a row."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.flow.interval import wilson
from journeyman.runs import read_jsonl
from journeyman.web.reading.rows import COLUMNS, Row
from journeyman.web.reading.run import RunReader, page_key
from journeyman.web.reading.text import size_words, visible
from journeyman.web.reading.timeline import cumulate, pace
from journeyman.web.words import percent

__all__ = ["live_state", "run_context", "summary_of"]

_AT = {name: COLUMNS.index(name) for name in COLUMNS}
_MOST_AT_WORK = 60
_MOST_LOG = 80


def run_context(run: RunReader, *, most_rows: int | None = None) -> dict[str, Any]:
    """Return what the page shows before any script runs, and the rows for the script.

    With `most_rows` only so many of them: the page asks for the others as it asks for news.
    """
    lock = run.lock
    return {
        "run": run,
        "state": run.state,
        "summary": summary_of(run),
        "command": visible(run.text("command.txt").strip()),
        "resume": _resume(run),
        "facts": _facts(run, lock),
        "audit": _audit(run),
        "notices": run.notices(),
        "data": {
            "columns": list(COLUMNS),
            "rows": run.rows[:most_rows],
            "num_rows": len(run.rows),
            "live": live_state(run),
            "run": run.name,
        },
    }


def summary_of(run: RunReader) -> dict[str, Any]:
    """Return the headline: rollouts by outcome, the rate with its interval, cost, tokens, models."""
    rows = run.rows
    outcomes = Counter(row[_AT["outcome"]] for row in rows)
    counted = outcomes["solved"] + outcomes["unsolved"]
    low, high = wilson(outcomes["solved"], counted)
    return {
        "num_expected": max(
            run.tally.num_expected, int(run.status.get("num_rollouts", 0) or 0), len(rows)
        ),
        "num_finished": len(rows),
        "solved": outcomes["solved"],
        "unsolved": outcomes["unsolved"],
        "failed": outcomes["failed"],
        "rate": outcomes["solved"] / counted if counted else None,
        "low": low,
        "high": high,
        "cost": _sum(rows, "cost"),
        "tokens": _sum(rows, "prompt_tokens") + _sum(rows, "completion_tokens"),
        "completion_tokens": _sum(rows, "completion_tokens"),
        "format_errors": _sum(rows, "format_errors"),
        "tasks": len({row[_AT["task"]] for row in rows}),
        "models": _models(rows),
    }


def live_state(run: RunReader) -> dict[str, Any]:
    """Return what changes while a run goes on, apart from its rows."""
    tally = run.tally
    start = tally.started_at
    work = sorted(tally.running.items(), key=lambda it: it[1]["since"])[:_MOST_AT_WORK]
    return {
        "state": run.state,
        "num_expected": max(tally.num_expected, len(run.rows)),
        "num_running": len(tally.running),
        "elapsed_s": max(0.0, tally.latest_at - start) if start else 0.0,
        "work": [
            {"id": visible(name), "key": page_key(name), **{k: _plain(v) for k, v in it.items()}}
            for name, it in work
        ],
        "finished": cumulate(tally.finished, start=start),
        "pace": pace(tally.tokens, start=start),
        "turns": tally.num_turns,
        "calls": tally.num_calls,
        "refused": [
            [visible(label), count, len(set(tally.refused_rollouts.get(label, ())))]
            for label, count in tally.refused.most_common()
        ],
        "num_refused": tally.num_refused,
        "num_refused_rollouts": len(set().union(*map(set, tally.refused_rollouts.values()))),
        "failures": [[visible(cause), count] for cause, count in tally.failures.most_common()],
        "retries": tally.num_retries,
        "groups": [[visible(name), count] for name, count in tally.groups.most_common()],
        "resources": _resources(tally.resources),
        "log": [_log_line(it) for it in tally.log[-_MOST_LOG:]],
        "notices": run.notices(),
    }


def _resources(measured: dict[str, Any]) -> list[list[str]]:
    """Return what is in use, as name and words."""
    if not measured:
        return []
    found = [["waiting", f"{measured.get('num_queued', 0)} stages"]]
    for level in measured.get("levels") or ():
        if isinstance(level, dict):
            ceiling = level.get("ceiling")
            words = f"{level.get('num_used', 0)}" + (f" of {ceiling}" if ceiling else "")
            waiting = level.get("num_waiting")
            words += f", {waiting} waiting" if waiting else ""
            found.append([visible(str(level.get("name", ""))).replace("_", " "), words])
    found.append(["processors", percent(float(measured.get("cpu_share") or 0), 0)])
    if measured.get("total_bytes"):
        free, total = (float(measured.get(name) or 0) for name in ("free_bytes", "total_bytes"))
        found.append(["memory", f"{size_words(total - free)} of {size_words(total)}"])
    return found


def _models(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found: dict[str, Counter[str]] = {}
    for row in rows:
        found.setdefault(row[_AT["model"]], Counter())[row[_AT["outcome"]]] += 1
    models = []
    for name, outcomes in found.items():
        counted = outcomes["solved"] + outcomes["unsolved"]
        low, high = wilson(outcomes["solved"], counted)
        rate = outcomes["solved"] / counted if counted else None
        counts = {it: outcomes[it] for it in ("solved", "unsolved", "failed")}
        models.append({"name": visible(name), "rate": rate, "low": low, "high": high, **counts})
    return models


def _facts(run: RunReader, lock: dict[str, Any]) -> list[tuple[str, str]]:
    config = run.config
    named = {
        "taskset": config.get("taskset"),
        "scaffold": config.get("scaffold"),
        "template": config.get("template"),
        "guard": config.get("guard"),
        "sandbox": config.get("sandbox"),
        "network": config.get("network"),
        "seed": config.get("seed"),
        "journeyman": lock.get("journeyman"),
        "commit": str(lock.get("git_commit", ""))[:12],
        "python": lock.get("python"),
        "platform": lock.get("platform"),
        "processors": lock.get("num_cpus"),
    }
    return [(name, visible(str(it))) for name, it in named.items() if it not in (None, "")]


def _audit(run: RunReader) -> list[tuple[str, int, float]]:
    """Return label, rollouts and rate of `journeyman guard audit`, if it was run."""
    try:
        records = read_jsonl(run.path / "audit.jsonl")
    except JourneymanError:
        return []
    labels = Counter(
        str(label) for it in records if isinstance(it, dict) for label in it.get("labels", ())
    )
    return [(visible(name), count, count / len(records)) for name, count in labels.most_common()]


def _resume(run: RunReader) -> str:
    """Return the command that goes on with a run that did not end."""
    if run.state not in ("interrupted", "stalled", "failed"):
        return ""
    try:
        words = shlex.split(run.text("command.txt"))
    except ValueError:
        return ""
    words = [it for it in words if it not in ("--resume", "--clean")]
    if words and not any(it == "--name" or it.startswith("--name=") for it in words):
        words += ["--name", run.name]
    return visible(shlex.join([*words, "--resume"])) if words else ""


def _log_line(event: dict[str, Any]) -> dict[str, Any]:
    rest = {key: it for key, it in event.items() if key not in ("at", "kind")}
    text = ", ".join(f"{key} {_plain(it)}" for key, it in rest.items())
    return {"at": event.get("at", 0), "kind": visible(str(event.get("kind"))), "text": text[:600]}


def _plain(value: Any) -> Any:
    return visible(str(value))[:400] if not isinstance(value, int | float | bool) else value


def _sum(rows: Sequence[Row], name: str) -> Any:
    at = _AT[name]
    return sum(row[at] for row in rows if isinstance(row[at], int | float))
