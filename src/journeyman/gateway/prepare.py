"""From a client's messages to the prompt that the model is given, as an extension of what it knows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.gateway.conversation import Conversations, Place
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.prompts import call_lead, render, tail
from journeyman.gateway.request import ModelRequest
from journeyman.models.base import Model, Tokenizer
from journeyman.templates import ToolTemplate
from journeyman.templates.base import Template
from journeyman.types import Message, Prompt

__all__ = ["Prepared", "fit_systems", "prepare", "writes_late_systems"]

# English prose and code run at 3 to 4; low enough that a server, which counts, refuses seldom.
_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class Prepared:
    """A prompt, what of it is new, and where the turn will belong."""

    prompt: Prompt
    place: Place
    fresh: tuple[Message, ...]
    """The messages that the branch does not hold yet."""
    added_text: str = ""
    is_text_rewritten: bool = False
    added_ids: array[int] | None = None
    is_ids_rewritten: bool = False
    token_ids: array[int] | None = None
    """The whole prompt's tokens, where the model counts in tokens."""
    call_lead: str = ""
    """What the prompt has written of the turn, for it to be a call."""

    @property
    def num_tokens(self) -> int:
        """Length of the prompt; guessed where the model does not count."""
        if self.token_ids is not None:
            return len(self.token_ids)
        if self.prompt.text is not None:
            return len(self.prompt.text) // _CHARACTERS_PER_TOKEN
        return sum(len(it.content) for it in self.prompt.messages) // _CHARACTERS_PER_TOKEN

    @property
    def num_cached_tokens(self) -> int:
        """How much of the prompt the model has seen or written in the turns before."""
        if self.token_ids is None or self.added_ids is None or self.is_ids_rewritten:
            return 0
        return len(self.token_ids) - len(self.added_ids)


def fit_systems(request: ModelRequest, *, has_late: bool) -> ModelRequest:
    """Make one system message of those that a conversation opens with: templates know only one.

    Later ones are the user's words where the template has no place for them (not `has_late`).
    """
    messages = request.messages
    others = (i for i, message in enumerate(messages) if message.role != "system")
    num = next(others, len(messages))
    opening, rest = messages[: min(num, 1)], messages[num:]
    if num > 1:
        merged = "\n\n".join(message.content for message in messages[:num])
        opening = (Message(role="system", content=merged),)
    if not has_late:
        rest = tuple(
            it.model_copy(update={"role": "user"}) if it.role == "system" else it for it in rest
        )
    return replace(request, messages=(*opening, *rest))


def writes_late_systems(template: Template) -> bool:
    """Whether the template writes a system message that does not open the conversation."""
    user = Message(role="user", content="?")
    late = Message(role="system", content="<late>")
    try:
        return late.content in template.render((user, late, user))
    except JourneymanError:
        return False


async def prepare(
    model: Model, template: ToolTemplate | None, known: Conversations, request: ModelRequest
) -> Prepared:
    """Prepare one call. Raises `GatewayError` for what cannot be written, and as the model does."""
    if request.text is not None or request.token_ids is not None:
        return await _prepare_raw(model, known, request)
    if not model.reads_text:
        return _prepare_chat(model, known, request)
    assert template is not None, "a model that reads text needs a template"
    messages, lead, forced = _split_lead(template, request)
    place = known.place(messages, request.tools)
    before, fresh = _recorded(place, messages)
    added = None
    if place.parent is not None:
        added = tail(template, (*before, *fresh), len(before), request.tools)
    stop_text = _own_stop(template, place)
    if place.parent is None or added is None:
        text = added = render(template, (*before, *fresh), request.tools) + lead + forced
        is_rewritten = place.parent is not None
    else:
        # A stop text of the client's own was drawn all the same, and stays in the prompt.
        added = stop_text + added + lead + forced
        text, is_rewritten = place.parent.text() + added, False
    found = Prepared(
        prompt=_prompt((*before, *fresh), request, text),
        place=place,
        fresh=fresh,
        added_text=added,
        is_text_rewritten=is_rewritten,
        call_lead=forced,
    )
    if isinstance(model, Tokenizer):
        await _add_tokens(model, found, text)
    return found


def _own_stop(template: ToolTemplate, place: Place) -> str:
    """The text beyond the client's own stop text with which the last turn ended, if it did."""
    stop = place.parent.turn.completion.stop_text if place.parent is not None else ""
    return "" if stop in template.stop else stop


def _prompt(messages: Sequence[Message], request: ModelRequest, text: str | None = None) -> Prompt:
    forced = request.forced_tool if text is None else None
    return Prompt.model_construct(
        messages=tuple(messages), tools=request.tools, text=text, forced_tool=forced
    )


