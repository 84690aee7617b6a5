"""The metrics of steps, as a run folder keeps them."""

from __future__ import annotations

import json

from journeyman.runs import RunFolder, write_atomic

__all__ = ["forget_after"]


def forget_after(run: RunFolder, done: int) -> None:
    """Drop the metrics of steps that will be taken again."""
    records = run.read("metrics")
    kept = [record for record in records if record["step"] <= done]
    if len(kept) < len(records):
        lines = "".join(f"{json.dumps(record)}\n" for record in kept)
        write_atomic(run.path / "metrics.jsonl", lines)
