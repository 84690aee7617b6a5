"""ChatML, the frame that many templates put around their turns.

>>> write_chatml("Be brief.", [], str, str, True)
'<|im_start|>system\\nBe brief.<|im_end|>\\n<|im_start|>assistant\\n'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from journeyman.templates.core.conversation import in_turns
from journeyman.types import Message, ToolCall

__all__ = ["CHATML_STOPS", "write_chatml"]

CHATML_STOPS = ("<|im_end|>", "<|endoftext|>")


def write_chatml(
    system: str | None,
    messages: Sequence[Message],
    write_turn: Callable[[Message], str],
    write_results: Callable[[Sequence[Message], Sequence[ToolCall]], str],
    add_prompt: bool,
) -> str:
    """Write a conversation in which the user hands over the results of a turn's calls.

    `system` is None where there is no system turn; `write_results` takes the results that follow
    one another and the calls of the turn before.
    """
    parts = [] if system is None else [f"<|im_start|>system\n{system}<|im_end|>\n"]
    calls: Sequence[ToolCall] = ()
    for turn in in_turns(messages):
        message, role = turn[0], turn[0].role
        body = message.content
        if role == "tool":
            role, body = "user", write_results(turn, calls)
        elif role == "assistant":
            body, calls = write_turn(message), message.tool_calls
        parts.append(f"<|im_start|>{role}\n{body}<|im_end|>\n")
    return "".join(parts) + ("<|im_start|>assistant\n" if add_prompt else "")
