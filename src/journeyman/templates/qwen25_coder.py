"""Qwen2.5-Coder: JSON declarations, JSON calls (§A.2); byte for byte the model's own template.

>>> from journeyman.types import Message, ToolCall
>>> call = ToolCall(name="read", arguments={"path": "a.py"})
>>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
<tool_call>
{"name": "read", "arguments": {"path": "a.py"}}
</tool_call>
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.core.call_object import has_plain_names
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.json_tags import JsonTags
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_STOP = ("<|im_end|>", "<|endoftext|>")
_PERSONA = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
_BEFORE = """

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>"""
_AFTER = """
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>"""


def _write_call(call: ToolCall) -> str:
    arguments = dump_json(call.arguments)
    return f'<tool_call>\n{{"name": "{call.name}", "arguments": {arguments}}}\n</tool_call>'


def _write_turn(message: Message) -> str:
    calls = map(_write_call, message.tool_calls)
    return "\n".join([message.content] * bool(message.content) + list(calls))


def _system(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> str:
    has_system = bool(messages) and messages[0].role == "system"
    text = messages[0].content if has_system else _PERSONA
    if tools:
        declared = "".join(f"\n{dump_json(tool_dictionary(tool))}" for tool in tools)
        text = f"{text}{_BEFORE}{declared}{_AFTER}"
    return f"<|im_start|>system\n{text}<|im_end|>\n"


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    parts = [_system(messages, tools)]
    previous = "system"
    for index, message in enumerate(messages):
        if previous == "tool" and message.role != "tool":
            parts.append("<|im_end|>\n")
        if message.role == "tool":
            parts.append("" if previous == "tool" else "<|im_start|>user")
            parts.append(f"\n<tool_response>\n{message.content}\n</tool_response>")
        elif message.role == "assistant":
            parts.append(f"<|im_start|>assistant\n{_write_turn(message)}<|im_end|>\n")
        elif message.role == "user" or index > 0:
            parts.append(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n")
        previous = message.role
    if previous == "tool":
        parts.append("<|im_end|>\n")
    return "".join(parts) + ("<|im_start|>assistant\n" if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="qwen25_coder",
    definition_format="JSON",
    call_format="JSON",
    source="Qwen2.5-Coder",
    stop=_STOP,
    read=JsonTags(stops=_STOP).read,
    write=_write,
    write_turn=_write_turn,
    delimiters=("<tool_call>",),
    can_hold=has_plain_names,
    notes=("Reasoning is not written.",),
)
