"""Computes for the drawing thread: prompts in parts, and one token a step for all rows at once.

B: rows; T: new tokens; V: vocabulary.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from journeyman.models.local_row import Row
from journeyman.models.local_settings import LocalSettings
from journeyman.models.threads import default_threads
from journeyman.models.torch_local.draw import draw
from journeyman.models.torch_local.slots import Slots

__all__ = ["Batch"]


@dataclass(slots=True)
class _State:
    """What is kept with a row."""

    cache: Slots | None
    """The row's own while its prompt is read."""
    num_read: int
    logits_V: Any = None
    """Behind the whole prompt, where they are known from an earlier row."""
    slot: int = -1


@dataclass(slots=True)
class _Prefix:
    """What was computed of an earlier row's tokens."""

    cache: Slots
    logits_V: Any
    """Behind the last of the tokens; None where they are not known."""


class Batch:
    """The rows that are drawn, and what earlier ones left behind."""

    def __init__(self, module: Any, settings: LocalSettings) -> None:
        self._module = module
        self._settings = settings
        self._slots = Slots(module.config, settings.num_slots)
        self._rows: list[Row] = []
        self._prefixes: OrderedDict[tuple[int, ...], _Prefix] = OrderedDict()
        self._num_bytes = 0
        self._has_threads = False

    @torch.inference_mode()
    def fill(self, row: Row, most: int) -> tuple[int, tuple[int, float] | None]:
        """Read at most so many tokens of a row's prompt.

        Returns how many were read and, once that is all, the first drawn token.
        """
        if row.state is None:
            row.state = self._begun(row.prompt)
        state, num_read = row.state, 0
        if state.logits_V is None:
            part = row.prompt[state.num_read : state.num_read + most]
            logits_V = self._forward(state.cache, [part])[0]
            num_read = len(part)
            state.num_read += num_read
            if state.num_read < len(row.prompt):
                return num_read, None
            state.logits_V = logits_V
            self._remember(row.prompt, _Prefix(state.cache, logits_V))
        tokens, logprobs = draw(state.logits_V[None], [row])
        return num_read, (tokens[0], logprobs[0])

    @torch.inference_mode()
    def join(self, row: Row) -> None:
        """Put a row whose first token is drawn into the batch."""
        row.state.slot = len(self._rows)
        self._slots.join(row.state.cache, len(row.prompt))
        row.state.cache = None
        self._rows.append(row)

    @torch.inference_mode()
    def step(self) -> list[tuple[Row, int, float]]:
        """Draw a token, with its log-probability, for every row of the batch."""
        logits_BV = self._forward(self._slots, [row.token_ids[-1:] for row in self._rows])
        return list(zip(self._rows, *draw(logits_BV, self._rows), strict=True))

    @torch.inference_mode()
    def leave(self, row: Row) -> None:
        """Take a row out, wherever it is; what was computed of it is kept for a while."""
        state, row.state = row.state, None
        if state is None or state.slot < 0:
            return
        # The last token was drawn, but not read.
        length = self._slots.lengths[state.slot]
        read = (*row.prompt, *row.token_ids)[:length]
        if self._settings.prefix_bytes:
            self._remember(read, _Prefix(self._slots.copied(state.slot, length), None))
        last = self._rows.pop()
        if last is not row:
            self._slots.move(last.state.slot, state.slot)
            self._rows[state.slot] = last
            last.state.slot = state.slot
        self._slots.drop_last()

    def forget(self) -> None:
        """Drop all that was computed with the weights so far; no row is under way."""
        self._prefixes.clear()
        self._num_bytes = 0

    # --- what was computed before -----------------------------------------------------------

    def _begun(self, prompt: tuple[int, ...]) -> _State:
        """Begin with the longest that an earlier row has in common with a prompt."""
        best, num_shared = None, 0
        for tokens, prefix in self._prefixes.items():
            num = _num_usable(tokens, prefix, prompt)
            if num > num_shared:
                best, num_shared = tokens, num
        if best is None:
            return _State(Slots(self._module.config, 1, lengths=(0,)), 0)
        self._prefixes.move_to_end(best)
        found = self._prefixes[best]
        if num_shared == len(prompt):
            return _State(found.cache, num_shared, found.logits_V)
        return _State(found.cache.copied(0, num_shared), num_shared)

    def _remember(self, tokens: tuple[int, ...], prefix: _Prefix) -> None:
        if tokens in self._prefixes:
            self._prefixes.move_to_end(tokens)
            return
        self._prefixes[tokens] = prefix
        self._num_bytes += prefix.cache.num_bytes
        while self._num_bytes > self._settings.prefix_bytes:
            _, oldest = self._prefixes.popitem(last=False)
            self._num_bytes -= oldest.cache.num_bytes

    # --- the network ------------------------------------------------------------------------

    def _forward(self, cache: Slots, parts: Sequence[Sequence[int]]) -> Any:
        """Read the next tokens of every row; return the logits behind the last of them: [B, V]."""
        self._take_threads()
        device = self._module.device
        ids_BT = torch.tensor([list(part) for part in parts], device=device)
        num_new = ids_BT.shape[1]
        cache.reserve(num_new)
        lengths_B = torch.tensor(cache.lengths, device=device)
        if self._module.training:
            self._module.eval()
        found = self._module(
            input_ids=ids_BT,
            attention_mask=cache.mask(num_new, device),
            position_ids=lengths_B[:, None] + torch.arange(num_new, device=device),
            past_key_values=cache.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache.advance(num_new)
        return found.logits[:, -1].float()

    def _take_threads(self) -> None:
        if not self._has_threads:
            # A setting of the thread that computes.
            torch.set_num_threads(self._settings.num_threads or default_threads())
            self._has_threads = True


def _num_usable(tokens: tuple[int, ...], prefix: _Prefix, prompt: tuple[int, ...]) -> int:
    """Return with how many of these tokens a prompt can begin."""
    num = _num_shared(tokens, prompt)
    is_whole = num == len(tokens)
    if num == len(prompt) and not (is_whole and prefix.logits_V is not None):
        # Something must be read for there to be logits.
        num, is_whole = num - 1, False
    return num if is_whole or not prefix.cache.is_recurrent else 0


def _num_shared(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Return how many tokens both begin with."""
    num = min(len(one), len(other))
    if one[:num] == other[:num]:
        return num
    return next(i for i in range(num) if one[i] != other[i])
