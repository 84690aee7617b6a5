"""MiniMax-M1: JSON declarations, calls as lines of JSON between one pair of tags (§A.2).

The genuine chat template drops text beside calls; ours writes it before them, because trajectories
hold thoughts there. Reasoning is read from a turn and, as in the genuine template, left out of history.

    >>> from journeyman.types import Message, ToolCall
    >>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(ToolCall(name="refresh"),))))
    <tool_calls>
    {"name": "refresh", "arguments": {}}
    </tool_calls>
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.core.call_object import has_plain_names
from journeyman.templates.core.conversation import split_system
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.json_tags import JsonTags
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import THINK, write_thinking
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_BEGIN, _END = "<beginning_of_sentence>", "<end_of_sentence>"
_OPENER, _CLOSER = "<tool_calls>", "</tool_calls>"
_CALLS = JsonTags(opener=_OPENER, closer=_CLOSER, stops=(_END,), holds_many=True, thinking=THINK)
_PERSONA = "You are a helpful assistant created by Minimax based on MiniMax-M1 model."
_FORMAT = """</tools>

If you need to call tools, please respond with <tool_calls></tool_calls> XML tags, and provide \
tool-name and json-object of arguments, following the format below:
<tool_calls>
{"name": <tool-name>, "arguments": <args-json-object>}
...
</tool_calls>"""


def _turn(head: str, body: str) -> str:
    return f"{_BEGIN}{head}\n{body}{_END}\n"


def _system(text: str | None, tools: Sequence[ToolSpec]) -> str:
    text = _PERSONA if text is None else text.strip()
    turns = [_turn("system ai_setting=assistant", text)] if text else []
    if tools:
        declared = "".join(f"{dump_json(tool_dictionary(tool))}\n" for tool in tools)
        lead = "You are provided with these tools:\n<tools>\n"
        turns.append(_turn("system tool_setting=tools", lead + declared + _FORMAT))
    return "".join(turns)


def _write_call(call: ToolCall) -> str:
    return f'{{"name": "{call.name}", "arguments": {dump_json(call.arguments)}}}\n'


def _write_body(message: Message) -> str:
    content = message.content.strip()
    if not message.tool_calls:
        return content
    calls = "".join(map(_write_call, message.tool_calls))
    return f"{content}\n" * bool(content) + f"{_OPENER}\n{calls}{_CLOSER}"


def _write_turn(message: Message) -> str:
    return write_thinking(message.reasoning) + _write_body(message)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    parts = ["<begin_of_document>", _system(text, tools)]
    for message in rest:
        if message.role == "user":
            parts.append(_turn("user name=user", message.content.strip()))
        elif message.role == "assistant":
            parts.append(_turn("ai name=assistant", _write_body(message)))
        elif message.role == "tool":
            parts.append(_turn("tool name=tools", f"tool result: {message.content}\n\n"))
    return "".join(parts) + (f"{_BEGIN}ai name=assistant\n" if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="minimax_m1",
    definition_format="JSON",
    call_format="JSON",
    source="MiniMax-M1",
    stop=(_END,),
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    keeps_reasoning=True,
    delimiters=(_OPENER, "<think>", "</think>"),
    trims_content=True,
    can_hold=has_plain_names,
    notes=(
        "The genuine template drops text beside calls; ours writes it before them.",
        "Tool names are written unescaped: one with a quote or a backslash cannot be.",
        "Content is trimmed; history keeps no reasoning; only a leading system message is written.",
    ),
)
