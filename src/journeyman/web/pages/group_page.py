"""A group's page: the rollouts of one task side by side, and the turn at which they part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from journeyman.types import Trajectory, Turn
from journeyman.web.pages.piece import make_piece
from journeyman.web.pages.rollout_page import load_trajectory
from journeyman.web.pages.tokens import group_advantage
from journeyman.web.reading.rows import row_dict
from journeyman.web.reading.run import RunReader, page_key
from journeyman.web.reading.text import cut, visible

__all__ = ["group_context", "parting_turn"]

_MOST_ROLLOUTS = 16
_MOST_TURNS = 120
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def group_context(run: RunReader, key: str) -> dict[str, Any] | None:
    """Return what the page of a group shows; None where the run has none of that name."""
    rows = [row_dict(it) for it in run.rows if page_key(str(it[3])) == key]
    if not rows:
        return None
    shown = rows[:_MOST_ROLLOUTS]
    found = [load_trajectory(run, row["id"])[0] for row in shown]
    rewards = [row["reward"] for row in rows if row["outcome"] != "failed"]
    rewards = [float(it) for it in rewards if isinstance(it, int | float)]
    for row in shown:
        is_counted = row["outcome"] != "failed" and isinstance(row["reward"], int | float)
        value = group_advantage(rewards, float(row["reward"])) if is_counted else None
        row["advantage"] = value
        row["page"] = row["key"] or row["id"]
    return {
        "group": rows[0]["group"],
        "task": rows[0]["task"],
        "columns": shown,
        "num_left": len(rows) - len(shown),
        "num_solved": sum(row["outcome"] == "solved" for row in rows),
        "num_counted": len(rewards),
        "mean_reward": sum(rewards) / len(rewards) if rewards else None,
        "parting": parting_turn([it.turns for it in found if it is not None]),
        "lines": _lines(found),
    }


def parting_turn(trajectories: Sequence[Sequence[Turn]]) -> int | None:
    """Return the number of the first turn in which not all do the same; None if they never part."""
    if len(trajectories) < 2:
        return None
    longest = max(len(turns) for turns in trajectories)
    for at in range(longest):
        done = {_signature(turns[at]) if at < len(turns) else "" for turns in trajectories}
        if len(done) > 1:
            return at + 1
    return None


def _lines(found: Sequence[Trajectory | None]) -> list[dict[str, Any]]:
    """Return one line a turn, one cell a rollout; equal turns of a line share a letter."""
    longest = max((len(it.turns) for it in found if it is not None), default=0)
    lines = []
    for at in range(min(longest, _MOST_TURNS)):
        letters: dict[str, str] = {}
        cells: list[dict[str, Any] | None] = []
        for column, trajectory in enumerate(found):
            turns = trajectory.turns if trajectory is not None else ()
            if at >= len(turns):
                cells.append(None)
                continue
            signature = _signature(turns[at])
            letters.setdefault(signature, _LETTERS[len(letters) % len(_LETTERS)])
            cells.append(_cell(turns[at], letters[signature], f"g{column}-{at}"))
        lines.append({"number": at + 1, "cells": cells, "is_shared": len(letters) == 1})
    return lines


def _cell(turn: Turn, letter: str, name: str) -> dict[str, Any]:
    calls = turn.message.tool_calls
    text = "\n".join(
        f"{call.name}: " + "\n".join(str(value) for value in call.arguments.values())
        for call in calls
    )
    answers = "\n".join(it.content for it in turn.observations)
    return {
        "letter": letter,
        "said": make_piece(cut(text or turn.message.content, 700)[0], name),
        "answer": visible(cut(" ".join(answers[:400].split()), 160)[0]),
        "is_refused": any(not it.is_allowed for it in turn.guard_decisions),
        "has_error": bool(turn.format_errors),
    }


def _signature(turn: Turn) -> str:
    """Say what a turn does: its calls, or its text where it makes none."""
    calls = [[it.name, it.arguments] for it in turn.message.tool_calls]
    return json.dumps(calls or turn.message.content, sort_keys=True, default=str)
