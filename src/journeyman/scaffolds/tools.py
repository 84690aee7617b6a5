"""Tools: what an agent may call, and how a call is checked, carried out and answered.

A tool never raises for what the agent did wrong: the answer explains it, so that the agent can do
better. What is not the agent's doing (a dead sandbox) is an `AttributedError`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.sandbox.base import Sandbox
from journeyman.types import ToolCall, ToolSpec

__all__ = ["BASH", "SUBMIT", "Tool", "ToolContext", "explain_arguments", "shorten"]

_KEPT_CHARACTERS = 16_000
_DEFAULT_TIMEOUT_S = 120
_LONGEST_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool works with."""

    sandbox: Sandbox
    remaining_s: float
    """Seconds that the session's time limit leaves."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared tool and the function that carries it out; `run` answers with text for the model."""

    spec: ToolSpec
    run: Callable[[ToolContext, dict[str, Any]], Awaitable[str]]


async def _run_bash(context: ToolContext, arguments: dict[str, Any]) -> str:
    wanted = arguments.get("timeout_s", _DEFAULT_TIMEOUT_S)
    timeout_s = max(1.0, min(wanted, _LONGEST_TIMEOUT_S, context.remaining_s))
    done = await context.sandbox.execute(arguments["command"], timeout_s=timeout_s)
    parts = [_decoded(done.stdout), _decoded(done.stderr)]
    output = shorten("\n".join(part.rstrip("\n") for part in parts if part))
    status = f"exit code: {done.exit_code}"
    if done.is_timed_out:
        status = f"timed out after {timeout_s:.0f} s and was ended"
    return f"{output}\n[{status}]" if output else f"[{status}, no output]"


async def _run_submit(context: ToolContext, arguments: dict[str, Any]) -> str:
    return "Submitted."


BASH = Tool(
    ToolSpec(
        name="bash",
        description=(
            "Run a shell command in /testbed. Every call starts a fresh shell: directory changes and "
            "variables do not carry over, files do. Commands that wait for input never finish."
        ),
        parameters={
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "The command to run."},
                "timeout_s": {
                    "type": "integer",
                    "description": f"Seconds before it is ended (default {_DEFAULT_TIMEOUT_S}, "
                    f"at most {_LONGEST_TIMEOUT_S}).",
                },
            },
            "required": ["command"],
        },
    ),
    _run_bash,
)

SUBMIT = Tool(
    ToolSpec(
        name="submit",
        description="Hand in the work: everything changed in /testbed. Ends the session.",
    ),
    _run_submit,
)


def shorten(text: str, limit: int = _KEPT_CHARACTERS) -> str:
    """Keep the first and last parts of a long text and say how much of the middle is left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    dropped = len(text) - 2 * half
    return f"{text[:half]}\n[… {dropped} characters left out …]\n{text[-half:]}"


def explain_arguments(call: ToolCall, tools: Sequence[ToolSpec]) -> str | None:
    """Say what is wrong with a call: unknown tool, missing, unknown or mistyped argument; else None."""
    spec = next((tool for tool in tools if tool.name == call.name), None)
    if spec is None:
        names = ", ".join(tool.name for tool in tools)
        return f"There is no tool named {call.name!r}. The tools are: {names}."
    properties: dict[str, Any] = spec.parameters.get("properties", {})
    problems = [
        f"argument {name!r} is missing"
        for name in spec.parameters.get("required", ())
        if name not in call.arguments
    ]
    for name, value in call.arguments.items():
        if name not in properties:
            known = ", ".join(properties) or "none"
            problems.append(f"argument {name!r} is unknown (known: {known})")
        else:
            problems += _wrong_value(name, value, properties[name])
    return f"Bad call of {call.name}: {'; '.join(problems)}." if problems else None


def _wrong_value(name: str, value: Any, schema: dict[str, Any]) -> list[str]:
    kind = schema.get("type")
    if kind in _TYPES and not _is_a(value, kind):
        return [f"argument {name!r} must be of type {kind}, not {type(value).__name__}"]
    if isinstance(value, str) and "\x00" in value:
        return [f"argument {name!r} holds a null character, which no command or path can"]
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(map(str, schema["enum"]))
        return [f"argument {name!r} must be one of: {allowed}"]
    return []


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
