"""A stand-in for the XML format of Aone Copilot, which is not public (§A.2 names it).

Ours: JSON declarations, calls of nested tags, and CDATA around whatever holds a `<`, so that this is
the one XML format here which can write every string.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="write", arguments={"path": "a.html", "text": "<b>"})
    >>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
    <tool_call>
    <tool_name>write</tool_name>
    <arguments>
    <path>a.html</path>
    <text><![CDATA[<b>]]></text>
    </arguments>
    </tool_call>
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from journeyman.templates.core.chatml import CHATML_STOPS, write_chatml
from journeyman.templates.core.conversation import pair_results, split_system
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.tag_arguments import CDATA_CLOSE, CDATA_OPEN, Tag, json_text
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_CALLS = TagCalls(
    stops=CHATML_STOPS,
    call=Tag(
        ("<tool_name>",),
        re.compile(r"<tool_name>(?P<name>[^<>\n]{1,150})</tool_name>\s{0,8}<arguments>"),
        breaks=re.compile(r"\n<[^a]|\n[^\s<]"),
    ),
    call_end="</arguments>",
    argument=Tag(("<",), re.compile(r"<(?P<name>[\w.:@$-]{1,200})>"), breaks=re.compile(r"[\s</]")),
    argument_end="</{}>",
    has_newlines=False,
    reads_cdata=True,
)
_RESERVED = {"tool_call", "tool_name", "arguments"}
_LEAD = "You can call these tools:\n<tools>\n"
_FORMAT = f"""
</tools>

Write a call as below, after any text of yours. Put a value that holds < into \
{CDATA_OPEN}{CDATA_CLOSE}, and write lists and objects as JSON.

<tool_call>
<tool_name>name of the tool</tool_name>
<arguments>
<parameter_1>value 1</parameter_1>
<parameter_2>{CDATA_OPEN}value 2{CDATA_CLOSE}</parameter_2>
</arguments>
</tool_call>"""


def _value(value: object) -> str:
    text = json_text(value)
    if "<" not in text:
        return text
    # A section cannot hold its own end: that is split between two sections.
    body = text.replace(CDATA_CLOSE, f"]]{CDATA_CLOSE}{CDATA_OPEN}>")
    return f"{CDATA_OPEN}{body}{CDATA_CLOSE}"


def _write_call(call: ToolCall) -> str:
    lines = [f"<tool_call>\n<tool_name>{call.name}</tool_name>\n<arguments>\n"]
    for key, value in call.arguments.items():
        lines.append(f"<{key}>{_value(value)}</{key}>\n")
    return "".join(lines) + "</arguments>\n</tool_call>"


def _write_turn(message: Message) -> str:
    if not message.tool_calls:
        return message.content
    content = message.content.strip()
    return "\n".join([*([content] if content else []), *map(_write_call, message.tool_calls)])


def _result(result: Message, call: ToolCall | None) -> str:
    name = call.name if call else result.name
    return f'<tool_result name="{name}">\n{result.content}\n</tool_result>'


def _results(results: Sequence[Message], calls: Sequence[ToolCall]) -> str:
    return "\n".join(_result(*pair) for pair in pair_results(results, calls))


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    if tools:
        declared = "\n".join(dump_json(tool_dictionary(tool)["function"]) for tool in tools)
        text = (f"{text}\n\n" if text else "") + _LEAD + declared + _FORMAT
    return write_chatml(text, rest, _write_turn, _results, add_prompt)


def _can_hold(message: Message, tools: Mapping[str, ToolSpec]) -> bool:
    keys = {key for call in message.tool_calls for key in call.arguments}
    return not keys & _RESERVED and _CALLS.can_hold(message, tools, json_text)


TEMPLATE = ToolTemplate(
    name="xml_aone",
    definition_format="JSON",
    call_format="XML",
    source="Aone Copilot",
    stop=CHATML_STOPS,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    is_stand_in=True,
    delimiters=("<tool_call>", "<tool_name>"),
    can_hold=_can_hold,
    notes=(
        "A stand-in: the genuine format is not public.",
        "CDATA sections hold every string; there are no entities.",
        "Reasoning is not written.",
    ),
)
