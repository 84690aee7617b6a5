"""GLM-4.6: JSON declarations, calls as pairs of tags for keys and values (§A.2).

A turn opens with its reasoning, empty in history, and has no end of its own: the next role's token
ends it. GLM-4.7's form, the same without line breaks, is read too.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
    <BLANKLINE>
    <think></think>
    <tool_call>read
    <arg_key>path</arg_key>
    <arg_value>a.py</arg_value>
    </tool_call>
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from journeyman.templates.core.conversation import in_turns, keep_late_reasoning, split_reasoning
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.tag_arguments import Tag, json_text
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import THINK
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_STOP = ("<|user|>", "<|observation|>", "<|endoftext|>")
_CALLS = TagCalls(
    stops=_STOP,
    opener="",
    closer="",
    call=Tag(
        ("<tool_call>",),
        re.compile(r"<tool_call>\s{0,8}(?P<name>[^\s<>{}\"]{1,200})(?=[\s<])"),
        breaks=re.compile('[<{}"]'),
    ),
    call_end="</tool_call>",
    argument=Tag(
        ("<arg_key>",),
        re.compile(r"<arg_key>(?P<name>[^<>\n]{1,200})</arg_key>\s{0,8}<arg_value>"),
        breaks=re.compile(r"\n<[^a]"),
    ),
    argument_end="</arg_value>",
    has_newlines=False,
    thinking=THINK,
)
_BEFORE = """<|system|>
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
"""
_AFTER = """</tools>

For each function call, output the function name and arguments within the following XML format:
<tool_call>{function-name}
<arg_key>{arg-key-1}</arg_key>
<arg_value>{arg-value-1}</arg_value>
<arg_key>{arg-key-2}</arg_key>
<arg_value>{arg-value-2}</arg_value>
...
</tool_call>"""


def _write_call(call: ToolCall) -> str:
    lines = [f"\n<tool_call>{call.name}\n"]
    for key, value in call.arguments.items():
        lines.append(f"<arg_key>{key}</arg_key>\n<arg_value>{json_text(value)}</arg_value>\n")
    return "".join(lines) + "</tool_call>"


def _write_turn(message: Message) -> str:
    reasoning, content = split_reasoning(message)
    content = content.strip()
    body = (f"\n{content}" if content else "") + "".join(map(_write_call, message.tool_calls))
    return f"\n<think>{reasoning.strip()}</think>{body}"


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    parts = ["[gMASK]<sop>"]
    if tools:
        declared = "".join(f"{dump_json(tool_dictionary(tool))}\n" for tool in tools)
        parts.append(_BEFORE + declared + _AFTER)
    for turn in in_turns(keep_late_reasoning(messages)):
        message = turn[0]
        if message.role == "tool":
            results = (f"\n<tool_response>\n{m.content}\n</tool_response>" for m in turn)
            parts.append("<|observation|>" + "".join(results))
        elif message.role == "assistant":
            parts.append("<|assistant|>" + _write_turn(message))
        else:
            parts.append(f"<|{message.role}|>\n{message.content}")
    return "".join(parts) + ("<|assistant|>" if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="glm46",
    definition_format="JSON",
    call_format="XML",
    source="GLM-4.6",
    stop=_STOP,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    keeps_reasoning=True,
    delimiters=("<tool_call>", "<think>", "</think>"),
    trims_content=True,
    can_hold=lambda message, tools: _CALLS.can_hold(message, tools, json_text),
    notes=(
        "Values are bare text: a value that holds a closing tag and goes on as a call would is cut.",
        "Content is trimmed; reasoning before the last user message is not written.",
        "A turn has no end of its own: the token of the next role stops the model.",
    ),
)
