"""ToolACE: JSON declarations, calls as a Python list (§A.2).

The words of the template that vLLM ships for the model. It prints values without quotes, which
nobody can read back; ours writes Python literals, as ToolACE's own data does, and texts between double
quotes.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))
    '[read(path="a.py")]'
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from journeyman.templates.core.conversation import split_system
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.python_calls import PythonCalls, write_python_calls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE"]

_END = "<|eot_id|>"
_PERSONA = (
    "You are a helpful assistant with tool calling capabilities. Only reply with a tool call if "
    "the function exists in the library provided by the user. If it doesn't exist, just reply "
    "directly in natural language."
)
_LEAD = (
    "You are an expert in composing functions. You are given a question and a set of possible "
    "functions. Based on the question, you will need to make one or more function/tool calls to "
    "achieve the purpose.\nIf none of the function can be used, point it out. If the given "
    "question lacks the parameters required by the function, also point it out.\n"
    "You should only return the function call in tools call sections.\n\n"
    "If you decide to invoke any of the function(s), you MUST put it in the format of "
    "[func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)]\n"
    "You SHOULD NOT include any other text in the response.\n"
    "Here is a list of functions in JSON format that you can invoke.\n"
)
_CALLS = PythonCalls((_END,), trims=True)


def _write_turn(message: Message) -> str:
    return message.content.strip() + write_python_calls(message.tool_calls)


def _head(role: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    system, rest = split_system(messages)
    listed = [json.dumps(tool_dictionary(tool), ensure_ascii=False, indent=4) for tool in tools]
    body = "".join(f"{tool}\n\n" for tool in listed)
    declared = f"{_LEAD}{body}\n" if tools else ""
    text = _PERSONA if system is None else system.strip()
    parts = [f"<|begin_of_text|>{_head('system')}{declared}{text}{_END}"]
    for message in rest:
        role, body = message.role, message.content.strip()
        if role == "assistant":
            body = _write_turn(message)
        elif role == "tool":
            parts.append(_head("ipython") + dump_json({"output": message.content}) + _END)
            continue
        parts.append(_head(role) + body + _END)
    return "".join(parts) + (_head("assistant") if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="toolace",
    definition_format="JSON",
    call_format="Python",
    source="ToolACE-8B",
    stop=(_END,),
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    trims_content=True,
    can_hold=_CALLS.can_hold,
    notes=(
        "The genuine template prints values bare; ours writes Python literals.",
        "The genuine template drops text beside calls and always ends in the generation prompt; "
        "ours keeps the text, and writes the prompt where it is asked for.",
        "Text that begins a list of calls, such as `[name()` or `[name(key=`, is read as one.",
        "Content is trimmed. Reasoning is not written.",
    ),
)
