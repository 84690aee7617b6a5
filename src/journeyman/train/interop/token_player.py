"""A model whose tokens a trainer's own server draws, and the one sequence that a rollout becomes.

The session renders prompts by a template of ours and keeps what was drawn as the tokens that it was:
nothing that the trainer drew is ever tokenised again.

    player = TokenPlayer(tokenizer, draw)               # draw: prompt tokens → drawn tokens
    attempt = Attempt(taskset, name, config, player)
    rollout = await attempt.run()
    sequence = sequence_of(attempt.trajectories[0])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.errors import ENDINGS, JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.models.stops import first_stop
from journeyman.tasks import Taskset
from journeyman.train.interop.attempt import Attempt
from journeyman.turns import token_runs
from journeyman.types import Completion, Prompt, Rollout, Sampling, Trajectory

__all__ = ["Drawn", "TokenPlayer", "TokenSequence", "play_tokens", "sequence_of"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a trainer's server drew; `logprobs` are parallel to `token_ids`, or empty."""

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] = ()
    is_cut: bool = False
    """Whether the limit of tokens ended it."""


Draw = Callable[[Sequence[int], Sampling], Awaitable[Drawn]]


class TokenPlayer:
    """Completes by `draw`; `tokenizer` is one of `transformers`, the policy's own."""

    reads_text = True

    def __init__(self, tokenizer: Any, draw: Draw, *, name: str = "policy") -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._draw = draw

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete `prompt.token_ids`, which the session keeps. Raises what `draw` raises."""
        assert prompt.token_ids is not None, "a session counts the tokens of who can tokenise"
        drawn = await self._draw(prompt.token_ids, sampling)
        whole = self._tokenizer.decode(list(drawn.token_ids), skip_special_tokens=False)
        at = first_stop(whole, self._stops(sampling))
        text = whole if at is None else whole[:at]
        return Completion(
            text=text,
            stop_text=whole[len(text) :],
            token_ids=drawn.token_ids,
            logprobs=drawn.logprobs,
            finish_reason="length" if drawn.is_cut and at is None else "stop",
            num_prompt_tokens=len(prompt.token_ids),
            num_completion_tokens=len(drawn.token_ids),
            prompt_token_ids=prompt.token_ids,
            model_version=self.name,
        )

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; the names of special tokens are read as those tokens."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=is_start))

    async def close(self) -> None:
        """The trainer's server stays open."""

    def stop_fields(self, sampling: Sampling) -> dict[str, Any]:
        """Return what vLLM is to stop at: tokens where a text is one, else the text."""
        parts = {it: self._tokenizer.encode(it, add_special_tokens=False) for it in sampling.stop}
        return {
            "stop_token_ids": [ids[0] for ids in parts.values() if len(ids) == 1],
            "stop": [text for text, ids in parts.items() if len(ids) != 1],
        }

    def _stops(self, sampling: Sampling) -> tuple[str, ...]:
        end = self._tokenizer.eos_token
        return (*sampling.stop, end) if end else sampling.stop


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """A rollout as trainers take it: a prompt, and a response of which parts were drawn."""

    prompt_ids: list[int]
    response_ids: list[int]
    is_drawn: list[int]
    """Parallel to `response_ids`: 1 for what the policy drew, 0 for what it was shown."""
    logprobs: list[float] | None
    """Parallel to `response_ids`, 0 for what was shown; None where a turn has none."""

    def cut(self, num_tokens: int) -> TokenSequence:
        """Return it with at most so many tokens of its response."""
        return TokenSequence(
            self.prompt_ids,
            self.response_ids[:num_tokens],
            self.is_drawn[:num_tokens],
            self.logprobs[:num_tokens] if self.logprobs is not None else None,
        )


def sequence_of(trajectory: Trajectory) -> TokenSequence:
    """Return a trajectory as one sequence.

    Raises `JourneymanError` for one without a turn, or whose template rewrote what came before: that is
    several sequences.
    """
    runs = token_runs(trajectory.turns)
    if len(runs) != 1:
        raise JourneymanError(
            f"{trajectory.template} made {len(runs)} sequences of a rollout; this trainer takes one",
            "use a template that appends, such as hermes",
        )
    first, *later = runs[0]
    response, is_drawn, logprobs = list[int](), list[int](), list[float]()
    for turn in (first, *later):
        shown = turn.prompt_token_ids if turn is not first else ()
        response += (*shown, *turn.completion.token_ids)
        is_drawn += [0] * len(shown) + [1] * len(turn.completion.token_ids)
        logprobs += (*([0.0] * len(shown)), *turn.completion.logprobs)
    known = logprobs if len(logprobs) == len(response) else None
    return TokenSequence(list(first.prompt_token_ids), response, is_drawn, known)


async def play_tokens(
    taskset: Taskset,
    instance_id: str,
    config: RolloutConfig,
    player: TokenPlayer,
    *,
    num_attempts: int = 3,
) -> tuple[Rollout, TokenSequence]:
    """Play and grade one rollout, again where the machine failed.

    Of an ending that is not the policy's doing (`errors.ENDINGS`) no token counts as drawn: it stays in
    the baseline and leaves the loss. Raises `RuntimeError` after so many failures: there is no reward.
    """
    for _ in range(num_attempts):
        attempt = Attempt(taskset, instance_id, config, player)
        rollout = await attempt.run()
        if rollout.reward is not None and rollout.reward.is_valid:
            sequence = sequence_of(attempt.trajectories[0])
            if not ENDINGS[rollout.ending].is_trained_on:
                silent = [0] * len(sequence.is_drawn)
                sequence = TokenSequence(
                    sequence.prompt_ids, sequence.response_ids, silent, sequence.logprobs
                )
            return rollout, sequence
    raise RuntimeError(f"{instance_id} was not graded: {rollout.failure}")
