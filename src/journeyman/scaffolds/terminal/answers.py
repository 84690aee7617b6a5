"""Reads what a model wants typed, written as JSON or as XML in the text of its answer.

Both variants have the fields of Terminus 2: `analysis`, `plan`, `commands` of `keystrokes` and
`duration`, `task_complete`. What cannot be read is an error that the model is told; what can be read
in spite of a blemish is a warning.

    >>> read_json('{"analysis": "", "plan": "", "commands": [{"keystrokes": "ls\\\\n"}]}').commands
    (Keystrokes(keys='ls\\n', duration_s=1.0),)
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "Keystrokes", "read_json", "read_xml"]

_DURATION_S = 1.0
_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Keystrokes:
    """What is typed, and how long to wait before the screen is looked at."""

    keys: str
    duration_s: float = _DURATION_S


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a model; with an `error`, nothing of it is carried out."""

    commands: tuple[Keystrokes, ...] = ()
    is_complete: bool = False
    error: str = ""
    warnings: tuple[str, ...] = ()


def read_json(text: str) -> Answer:
    """Read the first JSON object of an answer."""
    start = text.find("{")
    if start < 0:
        return Answer(error="there is no JSON object in the answer")
    try:
        found, end = json.JSONDecoder(strict=False).raw_decode(text, start)
    except json.JSONDecodeError as error:
        return Answer(error=f"the JSON is not valid: {error.msg} at character {error.pos}")
    warnings = _around(text[:start], text[end:], "JSON object")
    missing = [name for name in ("analysis", "plan", "commands") if name not in found]
    if "commands" in missing:
        return Answer(error="the field `commands` is missing")
    warnings += [f"the field `{name}` is missing" for name in missing]
    commands = found["commands"]
    if not isinstance(commands, list):
        return Answer(error="`commands` is not a list")
    read: list[Keystrokes] = []
    for number, command in enumerate(commands, start=1):
        if not isinstance(command, dict) or not isinstance(command.get("keystrokes"), str):
            return Answer(error=f"command {number} has no text `keystrokes`")
        duration, warning = _duration(command.get("duration"), number)
        warnings += warning
        read.append(Keystrokes(command["keystrokes"], duration))
    is_complete = found.get("task_complete") in (True, "true", "True", 1)
    return _checked(read, is_complete=is_complete, warnings=warnings)


def read_xml(text: str) -> Answer:
    """Read the `<response>` of an answer; keystrokes are taken as they stand, entities undone."""
    found = re.search(r"<response>(.*?)(?:</response>|\Z)", text, re.DOTALL)
    if found is None:
        return Answer(error="there is no <response> in the answer")
    body = found[1]
    warnings = _around(text[: found.start()], text[found.end() :], "<response>")
    warnings += [f"<{name}> is missing" for name in ("analysis", "plan") if f"<{name}>" not in body]
    if not text[: found.end()].endswith("</response>"):
        warnings.append("</response> is missing")
    commands = re.search(r"<commands>(.*?)</commands>", body, re.DOTALL)
    if commands is None and "<commands/>" not in body:
        return Answer(error="<commands> is missing or never closed")
    inner = commands[1] if commands is not None else ""
    read: list[Keystrokes] = []
    pattern = r'<keystrokes(?:\s+duration="([^"]*)")?\s*>(.*?)</keystrokes>'
    for number, match in enumerate(re.finditer(pattern, inner, re.DOTALL), start=1):
        duration, warning = _duration(match[1], number)
        warnings += warning
        read.append(Keystrokes(html.unescape(match[2]), duration))
    if inner.count("<keystrokes") != len(read):
        return Answer(error="a <keystrokes> is never closed, or has attributes beside duration")
    complete = re.search(r"<task_complete>\s*(\w+)\s*</task_complete>", body)
    is_complete = complete is not None and complete[1].lower() == "true"
    return _checked(read, is_complete=is_complete, warnings=warnings)


def _duration(value: Any, number: int) -> tuple[float, list[str]]:
    if value is None:
        return _DURATION_S, []
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _DURATION_S, [f"the duration of command {number} is no number; 1 s was taken"]
    if seconds > _LONGEST_S:
        return _LONGEST_S, [f"command {number} waits {_LONGEST_S:.0f} s, which is the most"]
    return max(0.0, seconds) if seconds == seconds else _DURATION_S, []


def _around(before: str, after: str, what: str) -> list[str]:
    found = [(before, "before"), (after, "after")]
    return [f"there is text {where} the {what}" for text, where in found if text.strip()]


def _checked(commands: list[Keystrokes], *, is_complete: bool, warnings: list[str]) -> Answer:
    for number, command in enumerate(commands[:-1], start=1):
        if command.keys and not command.keys.endswith(("\n", "\r")) and " " in command.keys:
            warnings.append(f"command {number} does not end with a newline; the next is typed on")
    return Answer(tuple(commands), is_complete, warnings=tuple(warnings))
