"""Cline's XML calls, in which the names of tools and parameters are the tags (§A.2).

The calls and results are those of Cline's XML mode; Cline declares tools in prose, the report's
variant in JSON, and that part, like the ChatML turns around it, is ours.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read_file", arguments={"path": "a.py"})
    >>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
    <read_file>
    <path>a.py</path>
    </read_file>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from journeyman.templates.core.chatml import CHATML_STOPS, write_chatml
from journeyman.templates.core.conversation import pair_results, split_system
from journeyman.templates.core.cursor import Cursor, Reader
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.tag_arguments import Tag, TagArguments, json_text
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_LEAD = """# Tools

You can use these tools, described in JSON, one on each line:

"""
_FORMAT = """

Use a tool by writing its name and the names of its parameters as tags:

<tool_name>
<parameter1_name>value1</parameter1_name>
<parameter2_name>
the lines of
a longer value
</parameter2_name>
</tool_name>

Write lists and objects as JSON. Use one tool in a message, after any text of yours; its result comes \
in the next message."""


# --- reading -----------------------------------------------------------------------------------

_Shape = tuple[tuple[str, tuple[str, ...]], ...]


def _shape(tools: Mapping[str, ToolSpec]) -> _Shape:
    return tuple((name, tuple(_parameters(tool))) for name, tool in tools.items())


def _parameters(tool: ToolSpec) -> Iterable[str]:
    properties = tool.parameters.get("properties")
    return properties if isinstance(properties, Mapping) else ()


def _tag(names: Iterable[str]) -> Tag:
    starts = tuple(f"<{name}>" for name in names)
    choice = "|".join(map(re.escape, names)) or "(?!)"
    return Tag(starts, re.compile(f"<(?P<name>{choice})>"))


@lru_cache(maxsize=64)
def _dialect(shape: _Shape) -> TagCalls:
    """Return how calls of tools with these parameters are read."""
    call = _tag([name for name, _ in shape])
    by_tool = {
        name: TagArguments(
            tag=_tag(parameters),
            closer="</{}>",
            call_end=f"</{name}>",
            behind=call.starts,
            stops=CHATML_STOPS,
            has_newlines=True,
        )
        for name, parameters in shape
    }
    return TagCalls(stops=CHATML_STOPS, opener="", closer="", call=call, by_tool=by_tool)


def _read(cursor: Cursor, turn: TurnBuilder) -> Reader:
    yield from _dialect(_shape(turn.tools)).read(cursor, turn)


def _can_hold(message: Message, tools: Mapping[str, ToolSpec]) -> bool:
    if any(f"<{name}>" in message.content for name in tools):
        return False
    for call in message.tool_calls:
        if call.name not in tools or call.name in call.arguments:
            return False
        if not call.arguments.keys() <= set(_parameters(tools[call.name])):
            return False
    return _dialect(_shape(tools)).can_hold(message, tools, json_text)


# --- writing -----------------------------------------------------------------------------------


def _write_call(call: ToolCall) -> str:
    lines = [f"<{call.name}>\n"]
    for key, value in call.arguments.items():
        text = json_text(value)
        lines.append(f"<{key}>\n{text}\n</{key}>\n" if "\n" in text else f"<{key}>{text}</{key}>\n")
    return "".join(lines) + f"</{call.name}>"


def _write_turn(message: Message) -> str:
    if not message.tool_calls:
        return message.content
    content = message.content.strip()
    return "\n\n".join([*([content] if content else []), *map(_write_call, message.tool_calls)])


def _result(result: Message, call: ToolCall | None) -> str:
    """Write a result under the name of its tool and what that was used for, as Cline does."""
    name = call.name if call else result.name or "tool"
    values = call.arguments.values() if call else ()
    subject = next((v for v in values if isinstance(v, str) and v and "\n" not in v), "")
    head = f"[{name} for '{subject}']" if subject else f"[{name}]"
    return f"{head} Result:\n{result.content or '(tool did not return anything)'}"


def _results(results: Sequence[Message], calls: Sequence[ToolCall]) -> str:
    return "\n\n".join(_result(*pair) for pair in pair_results(results, calls))


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    if tools:
        declared = "\n".join(dump_json(tool_dictionary(tool)["function"]) for tool in tools)
        text = (f"{text}\n\n" if text else "") + _LEAD + declared + _FORMAT
    return write_chatml(text, rest, _write_turn, _results, add_prompt)


TEMPLATE = ToolTemplate(
    name="xml_cline",
    definition_format="JSON",
    call_format="XML",
    source="Cline in XML mode",
    stop=CHATML_STOPS,
    read=_read,
    write=_write,
    write_turn=_write_turn,
    can_hold=_can_hold,
    notes=(
        "Names are tags: only declared tools and their declared parameters are read as calls.",
        "Cline runs the first call of a message only, and strips white space around values.",
        "Cline declares tools in prose; the JSON declaration and the ChatML turns are ours.",
        "Values are bare text: a value that holds a closing tag and goes on as a call would is cut.",
        "Reasoning is not written.",
    ),
)