async def _add_tokens(model: Tokenizer, found: Prepared, text: str) -> None:
    """Extend the tokens of the turns before; what the model wrote stays as it drew it."""
    parent = found.place.parent
    done = parent.turn.completion if parent is not None else None
    if parent is None or done is None or found.is_text_rewritten or not parent.token_ids:
        whole = array("I", await model.tokenize(text, is_start=True))
        found.token_ids = found.added_ids = whole
        found.is_ids_rewritten = parent is not None
    elif found.added_text.startswith(done.stop_text):
        new = array("I", await model.tokenize(found.added_text[len(done.stop_text) :]))
        found.added_ids, found.token_ids = new, parent.tokens() + new
    else:
        await _replace_stop(model, found, parent.tokens(), done.stop_text)
    found.prompt = found.prompt.model_copy(update={"token_ids": tuple(found.token_ids or ())})


async def _replace_stop(
    model: Tokenizer, found: Prepared, before: array[int], stop_text: str
) -> None:
    """Put the template's end of a turn in place of the one that the model drew.

    The prompt no longer extends what was drawn, but all before the end stays as it was drawn.
    """
    stop = array("I", await model.tokenize(stop_text))
    if before[-len(stop) :] == stop:
        kept = before[: -len(stop)] + array("I", await model.tokenize(found.added_text))
    else:
        kept = array("I", await model.tokenize(found.prompt.text or "", is_start=True))
    found.token_ids = found.added_ids = kept
    found.is_ids_rewritten = True


def _split_lead(
    template: ToolTemplate, request: ModelRequest
) -> tuple[tuple[Message, ...], str, str]:
    """Part the messages from what the prompt shall say of the answer: its beginning, a call."""
    messages, lead, forced = request.messages, "", ""
    if messages[-1].role == "assistant" and not messages[-1].tool_calls:
        messages, lead = messages[:-1], messages[-1].content
    if request.forced_tool is not None:
        forced = _forced(template, request.forced_tool)
    return messages, lead, forced


def _forced(template: ToolTemplate, name: str) -> str:
    try:
        return call_lead(template, name)
    except Exception as error:
        raise GatewayError(
            "invalid_request",
            f"the template {template.name} cannot write a call of it",
            param="tool_choice",
        ) from error


def _recorded(
    place: Place, messages: Sequence[Message]
) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return the messages of the branch as the model wrote them, and the new ones to match."""
    before = tuple(place.parent.messages()) if place.parent is not None else ()
    wires: dict[str, str] = {}
    names: dict[str, str] = {}
    for node in place.parent.path() if place.parent is not None else ():
        wires |= node.wire_ids
    for message in messages:
        names |= {call.id: call.name for call in message.tool_calls}
    fresh = []
    for message in messages[place.num_known :]:
        if message.role == "tool":
            update: dict[str, Any] = {"name": message.name or names.get(message.tool_call_id, "")}
            update["tool_call_id"] = wires.get(message.tool_call_id, message.tool_call_id)
            message = message.model_copy(update=update)
        fresh.append(message)
    return before, tuple(fresh)


def _prepare_chat(model: Model, known: Conversations, request: ModelRequest) -> Prepared:
    """For a model behind a chat protocol of its own: messages as they are."""
    if request.forced_tool is not None and not getattr(model, "forces_tools", False):
        raise GatewayError(
            "invalid_request", "this model cannot be made to call a tool", param="tool_choice"
        )
    place = known.place(request.messages, request.tools)
    before, fresh = _recorded(place, request.messages)
    return Prepared(prompt=_prompt((*before, *fresh), request), place=place, fresh=fresh)


async def _prepare_raw(model: Model, known: Conversations, request: ModelRequest) -> Prepared:
    """For a prompt that is text or tokens already: no template, and no turn before."""
    if not model.reads_text:
        raise GatewayError(
            "invalid_request", "this model speaks chat protocols only", param="prompt"
        )
    messages = (Message(role="user", content=request.text or ""),)
    place = known.place(messages, ())
    found = Prepared(
        prompt=_prompt(messages, request, request.text),
        place=Place(None, 0, place.digest),
        fresh=messages,
        added_text=request.text or "",
    )
    tokens = request.token_ids
    if tokens is None and isinstance(model, Tokenizer):
        tokens = await model.tokenize(request.text or "", is_start=True)
    if tokens is not None:
        found.token_ids = found.added_ids = array("I", tokens)
        found.prompt = found.prompt.model_copy(update={"token_ids": tokens})
    return found
