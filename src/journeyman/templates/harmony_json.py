"""gpt-oss's Harmony: TypeScript declarations, calls as messages with JSON bodies (§A.2).

The bytes are those of openai-harmony; the Jinja chat template of the same model differs from it in
nested declarations, headers and results, and writes only the first call of a turn.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))
    ' to=functions.read<|channel|>commentary <|constrain|>json<|message|>{"path": "a.py"}'
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from journeyman.templates.core.call_object import read_arguments
from journeyman.templates.core.cursor import Cursor
from journeyman.templates.core.harmony import HARMONY_DELIMITERS, HARMONY_STOPS, Harmony
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import ToolCall

__all__ = ["TEMPLATE"]


def _write_body(call: ToolCall) -> str:
    return dump_json(call.arguments)


def _read_body(
    cursor: Cursor, turn: TurnBuilder, name: str
) -> Generator[None, None, dict[str, Any]]:
    return (yield from read_arguments(cursor, turn))


_HARMONY = Harmony("json", _write_body, _read_body)

TEMPLATE = ToolTemplate(
    name="harmony_json",
    definition_format="TypeScript",
    call_format="JSON",
    source="gpt-oss",
    stop=HARMONY_STOPS,
    read=_HARMONY.read,
    write=_HARMONY.write,
    write_turn=_HARMONY.write_turn,
    keeps_reasoning=True,
    delimiters=HARMONY_DELIMITERS,
    notes=(
        "A turn ends with its first call where the sampler stops at `<|call|>`.",
        "Text beside calls goes to the channel `commentary`, reasoning to `analysis`.",
        "Reasoning is dropped from history once the assistant has answered.",
        "The system message holds no date, so that the same conversation gives the same text.",
    ),
)
