"""Seed-OSS: Python signatures as declarations, calls in XML with values in line (§A.2's 21st, perhaps).

Lists, dictionaries, booleans and null print as Python does; JSON is read too.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
    <seed:tool_call>
    <function=read>
    <parameter=path>a.py</parameter>
    </function>
    </seed:tool_call>
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from journeyman.templates.core.conversation import split_system
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import Thinking
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_BEGIN = "<seed:bos>"
_END = "<seed:eos>"
_CALLS = TagCalls(
    stops=(_END,),
    opener="<seed:tool_call>",
    closer="</seed:tool_call>",
    has_newlines=False,
    reads_python=True,
    thinking=Thinking("<seed:think>", "</seed:think>"),
)
_PERSONA = (
    "You are Doubao, a helpful AI assistant. You may call one or more functions to assist with the "
    "user query."
)
_TYPES = {"string": "str", "number": "int", "integer": "int", "boolean": "bool", "array": "list"}
_FORMAT = """
工具调用请遵循如下格式:
<seed:tool_call>
<function=example_function_name>
<parameter=example_parameter_1>value_1</parameter>
<parameter=example_parameter_2>This is the value for the second parameter
that can span
multiple lines</parameter>
</function>
</seed:tool_call>
"""


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    return _TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"


def _declare(tool: ToolSpec) -> str:
    properties = tool.parameters.get("properties") or {}
    required = tool.parameters.get("required") or ()
    signature = ",".join(f"{name}: {_type(schema)}" for name, schema in properties.items())
    lines = [
        f'\n\nFunction:\ndef {tool.name}({signature}):\n    """\n    {tool.description.strip()}\n'
    ]
    lines.append("\n    Args:" if properties else "\n")
    for name, schema in properties.items():
        mark = "[必填]" if name in required else "[选填]"
        text = schema.get("description") or ""
        lines.append(f"\n    - {name} ({_type(schema)}) {mark}: {text}")
    return "".join(lines) + '\n\n    """'


def _system(text: str | None, tools: Sequence[ToolSpec]) -> str:
    if text is None and not tools:
        return ""
    declared = "".join(map(_declare, tools)) + (_FORMAT if tools else "")
    return f"{_BEGIN}system\n{_PERSONA if text is None else text}{declared}{_END}"


def _write_call(call: ToolCall) -> str:
    lines = [f"<seed:tool_call>\n<function={call.name}>\n"]
    for key, value in call.arguments.items():
        lines.append(f"<parameter={key}>{value!s}</parameter>\n")
    return "".join(lines) + "</function>\n</seed:tool_call>"


def _write_turn(message: Message) -> str:
    reasoning, content = message.reasoning.strip(), message.content.strip()
    parts = [f"<seed:think>{reasoning}</seed:think>"] if reasoning else []
    if content:
        parts.append(f"{content}\n" if message.tool_calls else content)
    return "\n".join([*parts, *map(_write_call, message.tool_calls)])


def _write_assistant(message: Message) -> str:
    """Write a turn of history; the genuine template ends no turn that says nothing."""
    body = _write_turn(message)
    is_ended = message.tool_calls or message.content.strip()
    return f"{_BEGIN}assistant" + (f"\n{body}" if body else "") + (_END if is_ended else "")


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    parts = [_system(text, tools)]
    for message in rest:
        if message.role == "assistant":
            parts.append(_write_assistant(message))
        else:
            parts.append(f"{_BEGIN}{message.role}\n{message.content}{_END}")
    return "".join(parts) + (f"{_BEGIN}assistant\n" if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="seed_oss",
    definition_format="Python",
    call_format="XML",
    source="Seed-OSS",
    stop=(_END,),
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    keeps_reasoning=True,
    delimiters=("<seed:tool_call>", "<function=", "<seed:think>", "</seed:think>"),
    trims_content=True,
    can_hold=lambda message, tools: _CALLS.can_hold(message, tools, str),
    notes=(
        "The report leaves one template unnamed; this one adds declarations in Python's syntax.",
        "Values are bare text: a value that holds a closing tag and goes on as a call would is cut.",
        "Content is trimmed.",
    ),
)
