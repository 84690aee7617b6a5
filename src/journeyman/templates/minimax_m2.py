"""MiniMax-M2: JSON declarations in tags, calls in XML (§A.2 counts both as XML).

The generation prompt opens the reasoning, so a turn begins inside of it. History keeps reasoning only
behind the last user message.

    >>> TEMPLATE.parse("Look.</think>Hello.").reasoning
    'Look.'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from journeyman.templates.core.conversation import (
    in_turns,
    keep_late_reasoning,
    split_reasoning,
    split_system,
)
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.tag_arguments import Tag, json_text
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import Thinking, write_thinking
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_STOP = ("[e~[",)
_NAME = r"(?P<quote>[\"']?)(?P<name>[^<>\"'\n]{1,200})(?P=quote)\s{0,8}>"
_CALLS = TagCalls(
    stops=_STOP,
    opener="<minimax:tool_call>",
    closer="</minimax:tool_call>",
    call=Tag(("<invoke name=",), re.compile("<invoke name=" + _NAME)),
    call_end="</invoke>",
    argument=Tag(("<parameter name=",), re.compile("<parameter name=" + _NAME)),
    has_newlines=False,
    thinking=Thinking(is_open=True),
)
_PERSONA = "You are a helpful assistant."
_BEFORE = """

# Tools
You may call one or more tools to assist with the user query.
Here are the tools available in JSONSchema format:

<tools>
"""
_AFTER = """</tools>

When making tool calls, use XML format to invoke tools and pass parameters:

<minimax:tool_call>
<invoke name="tool-name-1">
<parameter name="param-key-1">param-value-1</parameter>
<parameter name="param-key-2">param-value-2</parameter>
...
</invoke>
</minimax:tool_call>"""


def _system(text: str | None, tools: Sequence[ToolSpec]) -> str:
    declared = "".join(
        f"<tool>{dump_json(tool_dictionary(tool)['function'])}</tool>\n" for tool in tools
    )
    body = (text or _PERSONA) + (_BEFORE + declared + _AFTER if tools else "")
    return f"]~!b[]~b]system\n{body}[e~[\n"


def _write_call(call: ToolCall) -> str:
    lines = [f'<invoke name="{call.name}">\n']
    for key, value in call.arguments.items():
        lines.append(f'<parameter name="{key}">{json_text(value)}</parameter>\n')
    return "".join(lines) + "</invoke>\n"


def _write_body(message: Message) -> str:
    calls = "".join(map(_write_call, message.tool_calls))
    block = f"\n<minimax:tool_call>\n{calls}</minimax:tool_call>" if calls else ""
    return message.content + block


def _write_turn(message: Message) -> str:
    reasoning, content = split_reasoning(message)
    body = _write_body(message.model_copy(update={"content": content}))
    return f"{reasoning}\n</think>\n\n{body}"


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    parts = [_system(text, tools)]
    for turn in in_turns(keep_late_reasoning(rest)):
        message = turn[0]
        if message.role == "tool":
            results = "".join(f"\n<response>{m.content}</response>" for m in turn)
            parts.append(f"]~b]tool{results}[e~[\n")
        elif message.role == "assistant":
            thought = write_thinking(message.reasoning)
            parts.append(f"]~b]ai\n{thought}{_write_body(message)}[e~[\n")
        elif message.role == "user":
            parts.append(f"]~b]user\n{message.content}[e~[\n")
    return "".join(parts) + ("]~b]ai\n<think>\n" if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="minimax_m2",
    definition_format="XML",
    call_format="XML",
    source="MiniMax-M2",
    stop=_STOP,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    keeps_reasoning=True,
    delimiters=("<minimax:tool_call>", "<invoke name=", "<think>", "</think>"),
    trims_content=True,
    can_hold=lambda message, tools: _CALLS.can_hold(message, tools, json_text),
    notes=(
        "The generation prompt opens `<think>`: a turn without `</think>` is all reasoning.",
        "Values are bare text: a value that holds a closing tag and goes on as a call would is cut.",
        "Only a leading system message is written; reasoning before the last user message is not.",
    ),
)
