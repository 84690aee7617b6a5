"""DeepSeek-V3.2 without thinking: JSON declarations, calls in "DSML" tags (§A.2).

As the Python encoder that the model ships with. Each argument says whether it is bare text or JSON,
so the reader needs no schema.

    >>> TEMPLATE.render([Message(role="user", content="hello")])
    '<｜begin▁of▁sentence｜><｜User｜>hello<｜Assistant｜></think>'
"""

# ruff: noqa: RUF001 - the tokens are spelt with full-width bars

from __future__ import annotations

import re
from collections.abc import Sequence

from journeyman.templates.core.conversation import in_turns, split_system
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.deepseek_tokens import ASSISTANT, BEGIN, END, USER
from journeyman.templates.core.tag_arguments import Tag, json_text
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_OPENER = "<｜DSML｜function_calls>"
_CLOSER = "</｜DSML｜function_calls>"
_INVOKE = "<｜DSML｜invoke name="
_INVOKE_END = "</｜DSML｜invoke>"
_PARAMETER = "<｜DSML｜parameter name="
_PARAMETER_END = "</｜DSML｜parameter>"
_NAME = r'"(?P<name>[^<>"\n]{1,200})"\s{0,8}'
_CALLS = TagCalls(
    stops=(END,),
    opener=_OPENER,
    closer=_CLOSER,
    call=Tag((_INVOKE,), re.compile(f"{_INVOKE}{_NAME}>")),
    call_end=_INVOKE_END,
    argument=Tag(
        (_PARAMETER,),
        re.compile(rf'{_PARAMETER}{_NAME}(?:string="(?P<string>true|false)"\s{{0,8}})?>'),
    ),
    argument_end=_PARAMETER_END,
    has_newlines=False,
)
_BEFORE = f"""

## Tools
You have access to a set of tools you can use to answer the user's question.
You can invoke functions by writing a "{_OPENER}" block like the following as part of your reply to \
the user:
{_OPENER}
{_INVOKE}"$FUNCTION_NAME">
{_PARAMETER}"$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE{_PARAMETER_END}
...
{_INVOKE_END}
{_INVOKE}"$FUNCTION_NAME2">
...
{_INVOKE_END}
{_CLOSER}
String and scalar parameters should be specified as is without any escaping or quotes, while lists and \
objects should use JSON format. The "string" attribute should be set to "true" for string type \
parameters and "false" for other types (numbers, booleans, arrays, objects).
If the thinking_mode is enabled, then after function results you should strongly consider outputting a \
thinking block. Here is an example:
{_OPENER}
...
{_CLOSER}
<function_results>
...
</function_results>
<think>...thinking about results</think>
Here are the functions available in JSONSchema format:
<functions>
"""


def _write_call(call: ToolCall) -> str:
    lines = [
        f'{_PARAMETER}"{key}" string="{str(isinstance(value, str)).lower()}">'
        f"{json_text(value)}{_PARAMETER_END}"
        for key, value in call.arguments.items()
    ]
    return f'{_INVOKE}"{call.name}">\n' + "\n".join(lines) + f"\n{_INVOKE_END}"


def _write_turn(message: Message) -> str:
    calls = "\n".join(map(_write_call, message.tool_calls))
    return message.content + (f"\n\n{_OPENER}\n{calls}\n{_CLOSER}" if calls else "")


def _declare(tools: Sequence[ToolSpec]) -> str:
    declared = "\n".join(dump_json(tool_dictionary(tool)["function"]) for tool in tools)
    return f"{_BEFORE}{declared}\n</functions>\n" if tools else ""


def _results(results: Sequence[Message], num_calls: int) -> str:
    """Write the results of a turn; as long as some are owed, they stay open."""
    body = "".join(f"\n<result>{message.content}</result>" for message in results)
    is_whole = len(results) >= num_calls
    return f"\n\n<function_results>{body}" + is_whole * "\n</function_results>\n\n</think>"


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    parts = [BEGIN, text or "", _declare(tools)]
    num_calls = 0
    for turn in in_turns(rest):
        message = turn[0]
        if message.role == "tool":
            parts.append(_results(turn, num_calls))
        elif message.role == "assistant":
            num_calls = len(message.tool_calls)
            parts.append(_write_turn(message) + END)
        elif message.role == "user":
            parts.append(f"{USER}{message.content}{ASSISTANT}</think>")
        else:
            parts.append(message.content)
    return "".join(parts)


TEMPLATE = ToolTemplate(
    name="deepseekv32",
    definition_format="JSON",
    call_format="XML",
    source="DeepSeek-V3.2",
    stop=(END,),
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    delimiters=(_OPENER, _INVOKE),
    can_hold=lambda message, tools: _CALLS.can_hold(message, tools, json_text, says_type=True),
    notes=(
        "The non-thinking mode: a turn is opened by `</think>`, and reasoning is not written.",
        "The assistant is opened right behind a user's text and behind the last result, so there is "
        "no generation prompt.",
        "A value that holds a closing tag and goes on as a call would is cut.",
    ),
)
