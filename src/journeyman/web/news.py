"""What a run's open pages are told while it goes on: server-sent events, from where the page left off.

An event's id says how many rows and metrics its reader has, so a connection that broke goes on without
a gap.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from journeyman.web.pages.run_page import live_state
from journeyman.web.pages.training_page import metric_points
from journeyman.web.reading import RunReader

__all__ = ["follow"]

_POLL_S = 0.4
_IDLE_POLL_S = 2.0
_ALIVE_S = 15.0
_MOST_ROWS = 2_500
_MORE_ROWS_S = 0.01
_EVENTS_S = 0.2


async def follow(
    run: RunReader, seen: str, is_gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """Yield events until the reader goes away; `seen` is the id of the last one it had."""
    num_rows, num_metrics = _read_id(seen)
    generation, last_live, told_at = run.generation, "", time.monotonic()
    yield "retry: 1000\n\n"
    while not await is_gone():
        news = await asyncio.to_thread(_look, run, num_rows, num_metrics)
        if run.generation != generation or num_rows > len(run.rows):
            yield _event("anew", {}, "0:0")
            return
        if news["rows"]:
            num_rows += len(news["rows"])
            yield _event("rows", news["rows"], f"{num_rows}:{num_metrics}")
        if news["metrics"] is not None:
            num_metrics = news["metrics"]["num_metrics"]
            yield _event("metrics", news["metrics"], f"{num_rows}:{num_metrics}")
        live = json.dumps(news["live"])
        if live != last_live:
            last_live, told_at = live, time.monotonic()
            yield _event("live", news["live"], f"{num_rows}:{num_metrics}")
        elif time.monotonic() - told_at > _ALIVE_S:
            told_at = time.monotonic()
            yield ": still here\n\n"
        if num_rows < len(run.rows):
            await asyncio.sleep(_MORE_ROWS_S)
            continue
        is_busy = news["live"]["state"] in ("running", "draining") or news["is_behind"]
        await asyncio.sleep(_POLL_S if is_busy else _IDLE_POLL_S)


def _look(run: RunReader, num_rows: int, num_metrics: int) -> dict[str, Any]:
    before = run.num_event_bytes
    run.refresh(events_s=_EVENTS_S)
    metrics = None
    if len(run.metrics) != num_metrics:
        latest = (
            [
                [name, value]
                for name, value in run.metrics[-1].items()
                if isinstance(value, int | float)
            ]
            if run.metrics
            else []
        )
        metrics = {
            "metrics": metric_points(run.metrics),
            "num_metrics": len(run.metrics),
            "latest": latest,
        }
    return {
        "rows": run.rows[num_rows : num_rows + _MOST_ROWS],
        "live": live_state(run),
        "metrics": metrics,
        "is_behind": run.num_event_bytes != before,
    }


def _read_id(seen: str) -> tuple[int, int]:
    try:
        rows, metrics = (max(0, int(it)) for it in seen.split(":"))
    except ValueError:
        return 0, 0
    return rows, metrics


def _event(kind: str, data: Any, event_id: str) -> str:
    return f"id: {event_id}\nevent: {kind}\ndata: {json.dumps(data, default=str)}\n\n"
