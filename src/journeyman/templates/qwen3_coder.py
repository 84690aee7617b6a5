"""Qwen3-Coder and Qwen3-Coder-Next: XML declarations, XML calls (§A.2).

Declarations, calls and results as in the model's own chat template (the revision that llama.cpp
carries). Booleans and null print as Python does, `True` and `None`; both spellings are read.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
    <tool_call>
    <function=read>
    <parameter=path>
    a.py
    </parameter>
    </function>
    </tool_call>
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from journeyman.templates.core.chatml import CHATML_STOPS, write_chatml
from journeyman.templates.core.conversation import split_system
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE", "value_text", "write_call"]

_CALLS = TagCalls(stops=CHATML_STOPS)
_PERSONA = "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks."
_FORMAT = """

If you choose to call a tool ONLY reply in the following format with NO suffix:

<tool_call>
<function=example_function_name>
<parameter=example_parameter_1>
value_1
</parameter>
<parameter=example_parameter_2>
value_2
</parameter>
</function>
</tool_call>

<IMPORTANT>
Reminder:
- Function calls MUST follow the specified format: the tool calling block MUST begin with an opening \
<tool_call> tag and end with a closing </tool_call> tag.
- Required parameters MUST be specified
- You may provide optional reasoning for your function call in natural language BEFORE the function \
call, but NOT after
- If there is no function call available, answer the question like normal with your current knowledge \
and do not tell the user about function calls
</IMPORTANT>"""


def value_text(value: object) -> str:
    """Write an argument's value: text as it is, containers as JSON, the rest as Python does."""
    return dump_json(value) if isinstance(value, list | dict) else str(value)


def write_call(call: ToolCall) -> str:
    """Write one call, without the newline that separates it from what comes before."""
    lines = [f"<tool_call>\n<function={call.name}>\n"]
    for name, value in call.arguments.items():
        lines.append(f"<parameter={name}>\n{value_text(value)}\n</parameter>\n")
    return "".join(lines) + "</function>\n</tool_call>"


def _extra_keys(schema: Mapping[str, Any], handled: Collection[str]) -> str:
    return "".join(
        f"\n<{key}>{value_text(value)}</{key}>"
        for key, value in schema.items()
        if key not in handled
    )


def _declare(tool: ToolSpec) -> str:
    lines = [f"\n<function>\n<name>{tool.name}</name>"]
    lines.append(f"\n<description>{tool.description.strip()}</description>\n<parameters>")
    properties = tool.parameters.get("properties")
    for name, schema in (properties if isinstance(properties, Mapping) else {}).items():
        lines.append(f"\n<parameter>\n<name>{name}</name>")
        if "type" in schema:
            lines.append(f"\n<type>{schema['type']!s}</type>")
        if "description" in schema:
            lines.append(f"\n<description>{schema['description'].strip()}</description>")
        lines.append(_extra_keys(schema, ("name", "type", "description")))
        lines.append("\n</parameter>")
    lines.append(_extra_keys(tool.parameters, ("type", "properties")))
    return "".join(lines) + "\n</parameters>\n</function>"


def _system(text: str | None, tools: Sequence[ToolSpec]) -> str | None:
    if not tools:
        return text
    lead = "\n\n# Tools\n\nYou have access to the following tools:\n\n<tools>"
    declared = "".join(map(_declare, tools))
    return f"{_PERSONA if text is None else text}{lead}{declared}\n</tools>{_FORMAT}"


def _write_turn(message: Message) -> str:
    if not message.tool_calls:
        return message.content
    calls = "\n".join(map(write_call, message.tool_calls))
    content = message.content.strip()
    return f"{content}\n\n{calls}" if content else calls


def _results(results: Sequence[Message], calls: Sequence[ToolCall]) -> str:
    return "".join(f"<tool_response>\n{m.content}\n</tool_response>\n" for m in results)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    return write_chatml(_system(text, tools), rest, _write_turn, _results, add_prompt)


TEMPLATE = ToolTemplate(
    name="qwen3_coder",
    definition_format="XML",
    call_format="XML",
    source="Qwen3-Coder, Qwen3-Coder-Next",
    stop=CHATML_STOPS,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    delimiters=("<tool_call>", "<function="),
    can_hold=lambda message, tools: _CALLS.can_hold(message, tools, value_text),
    notes=(
        "Values are bare text: a value that holds a closing tag and goes on as a call would is cut.",
        "Content beside calls is trimmed; reasoning is not written.",
    ),
)
