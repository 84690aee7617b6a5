"""One conversation with a model: renders, parses, keeps everything and enforces every limit.

A scaffold gives only the messages that are new; the session owns the conversation. For a model that
reads text, the next prompt extends exactly what the model was shown and wrote, character by
character, as long as the template appends; where it rewrites history, the prompt is rendered anew.
Where the model can tokenise, the same holds token by token, and limits count its tokens.

    session = ModelSession(model, template=get_template("hermes"))
    turn = await session.turn([Message(role="user", content="hello")], tools)
    session.observe([Message(role="tool", content="done", name="bash")], duration_s=0.1)
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import AttributedError
from journeyman.guard import Guard
from journeyman.models.base import ContextOverflowError, Model, Tokenizer
from journeyman.scaffolds.rendering import PromptWriter
from journeyman.scaffolds.surrogates import mend
from journeyman.scaffolds.tokens import TokenWriter
from journeyman.templates.base import Template
from journeyman.types import (
    Completion,
    Ending,
    FormatError,
    GuardDecision,
    Message,
    ParsedTurn,
    Prompt,
    Sampling,
    ToolCall,
    ToolSpec,
    Trajectory,
    Turn,
)

__all__ = ["LimitReached", "ModelSession", "SessionLimits"]

ResultT = TypeVar("ResultT")

# English prose and code run at 3 to 4; low enough that a server, which counts, refuses seldom.
_CHARACTERS_PER_TOKEN = 4


class SessionLimits(Config):
    """Ceilings of one conversation."""

    num_turns: int = Field(default=50, ge=1)
    """Most model calls."""
    num_tokens: int = Field(default=100_000, ge=1)
    """Most completion tokens in total."""
    time_s: float = Field(default=1800.0, gt=0)
    """Most seconds from the first call, tools included."""
    cost_usd: float = Field(default=10.0, gt=0)
    """Most that the calls may cost together."""
    num_format_errors: int = Field(default=3, ge=1)
    """Most turns without a usable call in a row."""
    context_tokens: int = Field(default=131_072, ge=1)
    """Longest prompt and completion together."""
    idle_s: float = Field(default=900.0, gt=0)
    """Longest that an external agent program may neither call the model nor end."""


class LimitReached(Exception):  # noqa: N818 - an ending, not an error
    """A limit ended the conversation; `ending` says which."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


