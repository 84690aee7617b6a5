"""The text that a turn adds to a conversation, so that each prompt extends the last.

Rendering the whole conversation anew would put the template's own way of writing in place of what
the model wrote, and the trained tokens would no longer be the sampled ones.
"""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from journeyman.errors import JourneymanError
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.request import ANY_TOOL
from journeyman.templates import ToolTemplate
from journeyman.templates.base import Template
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["call_lead", "render", "tail"]


def render(
    template: Template,
    messages: Sequence[Message],
    tools: Sequence[ToolSpec],
    *,
    is_open: bool = True,
) -> str:
    """Write a conversation. Raises `GatewayError` where the template cannot."""
    try:
        return template.render(messages, tools, add_generation_prompt=is_open)
    except JourneymanError as error:
        raise GatewayError("invalid_request", error.message) from None
    except Exception as error:
        # What clients put into schemas and contents has no bounds; what fails here is theirs.
        raise GatewayError(
            "invalid_request",
            f"the template {template.name} cannot write it ({type(error).__name__}: {error})",
            param="messages" if not tools else "tools",
        ) from error


def tail(
    template: Template, messages: Sequence[Message], num_known: int, tools: Sequence[ToolSpec]
) -> str | None:
    """What follows the last known turn's text: its end, the new messages and the next opening.

    `messages[num_known - 1]` is that turn. None where the template does not simply append.
    """
    rendered = render(template, messages, tools)
    before = render(template, messages[: num_known - 1], tools)
    upto = render(template, messages[:num_known], tools, is_open=False)
    if not upto.startswith(before):
        return None
    # Some templates end the last turn with another text than those before it, or with the next
    # turn's opening: what counts is what the model wrote before it stopped.
    cut = max((upto.rfind(stop, len(before)) for stop in template.stop), default=-1)
    body = upto[:cut] if cut >= 0 else upto
    if not rendered.startswith(body):
        return None
    rest = rendered[len(body) :]
    return rest if cut >= 0 or rest.startswith(template.stop) else None


def call_lead(template: ToolTemplate, name: str) -> str:
    """The text with which a turn begins that must call `name`, or some tool for `ANY_TOOL`.

    It is what all turns have in common that call nothing else: no template has to say it.
    """
    # Two names that differ at once share nothing of themselves.
    names = ("a", "b") if name == ANY_TOOL else (name,)
    turns = [
        template.render_turn(
            Message(role="assistant", tool_calls=(ToolCall(name=each, arguments=arguments),))
        )
        for each in names
        for arguments in ({}, {"a": "a"}, {"b": 2})
    ]
    return os.path.commonprefix(turns)  # noqa: RUF071 - characters are what is meant
