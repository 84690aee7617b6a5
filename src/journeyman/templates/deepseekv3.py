"""DeepSeek-V3 with tools: JSON declarations, calls as special tokens around fenced JSON (§A.2).

Turns are written as R1's. The tool declaration has the words of the template which vLLM ships for
the model, without the indentation that file leaks into the text.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="refresh")
    >>> print(TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,))))
    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>refresh
    ```json
    {}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.deepseek_tokens import (
    BEGIN,
    CALL_BEGIN,
    CALL_END,
    CALLS_BEGIN,
    CALLS_END,
    END,
    SEPARATOR,
    DeepSeekTokens,
    join_systems,
)
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.templates.deepseekr1 import write_messages
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE"]

_DIALECT = DeepSeekTokens(is_fenced=True)
_BEFORE = "\n\n# Tools\n\nYou may call one or more functions to assist with the user query."
_AFTER = f"""
</tools>



For function call returns, you should first print {CALLS_BEGIN}

For each function call, you should return object like:

{CALL_BEGIN}function{SEPARATOR}<function_name>
```json
<function_arguments_in_json_format>
```{CALL_END}

At the end of function call returns, you should print {CALLS_END}{END}"""


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    declared = "".join(f"\n{dump_json(tool_dictionary(tool))}" for tool in tools)
    system = join_systems(messages) + (f"{_BEFORE}{declared}{_AFTER}" if tools else "")
    return BEGIN + system + write_messages(messages, add_prompt)


def _write_turn(message: Message) -> str:
    return message.content + _DIALECT.write_calls(message.tool_calls)


TEMPLATE = ToolTemplate(
    name="deepseekv3",
    definition_format="JSON",
    call_format="mixed",
    source="DeepSeek-V3",
    stop=(END,),
    read=_DIALECT.read,
    write=_write,
    write_turn=_write_turn,
    delimiters=(CALLS_BEGIN, CALL_BEGIN),
    notes=(
        "The model's own template declares no tools and leaves single calls open; the declaration "
        "is that of vLLM's example, without the blanks it leaks.",
        "The assistant is opened right behind a user's text, so the generation prompt is empty "
        "there and behind tool results.",
        "Reasoning is not written.",
    ),
)
