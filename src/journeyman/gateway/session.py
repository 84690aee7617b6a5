"""One session of a gateway: who is calling, what they may still use, and all that was said.

A rollout's key names its session; what it captured becomes its trajectories. Sessions share nothing.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import replace

from journeyman.errors import AttributedError
from journeyman.gateway.conversation import Conversations
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.request import ModelRequest
from journeyman.gateway.settings import GatewaySettings, Limits
from journeyman.guard import Guard
from journeyman.types import Ending, Message, Sampling

__all__ = ["Session", "Sessions"]

_NUM_ANSWERS = 1024


class Session:
    """The calls under one key."""

    def __init__(
        self,
        key: str,
        *,
        limits: Limits | None = None,
        sampling: Sampling | None = None,
        num_remembered: int | None = None,
        guard: Guard | None = None,
    ) -> None:
        self.key = key
        self.guard = guard
        """What judges every call before the client is told of it."""
        self.limits = limits or Limits()
        self.sampling = sampling
        """Temperature, nucleus and seed of every call, and the most tokens; a client's do not count."""
        self.is_captured = num_remembered is None
        """Whether every turn is kept."""
        self.conversations = Conversations(num_remembered=num_remembered)
        self.ending: Ending | None = None
        """The first limit that refused or ended a call."""
        self.num_started = 0
        """Calls admitted, those included that failed or were broken off."""
        self.num_turns = 0
        self.num_tokens = 0
        """Completion tokens of all whole turns."""
        self.num_broken_off = 0
        """Calls whose client went away."""
        self.num_failed = 0
        self.failure: AttributedError | None = None
        """What the model failed with, if no turn has succeeded since."""
        self._active_at = time.monotonic()
        self._answers: OrderedDict[str, tuple[Message, ...]] = OrderedDict()
        self._num_running = 0
        self._started: float | None = None

    def begin(self) -> None:
        """Admit a call. Raises `GatewayError` if a limit forbids it."""
        self._started = time.monotonic() if self._started is None else self._started
        self.check(num_running=self._num_running)
        self._num_running += 1
        self.num_started += 1

    def check(self, *, num_running: int = 0) -> None:
        """Raise `GatewayError` if a limit forbids one more turn."""
        limits = self.limits
        if limits.num_turns is not None and self.num_turns + num_running >= limits.num_turns:
            raise self._over(Ending.TURN_LIMIT, f"{limits.num_turns} turns")
        if self.num_tokens_left() == 0:
            raise self._over(Ending.TOKEN_LIMIT, f"{limits.num_tokens} completion tokens")
        if self.remaining_s() == 0:
            raise self.out_of_time()

    def end(self) -> None:
        """Release what `begin` took."""
        self._num_running -= 1
        self._active_at = time.monotonic()

    def count(self, num_tokens: int) -> None:
        """Account for a whole turn."""
        self.num_turns += 1
        self.num_tokens += num_tokens
        self.failure = None

    def fail(self, error: AttributedError) -> None:
        """Account for a call that the model failed."""
        self.num_failed += 1
        self.failure = error

    def forgive(self, duration_s: float) -> None:
        """Leave seconds out of the time limit that were nobody's doing here, e.g. a wait for a slot."""
        if self._started is not None:
            self._started += duration_s

    def idle_s(self) -> float:
        """Seconds since the last call ended, 0 while one is under way."""
        return 0.0 if self._num_running else time.monotonic() - self._active_at

    def continued(self, request: ModelRequest) -> ModelRequest:
        """Put the history in the place of the answer that stands for it. Raises `GatewayError`."""
        if not request.previous_id:
            return request
        known = self._answers.get(request.previous_id)
        if known is None:
            raise GatewayError(
                "not_found",
                f"no response {request.previous_id!r} is kept",
                param="previous_response_id",
            )
        first = request.num_leading
        messages = (*request.messages[:first], *known, *request.messages[first:])
        return replace(request, messages=messages)

    def keep(self, request: ModelRequest, shown: Message) -> None:
        """Keep an answer with its history, where the client may continue it by its identifier."""
        if request.answer_id:
            messages = (*request.messages[request.num_leading :], shown)
            self._answers[request.answer_id] = messages
            if len(self._answers) > _NUM_ANSWERS:
                self._answers.popitem(last=False)

    def remaining_s(self) -> float | None:
        """Seconds until the time limit, never negative; None without one."""
        if self.limits.time_s is None or self._started is None:
            return self.limits.time_s
        return max(0.0, self.limits.time_s - (time.monotonic() - self._started))

    def num_tokens_left(self) -> int | None:
        """Completion tokens that are left, never negative; None without a limit."""
        if self.limits.num_tokens is None:
            return None
        return max(0, self.limits.num_tokens - self.num_tokens)

    def out_of_time(self) -> GatewayError:
        """Note that the time limit has been reached, and say so."""
        return self._over(Ending.TIME_LIMIT, f"{self.limits.time_s:g} s")

    def _over(self, ending: Ending, limit: str) -> GatewayError:
        self.ending = self.ending or ending
        # Clients try again after 429 and 5xx; this will never succeed.
        return GatewayError(
            "forbidden", f"the session has used its {limit}", code=f"session_{ending.value}"
        )


class Sessions:
    """The sessions of one gateway by their keys."""

    def __init__(self, settings: GatewaySettings, *, keys: Collection[str] | None = None) -> None:
        self.keys = keys
        """Who may open a session by naming a key, besides those opened here; None lets all in."""
        self._settings = settings
        self._opened: dict[str, Session] = {}
        self._made: OrderedDict[str, Session] = OrderedDict()

    def open(
        self,
        key: str,
        *,
        limits: Limits | None = None,
        sampling: Sampling | None = None,
        guard: Guard | None = None,
    ) -> Session:
        """Open a session that is captured whole. Raises `ValueError` if `key` is taken."""
        if key in self._opened:
            raise ValueError(f"there is a session {key!r} already")
        self._opened[key] = Session(key, limits=limits, sampling=sampling, guard=guard)
        return self._opened[key]

    def close(self, key: str) -> Session:
        """Let nobody in under `key` any more, and return its session."""
        return self._opened.pop(key)

    def find(self, key: str) -> Session:
        """Return the session that a client's key names. Raises `GatewayError`."""
        session = self._opened.get(key) or self._made.get(key)
        if session is not None:
            if key in self._made:
                self._made.move_to_end(key)
            return session
        if self.keys is not None and key not in self.keys:
            raise GatewayError("unauthenticated", "no session has this key", code="invalid_api_key")
        session = Session(key, num_remembered=self._settings.num_remembered)
        self._made[key] = session
        if len(self._made) > self._settings.num_sessions:
            self._made.popitem(last=False)
        return session
