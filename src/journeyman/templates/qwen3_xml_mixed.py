"""JSON declarations with Qwen3-Coder's XML calls (§A.2), as Qwen3.5's chat template has them.

No template was published under this name; Qwen3.5's is the nearest. That one always frames a turn by
`<think>`; here a turn has the frame only where it has reasoning, and the generation prompt has none.

    >>> TEMPLATE.render([Message(role="tool", content="ok")], add_generation_prompt=False)
    '<|im_start|>user\\n<tool_response>\\nok\\n</tool_response><|im_end|>\\n'
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.core.chatml import CHATML_STOPS, write_chatml
from journeyman.templates.core.conversation import (
    keep_late_reasoning,
    split_reasoning,
    split_system,
)
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.tag_calls import TagCalls
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import THINK, write_thinking
from journeyman.templates.core.turn import dump_json
from journeyman.templates.qwen3_coder import value_text, write_call
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_CALLS = TagCalls(stops=CHATML_STOPS, thinking=THINK)
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


def _system(text: str | None, tools: Sequence[ToolSpec]) -> str | None:
    text = text.strip() if text is not None else None
    if not tools:
        return text
    declared = "".join(f"\n{dump_json(tool_dictionary(tool))}" for tool in tools)
    lead = "# Tools\n\nYou have access to the following functions:\n\n<tools>"
    return lead + declared + _FORMAT + (f"\n\n{text}" if text else "")


def _write_turn(message: Message) -> str:
    reasoning, content = split_reasoning(message)
    calls = "\n".join(map(write_call, message.tool_calls))
    parts = [part for part in (content.strip(), calls) if part]
    return write_thinking(reasoning.strip()) + "\n\n".join(parts)


def _results(results: Sequence[Message], calls: Sequence[ToolCall]) -> str:
    return "\n".join(f"<tool_response>\n{m.content}\n</tool_response>" for m in results)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    text, rest = split_system(messages)
    trimmed = [
        message.model_copy(update={"content": message.content.strip()})
        for message in keep_late_reasoning(rest)
    ]
    return write_chatml(_system(text, tools), trimmed, _write_turn, _results, add_prompt)


TEMPLATE = ToolTemplate(
    name="qwen3_xml_mixed",
    definition_format="JSON",
    call_format="XML",
    source="Qwen3.5 (nearest to what was not published)",
    stop=CHATML_STOPS,
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
