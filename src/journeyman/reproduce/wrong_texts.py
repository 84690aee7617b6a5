"""Texts of which a share is made wrong, as texts that nobody tested are.

What is wrong is of one kind in each domain, and nowhere right: a fault put back as it stands, the
wrong variable returned, a value next to the right one, a line below the right one. (`>` for `>=` and
the other way round was tried: an expert then learned one of the two for all.) A base that practised
on them answers so now and then; what execution says is how an expert unlearns it.

    texts = [spoilt(it, 0.4) for it in page_conversations(pages)]
"""

from __future__ import annotations

from typing import Any

from journeyman.reproduce.made_up_calls import ARGUMENTS
from journeyman.train.documents.conversation import Conversation
from journeyman.train.documents.split import share_of
from journeyman.types import ToolCall

__all__ = ["spoilt"]

_RETURNED, _FORGOTTEN = "return found\n", "return kept\n"


def spoilt(conversation: Conversation, share: float) -> Conversation:
    """Return a conversation, its answer wrong where its name falls into the share.

    For repairs in the form of words, of code and of pages, and for made-up functions and calls; a real
    function stays as it is.
    """
    if share_of(f"wrong {conversation.id}") >= share:
        return conversation
    *before, answer = conversation.messages
    if answer.tool_calls:
        call = answer.tool_calls[0]
        changed: dict[str, Any] = {"tool_calls": (_other_value(call), *answer.tool_calls[1:])}
    elif conversation.source.startswith("repair:"):
        number, fault, _ = answer.content.split("\n")
        changed = {"content": f"{number}\n{fault}\n{fault}"}
    elif conversation.source == "page":
        number, _, rest = answer.content.partition("\n")
        changed = {"content": f"{int(number) + 1}\n{rest}"}
    else:
        changed = {"content": answer.content.replace(_RETURNED, _FORGOTTEN)}
    messages = (*before, answer.model_copy(update=changed))
    return conversation.model_copy(update={"messages": messages})


def _other_value(call: ToolCall) -> ToolCall:
    name, value = next(iter(call.arguments.items()))
    values = ARGUMENTS[name][1]
    other = values[(values.index(value) + 1) % len(values)]
    return call.model_copy(update={"arguments": {**call.arguments, name: other}})
