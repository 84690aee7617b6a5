"""JSON declarations with Qwen3-Coder's XML calls (§A.2), as Qwen3.5's chat template has them.

No template was published under this name; Qwen3.5's is the nearest. That one always frames a turn by
`<think>`; here a turn has the frame only where it has reasoning, and the generation prompt has none.

    >>> TEMPLATE.render([Message(role="tool", content="ok")], add_generation_prompt=False)
    '<|im_start|>user\\n<tool_response>\\nok\\n</tool_response><|im_end|>\\n'
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.core.conversation import (
    in_turns,
    last_user,
    split_reasoning,
    split_system,
)
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import THINK, write_thinking
from journeyman.templates.core.turn import dump_json
from journeyman.templates.qwen3_coder import STOP, value_text, write_call
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE"]

_CALLS = TagCalls(stops=STOP, thinking=THINK)
_FORMAT = """
</tools>

If you choose to call a function ONLY reply in the following format with NO suffix:

<tool_call>
<function=example_function_name>
<parameter=example_parameter_1>
value_1
</parameter>
<parameter=example_parameter_2>
This is the value for the second parameter
that can span
multiple lines
</parameter>
</function>
</tool_call>

<IMPORTANT>
Reminder:
- Function calls MUST follow the specified format: an inner <function=...></function> block must be \
nested within <tool_call></tool_call> XML tags
- Required parameters MUST be specified
- You may provide optional reasoning for your function call in natural language BEFORE the function \
call, but NOT after
- If there is no function call available, answer the question like normal with your current knowledge \
and do not tell the user about function calls
</IMPORTANT>"""


def _system(text: str | None, tools: Sequence[ToolSpec]) -> str:
    text = text.strip() if text is not None else None
    if tools:
        declared = "".join(f"\n{dump_json(tool_dictionary(tool))}" for tool in tools)
        lead = "# Tools\n\nYou have access to the following functions:\n\n<tools>"
        text = lead + declared + _FORMAT + (f"\n\n{text}" if text else "")
    return "" if text is None else f"<|im_start|>system\n{text}<|im_end|>\n"


def _write_turn(message: Message) -> str:
    reasoning, content = split_reasoning(message)
    calls = "\n".join(map(write_call, message.tool_calls))
    parts = [part for part in (content.strip(), calls) if part]
    return write_thinking(reasoning.strip()) + "\n\n".join(parts)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    parts = [_system(text, tools)]
    last, index = last_user(rest), 0
    for turn in in_turns(rest):
        message, role = turn[0], turn[0].role
        if role == "tool":
            role = "user"
            body = "\n".join(
                f"<tool_response>\n{m.content.strip()}\n</tool_response>" for m in turn
            )
        elif role == "assistant":
            reasoning, content = split_reasoning(message)
            kept = {"content": content, "reasoning": reasoning if index > last else ""}
            body = _write_turn(message.model_copy(update=kept))
        else:
            body = message.content.strip()
        parts.append(f"<|im_start|>{role}\n{body}<|im_end|>\n")
        index += len(turn)
    return "".join(parts) + ("<|im_start|>assistant\n" if add_prompt else "")


TEMPLATE = ToolTemplate(
    name="qwen3_xml_mixed",
    definition_format="JSON",
    call_format="XML",
    source="Qwen3.5 (nearest to what was not published)",
    stop=STOP,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    keeps_reasoning=True,
    delimiters=("<tool_call>", "<function=", "<think>", "</think>"),
    trims_content=True,
    can_hold=lambda message, tools: _CALLS.can_hold(message, tools, value_text),
    notes=(
        "Not published under this name: Qwen3.5's chat template without its empty `<think>` frames.",
        "Values are bare text: a value that holds a closing tag and goes on as a call would is cut.",
        "Content and results are trimmed; reasoning before the last user message is not written.",
    ),
)
