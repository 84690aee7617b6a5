"""One completion while it is drawn on this machine: tokens in, text out, until something ends it.

It knows nothing of tensors: whoever computes hands it one token after the other.

    row = Row(prompt, sampling, seed=7, decode=tokenizer.decode, ends=frozenset({2}), most=64)
    pieces = row.take(17, -0.25)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from journeyman.models.base import Piece
from journeyman.models.stops import first_stop, safe_end
from journeyman.types import Completion, Sampling

__all__ = ["GrowingText", "Row"]

_UNFINISHED = "\ufffd"

Decode = Callable[[Sequence[int]], str]


class GrowingText:
    """The text of a growing list of tokens, by whole characters."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._ids: list[int] = []
        # Tokens are decoded with those before them, on which white space may depend.
        self._context_start = 0
        self._shown_end = 0

    def add(self, token: int) -> str:
        """Take a token; return the text that has become certain."""
        self._ids.append(token)
        text = self._fresh()
        return "" if text.endswith(_UNFINISHED) else self._move(text)

    def flush(self) -> str:
        """Return what is left, half characters included."""
        return self._move(self._fresh())

    def _fresh(self) -> str:
        before = self._decode(self._ids[self._context_start : self._shown_end])
        return self._decode(self._ids[self._context_start :])[len(before) :]

    def _move(self, text: str) -> str:
        if text:
            self._context_start, self._shown_end = self._shown_end, len(self._ids)
        return text


@dataclass(eq=False, slots=True)
class Row:
    """A prompt, how it is to be completed, and the completion so far."""

    prompt: tuple[int, ...]
    sampling: Sampling
    seed: int
    decode: Decode
    ends: Collection[int]
    """Tokens that end a turn."""
    most: int
    """Tokens that fit, however many are asked for."""
    on_item: Callable[[Piece | Completion | Exception], None]
    """Receives the pieces, and the completion or an error last; called in the drawing thread."""
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    version: str = ""
    """Of the weights that draw it; set when it is let in."""
    is_cancelled: bool = False
    """Set by whoever does not want it any more."""
    state: Any = None
    """Whatever the computing side keeps with it."""
    chance: Random = field(init=False)
    _growing: GrowingText = field(init=False)
    _text: str = ""
    _num_shown: int = 0

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311
        self._growing = GrowingText(self.decode)

    def take(self, token: int, logprob: float) -> tuple[Piece, Completion | None]:
        """Take a drawn token; return what may be shown, and the completion if it was the last."""
        self.token_ids.append(token)
        self.logprobs.append(logprob)
        if token in self.ends:
            self._text += self._growing.flush()
            return self._ended(self._stop_at(), self.decode((token,)), token, logprob)
        self._text += self._growing.add(token)
        stop_at = self._stop_at()
        if stop_at is not None or len(self.token_ids) >= self.most:
            return self._ended(stop_at, None, token, logprob)
        return self._shown(safe_end(self._text, self.sampling.stop), token, logprob), None

    def _stop_at(self) -> int | None:
        return first_stop(self._text, self.sampling.stop, self._num_shown)

    def _ended(
        self, stop_at: int | None, end_text: str | None, token: int, logprob: float
    ) -> tuple[Piece, Completion]:
        is_stopped = stop_at is not None or end_text is not None
        end = len(self._text) if stop_at is None else stop_at
        stop_text = self._text[end:] + (end_text or "")
        piece = self._shown(end, token, logprob)
        return piece, self._completion(end, stop_text, "stop" if is_stopped else "length")

    def _shown(self, end: int, token: int, logprob: float) -> Piece:
        text = self._text[self._num_shown : max(end, self._num_shown)]
        self._num_shown += len(text)
        return Piece(text, (token,), (logprob,))

    def _completion(
        self, end: int, stop_text: str, reason: Literal["stop", "length"]
    ) -> Completion:
        return Completion(
            text=self._text[:end],
            token_ids=tuple(self.token_ids),
            logprobs=tuple(self.logprobs),
            finish_reason=reason,
            stop_text=stop_text,
            num_prompt_tokens=len(self.prompt),
            num_completion_tokens=len(self.token_ids),
            prompt_token_ids=self.prompt,
            model_version=self.version,
        )