class ModelSession:
    """The recorded conversation of one rollout."""

    def __init__(
        self,
        model: Model,
        *,
        template: Template | None = None,
        sampling: Sampling | None = None,
        limits: SessionLimits | None = None,
        scaffold: str = "",
        on_turn: Callable[[Turn], None] | None = None,
        guard: Guard | None = None,
        gate: Callable[[], contextlib.AbstractAsyncContextManager[str]] | None = None,
    ) -> None:
        """`gate` is gone through around every request; it yields the version of the model's weights.

        Waiting in it counts toward no limit if who waits tells `forgive`.
        """
        if model.reads_text and template is None:
            raise ValueError(f"{model.name} reads text and needs a template")
        self.model = model
        self.template = template if model.reads_text else None
        self.sampling = sampling or Sampling()
        self.limits = limits or SessionLimits()
        self.scaffold = scaffold
        self.messages: list[Message] = []
        self.num_completion_tokens = 0
        self.cost_usd = 0.0
        self.files: dict[str, bytes] = {}
        """What a scaffold leaves beside its trajectories, by name."""
        self.guard = guard
        self._on_turn = on_turn
        self.gate = gate
        self._branches: tuple[Trajectory, ...] = ()
        self._forgivers: list[Callable[[float], None]] = []
        self._decisions: list[GuardDecision] = []
        self._turns: list[Turn] = []
        self._open: Turn | None = None
        self._tools: tuple[ToolSpec, ...] = ()
        self._num_bad_turns = 0
        self._started: float | None = None
        self._writer = PromptWriter(self.template) if self.template else None
        can_tokenize = self._writer is not None and isinstance(model, Tokenizer)
        self._tokens = TokenWriter(cast(Tokenizer, model)) if can_tokenize else None

    async def turn(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> Turn:
        """Add `messages`, call the model, record and return the turn, as yet without observations.

        Raises `LimitReached` if a limit forbids the call or ends it, and `AttributedError` if the
        model fails.
        """
        self._close_turn()
        self._started = time.monotonic() if self._started is None else self._started
        self._tools = tuple(tools)
        self._check_limits()
        self.messages += messages
        started_at, clock = time.time(), time.monotonic()
        prompt_delta = self._writer.extend(self.messages, self._tools) if self._writer else ""
        token_delta = await self._bounded(self._extend_tokens(prompt_delta))
        completion = await self._ask(self._allowed_sampling(prompt_delta))
        parsed = self._read(completion)
        self._open = Turn(
            prompt_messages=tuple(messages),
            prompt_text=prompt_delta,
            prompt_is_rewritten=self._writer is not None and self._writer.is_rewritten,
            prompt_token_ids=token_delta,
            prompt_tokens_are_rewritten=self._tokens is not None and self._tokens.is_rewritten,
            completion=completion,
            message=_assistant(parsed),
            format_errors=parsed.errors,
            started_at=started_at,
            model_duration_s=time.monotonic() - clock,
        )
        self._account(completion, self._open.message)
        return self._open

    def judge(self, call: ToolCall) -> GuardDecision | None:
        """Let the guard look at a call before it is carried out; the turn keeps what it says."""
        if self.guard is None:
            return None
        decision = self.guard.judge(call)
        self._decisions.append(decision)
        return decision

    def observe(self, observations: Sequence[Message], *, duration_s: float = 0.0) -> None:
        """Record what the turn's calls caused; the messages become part of the conversation."""
        if self._open is None:
            raise ValueError("there is no turn to observe")
        turn = self._open.model_copy(
            update={
                "observations": tuple(observations),
                "guard_decisions": tuple(self._decisions),
                "tools_duration_s": duration_s,
            }
        )
        self._decisions = []
        self.messages += observations
        self._open = turn
        self._close_turn()

    def _close_turn(self) -> None:
        if self._open is None:
            return
        self._turns.append(self._open)
        self.tell(self._open)
        self._open = None

    def count_format(self, *, is_good: bool) -> None:
        """Note whether a turn could be acted on. Raises `LimitReached` after too many bad in a row."""
        self._num_bad_turns = 0 if is_good else self._num_bad_turns + 1
        if self._num_bad_turns >= self.limits.num_format_errors:
            raise LimitReached(Ending.FORMAT_LIMIT)

    def remaining_s(self) -> float:
        """Seconds until the time limit; never negative."""
        elapsed = time.monotonic() - self._started if self._started is not None else 0.0
        return max(0.0, self.limits.time_s - elapsed)

    def forgive(self, duration_s: float) -> None:
        """Leave seconds out of the time limit that were nobody's doing here, e.g. a wait for a slot."""
        if self._started is not None:
            self._started += duration_s
        for forgive in self._forgivers:
            forgive(duration_s)

    def forgive_also(self, forgive: Callable[[float], None]) -> None:
        """Tell somebody else who keeps a clock for this rollout, such as its gateway's session."""
        self._forgivers.append(forgive)

    def tell(self, turn: Turn) -> None:
        """Tell whoever watches of a turn that was not made here."""
        if self._on_turn is not None:
            self._on_turn(turn)

    def adopt(self, branches: Sequence[Trajectory]) -> None:
        """Take what an external agent's calls were captured as, in place of a conversation of ours."""
        self._branches = tuple(branches)

    def trajectories(self) -> tuple[Trajectory, ...]:
        """Return every branch of what was said, the one with the most turns first."""
        if not self._branches:
            return (self.trajectory(),)
        return tuple(sorted(self._branches, key=lambda it: -len(it.turns)))

    def trajectory(self) -> Trajectory:
        """Return everything recorded so far, a turn that was never observed included."""
        if self._branches:
            return self.trajectories()[0]
        turns = (*self._turns, self._open) if self._open else tuple(self._turns)
        return Trajectory(
            scaffold=self.scaffold,
            model=self.model.name,
            template=self.template.name if self.template else "",
            tools=self._tools,
            turns=turns,
        )

    def _check_limits(self) -> None:
        limits = self.limits
        if len(self._turns) >= limits.num_turns:
            raise LimitReached(Ending.TURN_LIMIT)
        if self.num_completion_tokens >= limits.num_tokens:
            raise LimitReached(Ending.TOKEN_LIMIT)
        if self.cost_usd >= limits.cost_usd:
            raise LimitReached(Ending.COST_LIMIT)
        if self.remaining_s() <= 0:
            raise LimitReached(Ending.TIME_LIMIT)

    def _allowed_sampling(self, prompt_delta: str) -> Sampling:
        """Lower `max_tokens` to what the limits leave, and add the template's stops."""
        room = self.limits.context_tokens - self._num_prompt_tokens(prompt_delta)
        if room <= 0:
            raise LimitReached(Ending.CONTEXT_OVERFLOW)
        left = self.limits.num_tokens - self.num_completion_tokens
        stops = self.template.stop if self.template else ()
        return self.sampling.model_copy(
            update={
                "max_tokens": min(self.sampling.max_tokens, left, room),
                "stop": tuple(dict.fromkeys((*self.sampling.stop, *stops))),
            }
        )

    def _num_prompt_tokens(self, prompt_delta: str) -> int:
        """Count; else what the model counted last time, and a guess at what has been added since."""
        if self._tokens is not None:
            return len(self._tokens.token_ids)
        last = self._turns[-1] if self._turns else None
        if last is None or (self._writer is not None and self._writer.is_rewritten):
            length = sum(len(message.content) for message in self.messages)
            return max(length, len(prompt_delta)) // _CHARACTERS_PER_TOKEN
        added = sum(len(message.content) for message in last.observations)
        known = last.completion.num_prompt_tokens + last.completion.num_completion_tokens
        return known + max(added, len(prompt_delta)) // _CHARACTERS_PER_TOKEN

    async def _extend_tokens(self, prompt_delta: str) -> tuple[int, ...]:
        if self._writer is None or self._tokens is None:
            return ()
        is_rewritten = self._writer.is_rewritten
        return await self._tokens.extend(self._writer.text, prompt_delta, is_rewritten=is_rewritten)

    async def _ask(self, sampling: Sampling) -> Completion:
        """Complete once it is this session's turn, and note which weights answered."""
        if self.gate is None:
            return await self._bounded(self._complete(sampling))
        async with self.gate() as version:
            completion = await self._bounded(self._complete(sampling))
        if not version:
            return completion
        return completion.model_copy(update={"model_version": version})

    async def _complete(self, sampling: Sampling) -> Completion:
        prompt = Prompt(
            messages=tuple(self.messages),
            tools=self._tools,
            text=self._writer.text if self._writer else None,
            token_ids=self._tokens.token_ids if self._tokens else None,
        )
        completion = await self.model.complete(prompt, sampling)
        # What is recorded must fit a file, and what is carried out a command line.
        if completion.message is None and not completion.format_errors:
            return completion
        return Completion.model_validate(mend(completion.model_dump()))

    async def _bounded(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Await the model; the end of the time or of its context ends the conversation."""
        try:
            async with asyncio.timeout(self.remaining_s()):
                return await work
        except TimeoutError:
            raise LimitReached(Ending.TIME_LIMIT) from None
        except ContextOverflowError:
            raise LimitReached(Ending.CONTEXT_OVERFLOW) from None

    def _read(self, completion: Completion) -> ParsedTurn:
        """Read a completion's text or take its message; a turn that was cut off calls nothing."""
        message = completion.message
        if message is not None:
            parsed = ParsedTurn(
                content=message.content,
                reasoning=message.reasoning,
                calls=message.tool_calls,
                errors=completion.format_errors,
            )
        elif self.template is not None:
            read = self.template.parse(completion.text, self._tools)
            parsed = ParsedTurn.model_validate(mend(read.model_dump()))
        else:
            raise AttributedError("model_refused", "the answer holds neither message nor text")
        if completion.finish_reason != "length":
            return parsed
        end = len(completion.text)
        cut = FormatError(
            kind="cut_off", message="the turn was cut off at the token limit", start=end, end=end
        )
        return parsed.model_copy(update={"calls": (), "errors": (*parsed.errors, cut)})

    def _account(self, completion: Completion, message: Message) -> None:
        self.messages.append(message)
        self.num_completion_tokens += completion.num_completion_tokens
        self.cost_usd += completion.cost_usd
        if self._writer is not None:
            self._writer.take_completion(completion.text)
        if self._tokens is not None:
            self._tokens.take_completion(completion)


def _assistant(parsed: ParsedTurn) -> Message:
    return Message(
        role="assistant",
        content=parsed.content,
        reasoning=parsed.reasoning,
        tool_calls=parsed.calls,
    )
