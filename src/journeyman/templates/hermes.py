"""Hermes: JSON declarations, JSON calls (§A.2).

>>> from journeyman.types import Message, ToolCall
>>> call = ToolCall(name="read", arguments={"path": "a.py"})
>>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
<tool_call>
{"name": "read", "arguments": {"path": "a.py"}}
</tool_call>
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.core.json_tags import JsonTags
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE", "write_call"]

_STOP = ("<|im_end|>",)


def write_call(call: ToolCall) -> str:
    """Write one call in its tags."""
    body = dump_json({"name": call.name, "arguments": call.arguments})
    return f"<tool_call>\n{body}\n</tool_call>"


def write_turn(message: Message) -> str:
    """Write an assistant turn from behind the generation prompt to the stop text."""
    if not message.tool_calls:
        return message.content
    calls = "\n".join(map(write_call, message.tool_calls))
    content = message.content.strip()
    return f"{content}\n{calls}" if content else calls


def _system(tools: Sequence[ToolSpec]) -> str:
    if not tools:
        return ""
    functions = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]
    declared = "\n".join(map(dump_json, functions))
    return (
        "<|im_start|>system\nYou are a function calling AI model. You are provided with function "
        f"signatures within <tools></tools> XML tags: <tools> {declared} </tools>\n"
        "For each function call return a json object with function name and arguments within "
        "<tool_call></tool_call> XML tags as follows:\n<tool_call>\n"
        '{"name": <function-name>, "arguments": <args-dict>}\n</tool_call><|im_end|>\n'
    )


def write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    """Write a conversation."""
    parts = [_system(tools)]
    for index, message in enumerate(messages):
        if message.role == "tool":
            if index == 0 or messages[index - 1].role != "tool":
                parts.append("<|im_start|>tool\n")
            parts.append(f"<tool_response>\n{message.content}\n</tool_response>\n")
            if index + 1 == len(messages) or messages[index + 1].role != "tool":
                parts.append("<|im_end|>")
            continue
        body = write_turn(message) if message.role == "assistant" else message.content
        parts.append(f"<|im_start|>{message.role}\n{body}<|im_end|>\n")
    return "".join(parts) + ("<|im_start|>assistant\n" if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="hermes",
    definition_format="JSON",
    call_format="JSON",
    source="Hermes 2 Pro and its many followers",
    stop=_STOP,
    read=JsonTags(stops=_STOP).read,
    write=write,
    write_turn=write_turn,
    delimiters=("<tool_call>",),
)
