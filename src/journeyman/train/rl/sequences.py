"""From graded rollouts to what the policy gradient needs, token by token and never tokenised again.

    for sequence in policy_sequences(rollout, trajectory, advantage=0.5, penalty_weight=1.0,
        offsets=...): ...

One rollout has one advantage. Where it became several sequences, because its template rewrote the
past or its agent branched, all of them carry that advantage and each counts 1/K.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch

from journeyman.errors import JourneymanError
from journeyman.train.rl.format_penalty import malformed_tokens, penalise
from journeyman.turns import token_runs
from journeyman.types import Rollout, Trajectory, Turn

__all__ = ["Offsets", "PolicySequence", "policy_sequences"]

Offsets = Callable[[Sequence[int], str], list[tuple[int, int]]]
"""From drawn tokens and their text to first and one past the last character of each."""


@dataclass(frozen=True, slots=True)
class PolicySequence:
    """Parallel arrays of one sequence's tokens, and whose it is."""

    rollout_id: str
    group_id: str
    token_ids: array[int] = field(default_factory=lambda: array("i"))
    is_drawn: bytearray = field(default_factory=bytearray)
    """1 for a token that the policy drew, 0 for prompts and observations."""
    logprobs: array[float] = field(default_factory=lambda: array("f"))
    """The sampler's, 0 where nothing was drawn."""
    advantages: array[float] = field(default_factory=lambda: array("f"))
    """After the penalty on malformed calls; 0 where nothing was drawn."""
    share: float = 1.0
    """1/K of the rollout's K sequences."""
    versions: tuple[str, ...] = ()
    """Of the policy, for each turn."""

    def __len__(self) -> int:
        return len(self.token_ids)


def policy_sequences(
    rollout: Rollout,
    trajectories: Sequence[Trajectory],
    *,
    advantage: float,
    penalty_weight: float = 0.0,
    offsets: Offsets | None = None,
) -> list[PolicySequence]:
    """Return the sequences of a rollout, each drawn token in exactly one of them.

    `trajectories` are its branches, one for an agent that does not branch. With `penalty_weight`,
    `offsets` places malformed calls on their tokens. Raises `JourneymanError` for a turn without
    tokens and log-probabilities.
    """
    found: list[PolicySequence] = []
    for trajectory in trajectories:
        found += _of_branch(rollout, trajectory, advantage, penalty_weight, offsets)
    return [replace(it, share=1.0 / len(found)) for it in found]


def _of_branch(
    rollout: Rollout,
    trajectory: Trajectory,
    advantage: float,
    penalty_weight: float,
    offsets: Offsets | None,
) -> list[PolicySequence]:
    for number, turn in enumerate(trajectory.turns, start=1):
        _check(turn, number, rollout)
    found = []
    for run in token_runs(trajectory.turns):
        versions = tuple(turn.completion.model_version for turn in run)
        sequence = PolicySequence(rollout.rollout_id, rollout.group_id, versions=versions)
        for turn in run:
            shaped = _turn_advantages(turn, advantage, penalty_weight, offsets)
            _extend(sequence, turn.prompt_token_ids, None, [0.0] * len(turn.prompt_token_ids))
            _extend(sequence, turn.completion.token_ids, turn.completion.logprobs, shaped)
        found.append(sequence)
    return [it for it in found if any(it.is_drawn)]


def _turn_advantages(
    turn: Turn, advantage: float, weight: float, offsets: Offsets | None
) -> list[float]:
    token_ids = turn.completion.token_ids
    plain = torch.full((len(token_ids),), float(advantage))
    if not weight or not turn.format_errors or offsets is None:
        return plain.tolist()
    marks = malformed_tokens(
        turn.format_errors,
        offsets(token_ids, turn.completion.text),
        was_cut=turn.completion.finish_reason == "length",
    )
    shaped: list[float] = penalise(plain, torch.tensor(marks), weight=weight).tolist()
    return shaped


def _extend(
    sequence: PolicySequence,
    token_ids: Sequence[int],
    logprobs: Sequence[float] | None,
    advantages: Sequence[float],
) -> None:
    sequence.token_ids.extend(token_ids)
    sequence.is_drawn.extend(bytes([logprobs is not None]) * len(token_ids))
    sequence.logprobs.extend(logprobs if logprobs is not None else [0.0] * len(token_ids))
    sequence.advantages.extend(advantages)


def _check(turn: Turn, number: int, rollout: Rollout) -> None:
    done = turn.completion
    if done.token_ids and len(done.token_ids) == len(done.logprobs):
        return
    raise JourneymanError(
        f"turn {number} of rollout {rollout.rollout_id} has no tokens with log-probabilities",
        "roll out with a model that tells them: hf:FOLDER, gguf:PATH, or a server that returns tokens",
    )
