"""Problems in the format of the Berkeley Function-Calling Leaderboard, single-turn.

A row has `id`, `question` and `function`; the right calls stand in a second file by the same `id`, as
the values that each argument may have (`possible_answer/`). Irrelevance rows have none: the right
answer is no call.

    read_calls(Path("BFCL_v4_simple_python.json"), Path("possible_answer/BFCL_v4_simple_python.json"))
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.evals.rows import read_rows
from journeyman.types import Data, Message, ToolCall, ToolSpec

__all__ = ["JUDGES", "CallProblem", "is_right", "read_calls"]

_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}


class CallProblem(Data):
    """One question, its functions and the calls that are right."""

    problem_id: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    answers: tuple[dict[str, dict[str, list[Any]]], ...]
    """For each call: the function's name, and for each argument the values that are right."""


def read_calls(path: Path, answers: Path | None) -> list[CallProblem]:
    """Read questions and answers; raises `JourneymanError` naming what is missing or broken."""
    known: dict[str, Any] = {}
    if answers is not None:
        known = {str(row.get("id")): row.get("ground_truth") for row in read_rows(answers)}
    found = []
    for number, row in enumerate(read_rows(path), start=1):
        try:
            found.append(_read(row, known))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise JourneymanError(
                f"{path}: row {number} is no BFCL question: {type(error).__name__}: {error}",
                "journeyman eval suites lists the formats",
            ) from None
    missing = [it.problem_id for it in found if answers is not None and it.problem_id not in known]
    if missing and "irrelevance" not in path.name:
        raise JourneymanError(
            f"{answers} has no answer to {missing[0]}",
            "give the file of the same name in possible_answer/",
        )
    return found


def _read(row: Mapping[str, Any], known: Mapping[str, Any]) -> CallProblem:
    turns = row["question"]
    first = turns[0] if isinstance(turns[0], list) else turns
    tools = tuple(_tool(it) for it in row["function"])
    renamed = {str(it["name"]): tool.name for it, tool in zip(row["function"], tools, strict=True)}
    truth = known.get(str(row["id"])) or []
    return CallProblem(
        problem_id=str(row["id"]),
        messages=tuple(Message(role=it["role"], content=str(it["content"])) for it in first),
        tools=tools,
        answers=tuple(
            {renamed.get(name, name): dict(args) for name, args in it.items()} for it in truth
        ),
    )


def _tool(value: Mapping[str, Any]) -> ToolSpec:
    """Functions are named with dots, which no tool may be; the leaderboard writes `_` for them, too."""
    return ToolSpec(
        name=str(value["name"]).replace(".", "_"),
        description=str(value.get("description", "")),
        parameters=_schema(value["parameters"]),
    )


def _schema(value: Any) -> Any:
    if isinstance(value, Mapping):
        plain = {key: _schema(inner) for key, inner in value.items()}
        kind = plain.get("type")
        return plain | {"type": _TYPES.get(kind, kind)} if isinstance(kind, str) else plain
    return [_schema(it) for it in value] if isinstance(value, list) else value


def is_right(problem: CallProblem, calls: Sequence[ToolCall]) -> bool:
    """Whether calls are the right ones, in any order; no call where none is asked for."""
    if len(calls) != len(problem.answers):
        return False
    left = list(calls)
    for answer in problem.answers:
        hit = next((call for call in left if _fits(call, answer)), None)
        if hit is None:
            return False
        left.remove(hit)
    return True


def _fits(call: ToolCall, answer: Mapping[str, Mapping[str, list[Any]]]) -> bool:
    allowed = answer.get(call.name)
    if allowed is None or call.arguments.keys() - allowed.keys():
        return False
    return all(
        _is_among(call.arguments[name], values) if name in call.arguments else "" in values
        for name, values in allowed.items()
    )


def _is_among(value: Any, allowed: Sequence[Any]) -> bool:
    return any(_plain(value) == _plain(it) or _is_nested(value, it) for it in allowed)


def _is_nested(value: Any, allowed: Any) -> bool:
    """A dictionary's own values are lists of what is right, too."""
    if isinstance(value, dict) and isinstance(allowed, dict):
        if value.keys() - allowed.keys():
            return False
        return all(
            _is_among(value[key], values) if key in value else "" in values
            for key, values in allowed.items()
            if isinstance(values, list)
        )
    if isinstance(value, list) and isinstance(allowed, list) and len(value) == len(allowed):
        return all(
            _plain(a) == _plain(b) or _is_nested(a, b) for a, b in zip(value, allowed, strict=True)
        )
    return False


def _plain(value: Any) -> str:
    """Strings are compared without case, blanks and a few signs, as the leaderboard does."""
    if isinstance(value, str):
        return "".join(sign for sign in value.lower() if sign not in " ,./-_*^'\"")
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return json.dumps(float(value))
    if isinstance(value, list | tuple):
        return json.dumps([_plain(it) for it in value])
    return json.dumps(value, sort_keys=True, default=str)


JUDGES = (is_right, _fits, _is_among, _is_nested, _plain)
"""What judges, for whoever does it by their text elsewhere: they need `json` alone."""
