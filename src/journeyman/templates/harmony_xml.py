"""A stand-in for gpt-oss's Harmony with XML bodies, which the report adapted and did not publish (§A.2).

Ours: Harmony's frame and TypeScript declarations, a line that says how calls are written (without it
the prompt would be harmony_json's), the content type `xml`, and one `<parameter>` a line.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))[-66:]
    '<|constrain|>xml<|message|><parameter name="path">a.py</parameter>'
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any

from journeyman.templates.core.arguments import ArgumentWriter
from journeyman.templates.core.cursor import Cursor
from journeyman.templates.core.harmony import (
    CALL,
    END,
    HARMONY_DELIMITERS,
    HARMONY_STOPS,
    RETURN,
    START,
    Harmony,
)
from journeyman.templates.core.tag_arguments import Tag, TagArguments, json_text
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import TurnBuilder
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_ARGUMENTS = TagArguments(
    tag=Tag(
        ("<parameter name=",), re.compile(r'<parameter name="(?P<name>[^<>"\n]{1,200})"\s{0,8}>')
    ),
    closer="</parameter>",
    call_end=CALL,
    behind=(START, END),
    stops=(RETURN,),
)
_CALL_NOTE = (
    "Calls to these tools are written as xml, not as json: "
    'each argument on its own line as <parameter name="NAME">VALUE</parameter>.'
)


def _write_body(call: ToolCall) -> str:
    return "\n".join(
        f'<parameter name="{key}">{json_text(value)}</parameter>'
        for key, value in call.arguments.items()
    )


def _read_body(
    cursor: Cursor, turn: TurnBuilder, name: str
) -> Generator[None, None, dict[str, Any]]:
    writer = ArgumentWriter(turn, turn.tools.get(name))
    yield from _ARGUMENTS.read(cursor, turn, writer)
    return writer.finish()


def _can_hold(message: Message, tools: Mapping[str, ToolSpec]) -> bool:
    return all(_ARGUMENTS.can_hold(call, tools, json_text) for call in message.tool_calls)


_HARMONY = Harmony("xml", _write_body, _read_body, _CALL_NOTE)

TEMPLATE = ToolTemplate(
    name="harmony_xml",
    definition_format="TypeScript",
    call_format="XML",
    source="gpt-oss",
    stop=HARMONY_STOPS,
    read=_HARMONY.read,
    write=_HARMONY.write,
    write_turn=_HARMONY.write_turn,
    is_stand_in=True,
    keeps_reasoning=True,
    delimiters=HARMONY_DELIMITERS,
    can_hold=_can_hold,
    notes=(
        "A stand-in: the genuine adaptation is not public.",
        "A line behind the declarations says how calls are written; harmony_json has none.",
        "A turn ends with its first call where the sampler stops at `<|call|>`.",
        "Values are bare text: a value that holds a closing tag and goes on as a call would is cut.",
        "Reasoning is dropped from history once the assistant has answered.",
    ),
)
