"""Makes one model call for a client: limits, prompt, drawing, recording.

outcome = await Engine(model, template, GatewaySettings()).run(session, request, emit)
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from journeyman.errors import AttributedError
from journeyman.gateway.conversation import Node, digest_tokens
from journeyman.gateway.drawing import Drawing, Emit
from journeyman.gateway.errors import GatewayError, from_model
from journeyman.gateway.judging import feedback_on, judge_calls
from journeyman.gateway.prepare import Prepared, fit_systems, prepare, writes_late_systems
from journeyman.gateway.record import CapturedTurn, capture
from journeyman.gateway.request import Batch, ModelRequest, Outcome
from journeyman.gateway.session import Session
from journeyman.gateway.settings import GatewaySettings
from journeyman.gateway.turn_reader import TurnReader
from journeyman.models.base import ContextOverflowError, Model
from journeyman.templates import ToolTemplate
from journeyman.types import Completion, FormatError, Message, ParsedTurn, Sampling, Turn

__all__ = ["Engine"]


class _DoneTurn(NamedTuple):
    """A turn that was drawn and kept."""

    outcome: Outcome
    node: Node
    history: Any
    """A hash that has taken in the messages before it."""
    feedback: tuple[Message, ...]
    """What the guard answers in place of the tools; empty if it let all calls pass."""


class Engine:
    """A model and the template that it is spoken to in."""

    def __init__(
        self,
        model: Model,
        template: ToolTemplate | None,
        settings: GatewaySettings,
        on_turn: Callable[[CapturedTurn], None] | None = None,
    ) -> None:
        if model.reads_text and template is None:
            raise ValueError(f"{model.name} reads text and needs a template")
        self.model = model
        self.template = template if model.reads_text else None
        self.settings = settings
        self._on_turn = on_turn
        if self.template is not None:
            # One that only renders says so here, before anybody calls.
            self.template.stream()
        self._has_late = self.template is None or writes_late_systems(self.template)

    async def run(self, session: Session, request: ModelRequest, emit: Emit | None) -> Outcome:
        """Make the call, telling `emit` of it as it goes. Raises `GatewayError`."""
        request = session.continued(request)
        session.begin()
        try:
            async with asyncio.timeout(self._allowed_s(session)):
                outcome = await self._call(session, self._fitted(request), emit)
            session.keep(request, outcome.message)
            return outcome
        except TimeoutError:
            session.num_failed += 1
            if session.remaining_s() == 0:
                raise session.out_of_time() from None
            message = f"no end after {self.settings.timeout_s:g} s"
            raise GatewayError("timeout", message) from None
        except AttributedError as error:
            session.fail(error)
            raise from_model(error) from error
        except asyncio.CancelledError:
            session.num_broken_off += 1
            raise
        except GatewayError:
            raise
        except Exception as error:
            session.fail(AttributedError("unexpected", f"the gateway: {error!r}"))
            raise
        finally:
            session.end()

    async def count(self, session: Session, request: ModelRequest) -> int:
        """Return how many tokens the prompt would have. Raises `GatewayError`."""
        request = self._fitted(session.continued(request))
        try:
            found = await prepare(self.model, self.template, session.conversations, request)
        except AttributedError as error:
            raise from_model(error) from error
        return found.num_tokens

    def _fitted(self, request: ModelRequest) -> ModelRequest:
        return fit_systems(request, has_late=self._has_late)

    def _allowed_s(self, session: Session) -> float:
        left = session.remaining_s()
        return self.settings.timeout_s if left is None else min(left, self.settings.timeout_s)

    async def _call(self, session: Session, request: ModelRequest, emit: Emit | None) -> Outcome:
        if session.guard is None:
            return (await self._turn(session, request, emit)).outcome
        return await self._guarded(session, request, emit)

    async def _guarded(self, session: Session, request: ModelRequest, emit: Emit | None) -> Outcome:
        """Make turns until the guard lets one pass, and tell the client of that one alone.

        The model is told why a call was refused as if the tool had said so. The client knows nothing
        of it: the turn that passes is found by the client's history and by the model's.
        """
        asked, history = request, None
        while True:
            held: list[Batch] = []

            async def hold(batch: Batch, into: list[Batch] = held) -> None:
                into.append(batch)

            done = await self._turn(session, asked, hold)
            history = done.history if history is None else history
            if not done.feedback:
                break
            session.check()
            asked = replace(asked, messages=(*asked.messages, done.outcome.message, *done.feedback))
        if asked is not request:
            session.conversations.alias(history, done.node, done.outcome.message)
        if emit is not None:
            for batch in held:
                await emit(batch)
        return done.outcome

    async def _turn(self, session: Session, request: ModelRequest, emit: Emit | None) -> _DoneTurn:
        started_at, clock = time.time(), time.monotonic()
        prepared = await prepare(self.model, self.template, session.conversations, request)
        sampling = self._sampling(session, request, prepared)
        needs_tokens = session.is_captured or self._on_turn is not None
        drawing = Drawing(self.model, self.template, request, emit, needs_tokens=needs_tokens)
        completion, parsed = await drawing.run(prepared.prompt, sampling, prepared.call_lead)
        shown, own, wires = drawing.reader.named(_message(parsed))
        decisions = judge_calls(session.guard, own)
        turn = Turn(
            prompt_messages=prepared.fresh,
            prompt_text=prepared.added_text,
            prompt_is_rewritten=prepared.is_text_rewritten,
            prompt_tokens_are_rewritten=prepared.is_ids_rewritten,
            completion=completion,
            message=own,
            format_errors=(*parsed.errors, *_cut_mark(completion)),
            guard_decisions=decisions,
            started_at=started_at,
            model_duration_s=time.monotonic() - clock,
        )
        session.count(completion.num_completion_tokens)
        node = _node(request, prepared, turn, wires)
        history = prepared.place.digest.copy()
        session.conversations.add(prepared.place, node, shown)
        if self._on_turn is not None:
            self._on_turn(capture(session.key, node))
        outcome = _outcome(request, prepared, completion, drawing.reader, shown)
        return _DoneTurn(outcome, node, history, feedback_on(shown, decisions))

    def _sampling(self, session: Session, request: ModelRequest, prepared: Prepared) -> Sampling:
        """What the client asks for, within what session and context leave."""
        room = self.settings.context_tokens - prepared.num_tokens
        if room <= 0:
            raise ContextOverflowError(
                f"{prepared.num_tokens} tokens > {self.settings.context_tokens} maximum"
            )
        own = session.sampling
        bounds = [request.max_tokens or self.settings.max_tokens, room]
        left = session.num_tokens_left()
        if left is not None:
            # Calls of one session at the same time may overdraw it, each by its own length.
            bounds.append(max(1, left))
        if own is not None:
            bounds.append(own.max_tokens)
        self._check_schema(request)
        is_rendered = self.template is not None and bool(request.messages)
        stops = self.template.stop if self.template is not None and is_rendered else ()
        asked = request.asked_sampling() if own is None else own
        return asked.model_copy(
            update={
                "seed": request.seed if asked.seed is None else asked.seed,
                "max_tokens": min(bounds),
                "json_schema": request.json_schema,
                "stop": tuple(dict.fromkeys((*request.stop, *stops))),
            }
        )

    def _check_schema(self, request: ModelRequest) -> None:
        if request.json_schema is None:
            return
        message = ""
        if not getattr(self.model, "holds_schemas", False):
            message = "this model cannot be held to a schema"
        elif request.tools and self.template is not None:
            # The model would be held to the schema where it wants to call; a chat server knows better.
            message = "cannot be had together with tools"
        if message:
            raise GatewayError("invalid_request", message, param="response_format")


def _message(parsed: ParsedTurn) -> Message:
    return Message(
        role="assistant",
        content=parsed.content,
        reasoning=parsed.reasoning,
        tool_calls=parsed.calls,
    )


def _cut_mark(completion: Completion) -> tuple[FormatError, ...]:
    if completion.finish_reason != "length":
        return ()
    end = len(completion.text)
    message = "the turn was cut off at the token limit"
    return (FormatError(kind="cut_off", message=message, start=end, end=end),)


def _node(request: ModelRequest, prepared: Prepared, turn: Turn, wires: dict[str, str]) -> Node:
    """Make the turn's node; its tokens go into arrays, for tuples take ten times the room."""
    done = turn.completion
    parent, prompt_ids = prepared.place.parent, prepared.added_ids
    is_rewritten = prepared.is_ids_rewritten
    digest = digest_tokens(prepared.token_ids) if prepared.token_ids is not None else ""
    if prompt_ids is None and done.prompt_token_ids:
        # A server that renders for itself tells which tokens its prompt had.
        prompt_ids = array("I", done.prompt_token_ids)
        digest = digest_tokens(prompt_ids)
        known = parent.tokens() if parent is not None else array("I")
        is_rewritten = prompt_ids[: len(known)] != known
        prompt_ids = prompt_ids if is_rewritten else prompt_ids[len(known) :]
    bare = done.model_copy(update={"token_ids": (), "logprobs": (), "prompt_token_ids": ()})
    return Node(
        parent=parent,
        turn=turn.model_copy(
            update={"completion": bare, "prompt_tokens_are_rewritten": is_rewritten}
        ),
        tools=request.tools,
        protocol=request.protocol,
        prompt_ids=prompt_ids if prompt_ids is not None else array("I"),
        token_ids=array("I", done.token_ids),
        logprobs=array("d", done.logprobs),
        prompt_digest=digest,
        wire_ids=wires,
    )


def _outcome(
    request: ModelRequest,
    prepared: Prepared,
    done: Completion,
    reader: TurnReader,
    shown: Message,
) -> Outcome:
    is_cut = done.finish_reason == "length"
    ended = next((stop for stop in request.stop if done.stop_text.startswith(stop)), None)
    return Outcome(
        message=shown,
        finish_reason="length" if is_cut else "tool_calls" if shown.tool_calls else "stop",
        cut_call=reader.cut_call,
        stop_sequence=ended,
        num_prompt_tokens=done.num_prompt_tokens or prepared.num_tokens,
        num_cached_tokens=prepared.num_cached_tokens,
        num_completion_tokens=done.num_completion_tokens,
        pieces=tuple(reader.pieces) if request.has_logprobs else (),
        model_version=done.model_version,
    )
