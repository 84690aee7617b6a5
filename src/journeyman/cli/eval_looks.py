"""`journeyman eval looks`: a vision model looks at the pages of a run that passed their tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from journeyman.cli.output import print_json, print_lines
from journeyman.config import read_toml
from journeyman.errors import JourneymanError
from journeyman.flow.looks import LOOKS, Look, judge_looks, opened_judge
from journeyman.tasks import load_taskset

__all__ = ["looks"]


def looks(run: Path, /, *, judge: str, taskset: Path | None = None, json: bool = False) -> int:
    """Let a vision model look at the pages that passed; `looks.jsonl` in the run says what it saw.

    A page that failed its tests is not shown, whatever it looks like. Verdicts and rewards stay.

    Parameters
    ----------
    run
        Folder of the rollouts.
    judge
        An OpenAI-compatible server and its model that takes pictures: http://HOST:8000/v1#MODEL.
    taskset
        Folder of the tasks; the run's own where it is not given.
    json
        Print what was seen as JSON.
    """
    folder = taskset or read_toml(run / "config.toml").get("taskset")
    if not folder:
        raise JourneymanError(f"{run / 'config.toml'} names no taskset", "give it with --taskset")
    seen = asyncio.run(_look(run, Path(folder), judge))
    if json:
        print_json([it.model_dump(mode="json") for it in seen])
        return 0
    counts = Counter(it.look for it in seen)
    said = ", ".join(f"{num} {look}" for look, num in sorted(counts.items()))
    print_lines([f"{len(seen)} pages passed their tests: {said}", str(run / LOOKS)])
    return 0


async def _look(run: Path, folder: Path, spec: str) -> list[Look]:
    async with opened_judge(spec) as judge:
        return await judge_looks(run, load_taskset(folder), judge)
