"""Llama 4 with Python calls: JSON declarations, calls as a Python list (§A.2).

The words of the template that vLLM ships for the model. It prints every value between double quotes
and escapes nothing; ours writes Python literals, texts between double quotes.

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

_STOP = ("<|eot|>", "<|eom|>")
_PERSONA = (
    "You are a helpful assistant and an expert in function composition. You can answer "
    "general questions using your internal knowledge OR invoke functions when necessary. "
    "Follow these strict guidelines:\n"
    "\n"
    "1. FUNCTION CALLS:\n"
    "- ONLY use functions that are EXPLICITLY listed in the function list below\n"
    "- If NO functions are listed (empty function list []), respond ONLY with internal "
    'knowledge or "I don\'t have access to [Unavailable service] information"\n'
    '- If a function is not in the list, respond ONLY with internal knowledge or "I '
    "don't have access to [Unavailable service] information\"\n"
    "- If ALL required parameters are present AND the query EXACTLY matches a listed "
    "function's purpose: output ONLY the function call(s)\n"
    "- Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]\n"
    "Examples:\n"
    'CORRECT: [get_weather(location="Vancouver"), calculate_route(start="Boston", '
    'end="New York")] <- Only if get_weather and calculate_route are in function list\n'
    'INCORRECT: get_weather(location="New York")\n'
    'INCORRECT: Let me check the weather: [get_weather(location="New York")]\n'
    'INCORRECT: [get_events(location="Singapore")] <- If function not in list\n'
    "\n"
    "2. RESPONSE RULES:\n"
    "- For pure function requests matching a listed function: ONLY output the function "
    "call(s)\n"
    "- For knowledge questions: ONLY output text\n"
    "- For missing parameters: ONLY request the specific missing parameters\n"
    "- For unavailable services (not in function list): output ONLY with internal "
    'knowledge or "I don\'t have access to [Unavailable service] information". Do NOT '
    "execute a function call.\n"
    "- If the query asks for information beyond what a listed function provides: output "
    "ONLY with internal knowledge about your limitations\n"
    "- NEVER combine text and function calls in the same response\n"
    "- NEVER suggest alternative functions when the requested service is unavailable\n"
    "- NEVER create or invent new functions not listed below\n"
    "\n"
    "3. STRICT BOUNDARIES:\n"
    "- ONLY use functions from the list below - no exceptions\n"
    "- NEVER use a function as an alternative to unavailable information\n"
    "- NEVER call functions not present in the function list\n"
    "- NEVER add explanatory text to function calls\n"
    "- NEVER respond with empty brackets\n"
    "- Use proper Python/JSON syntax for function calls\n"
    "- Check the function list carefully before responding\n"
    "\n"
    "4. TOOL RESPONSE HANDLING:\n"
    "- When receiving tool responses: provide concise, natural language responses\n"
    "- Don't repeat tool response verbatim\n"
    "- Don't add supplementary information\n"
    "\n"
    "Here is a list of functions in JSON format that you can invoke:\n"
)
_FORMAT = (
    "\nHere is a list of functions in JSON format that you can invoke. Use exact format: "
    "[func_name1(param1=value1, param2=value2), func_name2(...)]\n"
)
_CALLS = PythonCalls(_STOP, trims=False)


def _write_turn(message: Message) -> str:
    return message.content + write_python_calls(message.tool_calls)


def _turn(role: str, body: str) -> str:
    return f"<|header_start|>{role}<|header_end|>\n\n{body}<|eot|>"


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    system, rest = split_system(messages)
    text = (system or "").strip()
    if tools:
        listed = [tool_dictionary(tool) for tool in tools]
        text = f"{text}{_FORMAT}" if text else _PERSONA
        text += json.dumps(listed, ensure_ascii=False, indent=4)
    parts = ["<|begin_of_text|>", _turn("system", text) if text else ""]
    for message in rest:
        if message.role == "tool":
            parts.append(_turn("ipython", dump_json(message.content)))
        elif message.role == "assistant":
            parts.append(_turn("assistant", _write_turn(message)))
        else:
            parts.append(_turn(message.role, message.content))
    prompt = "<|header_start|>assistant<|header_end|>\n\n"
    return "".join(parts) + (prompt if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="llama4_pythonic",
    definition_format="JSON",
    call_format="Python",
    source="Llama 4",
    stop=_STOP,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    can_hold=_CALLS.can_hold,
    notes=(
        "The genuine template prints every value as an unescaped string; ours writes Python "
        "literals.",
        "Text that begins a list of calls, such as `[name()` or `[name(key=`, is read as one.",
        "Reasoning is not written.",
    ),
)
