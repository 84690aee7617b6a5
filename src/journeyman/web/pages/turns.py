"""The turns of a rollout for its page: what was said, called and answered, the raw text, the tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.templates import get_template
from journeyman.types import Message, ToolCall, Trajectory, Turn
from journeyman.web.pages.piece import Piece, argument_pieces, make_piece
from journeyman.web.reading.text import visible

__all__ = ["CallView", "TurnView", "raw_text", "turn_texts", "view_turns"]

_HEADLINE = 110


@dataclass(frozen=True, slots=True)
class CallView:
    """One tool call."""

    name: str
    arguments: list[Piece]
    refusal: str = ""
    """What the guard said, if it refused the call."""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message that is not the assistant's."""

    role: str
    name: str
    piece: Piece


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn."""

    number: int
    headline: str
    before: list[MessageView]
    reasoning: Piece | None
    content: Piece | None
    calls: list[CallView]
    observations: list[MessageView]
    format_errors: list[tuple[str, str, str]]
    """Kind, message and the offending part of each."""
    facts: list[str] = field(default_factory=list)
    finish: str = "stop"


def view_turns(trajectory: Trajectory, *, hide_first: bool) -> list[TurnView]:
    """Return every turn; `hide_first` leaves out the first prompt, which the page shows above them."""
    return [
        _view(number, turn, is_hidden=hide_first and number == 1)
        for number, turn in enumerate(trajectory.turns, start=1)
    ]


def turn_texts(trajectory: Trajectory) -> dict[str, str]:
    """Return every text of the turns by the name that `make_piece` is given."""
    texts: dict[str, str] = {}
    for number, turn in enumerate(trajectory.turns, start=1):
        texts |= _message_texts(turn.prompt_messages, f"t{number}-before")
        texts |= _message_texts(turn.observations, f"t{number}-answer")
        texts[f"t{number}-reasoning"] = turn.message.reasoning
        texts[f"t{number}-content"] = turn.message.content
        texts[f"t{number}-raw"] = turn.prompt_text + turn.completion.text
        for at, call in enumerate(turn.message.tool_calls):
            for index, value in enumerate(call.arguments.values()):
                texts[f"t{number}-call{at}-{index}"] = (
                    value if isinstance(value, str) else repr(value)
                )
    return {name: text for name, text in texts.items() if text}


def _view(number: int, turn: Turn, *, is_hidden: bool) -> TurnView:
    message = turn.message
    return TurnView(
        number=number,
        headline=_headline(turn),
        before=[] if is_hidden else _messages(turn.prompt_messages, f"t{number}-before"),
        reasoning=_optional(message.reasoning, f"t{number}-reasoning"),
        content=_optional(message.content, f"t{number}-content"),
        calls=[_call(turn, at, call, f"t{number}") for at, call in enumerate(message.tool_calls)],
        observations=_messages(turn.observations, f"t{number}-answer"),
        format_errors=[_error(turn, index) for index in range(len(turn.format_errors))],
        facts=list(_facts(turn)),
        finish=turn.completion.finish_reason,
    )


def _headline(turn: Turn) -> str:
    calls = turn.message.tool_calls
    if calls:
        first = next((str(it) for it in calls[0].arguments.values() if str(it).strip()), "")
        text = f"{calls[0].name}  {first}" + (f"  (+{len(calls) - 1})" if len(calls) > 1 else "")
    else:
        text = turn.message.content or turn.completion.text or "(empty)"
    line = visible(" ".join(text[: 4 * _HEADLINE].split()))
    return line if len(line) <= _HEADLINE else f"{line[:_HEADLINE]}…"


def _facts(turn: Turn) -> list[str]:
    done = turn.completion
    found = []
    if done.num_prompt_tokens or done.num_completion_tokens:
        found.append(f"{done.num_prompt_tokens:,} → {done.num_completion_tokens:,} tokens")
    if turn.model_duration_s:
        found.append(f"model {turn.model_duration_s:.1f} s")
    if turn.tools_duration_s:
        found.append(f"tools {turn.tools_duration_s:.1f} s")
    if done.finish_reason != "stop":
        found.append(f"ended by {done.finish_reason}")
    if done.model_version:
        found.append(f"policy {visible(done.model_version)}")
    return found


def _call(turn: Turn, at: int, call: ToolCall, prefix: str) -> CallView:
    refused = [
        it for it in turn.guard_decisions if not it.is_allowed and _is_of(it, turn, at, call)
    ]
    return CallView(
        name=visible(call.name),
        arguments=argument_pieces(call.arguments, f"{prefix}-call{at}"),
        refusal=visible(refused[0].feedback) if refused else "",
        labels=refused[0].labels if refused else (),
    )


def _is_of(decision: Any, turn: Turn, at: int, call: ToolCall) -> bool:
    """Match a decision to a call by its id, or by their order where calls have none."""
    if decision.call_id and call.id:
        return bool(decision.call_id == call.id)
    with contextlib.suppress(ValueError):
        return turn.guard_decisions.index(decision) == at
    return False


def _error(turn: Turn, index: int) -> tuple[str, str, str]:
    error = turn.format_errors[index]
    part = turn.completion.text[error.start : error.end][:400]
    return visible(error.kind), visible(error.message), visible(part)


def _messages(messages: Sequence[Message], prefix: str) -> list[MessageView]:
    return [
        MessageView(it.role, visible(it.name), make_piece(it.content, f"{prefix}{at}"))
        for at, it in enumerate(messages)
    ]


def _message_texts(messages: Sequence[Message], prefix: str) -> dict[str, str]:
    return {f"{prefix}{at}": it.content for at, it in enumerate(messages)}


def _optional(text: str, name: str) -> Piece | None:
    return make_piece(text, name) if text.strip() else None


def raw_text(trajectory: Trajectory, turn: Turn) -> tuple[str, str, str]:
    """Return prompt, completion, and where they are from if not from the model itself."""
    if turn.completion.text:
        return turn.prompt_text, turn.completion.text + turn.completion.stop_text, ""
    name = trajectory.template or "hermes"
    try:
        text = get_template(name).render_turn(turn.message)
    except (JourneymanError, ValueError, KeyError) as error:
        return "", "", f"cannot be written in {name}: {error}"
    note = (
        f"The model's own server wrote this turn in its template and told only what it meant; "
        f"here it is as {name} writes it."
    )
    return turn.prompt_text, text, note
