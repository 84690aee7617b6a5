"""One rollout as it leaves the machine: record and trajectories with secrets taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from journeyman.runs import read_trajectories
from journeyman.types import Rollout, Trajectory
from journeyman.web.exchange.redact import Redactor
from journeyman.web.reading import RunReader

__all__ = ["Leaving", "leaving_rollouts"]


@dataclass(frozen=True, slots=True)
class Leaving:
    """A rollout without its secrets."""

    rollout: Rollout
    branches: tuple[Trajectory, ...]
    """One, or one for each branch of the conversation, the main one first; none where none was kept."""
    is_redacted: bool
    """Whether anything was taken out; then its tokens are left out too, which spell the same text."""


def leaving_rollouts(run: RunReader, redactor: Redactor) -> Iterator[Leaving | str]:
    """Yield every rollout of a run; one that cannot be read gives its id instead."""
    for row in list(run.rows):
        record = run.record(str(row[1] or row[0])) or {}
        try:
            rollout = Rollout.model_validate(record)
            folder = run.artifacts(rollout.rollout_id)
            branches = read_trajectories(folder) if folder else []
        except ValidationError:
            yield str(row[0])
            continue
        yield _redact(rollout, branches, redactor)


def _redact(rollout: Rollout, branches: Sequence[Trajectory], redactor: Redactor) -> Leaving:
    before = redactor.counts.total()
    clean = Rollout.model_validate(redactor.value(rollout.model_dump(mode="json")))
    said = [
        Trajectory.model_validate(redactor.value(it.model_dump(mode="json"))) for it in branches
    ]
    is_redacted = redactor.counts.total() > before
    if is_redacted:
        said = [_without_tokens(it) for it in said]
    return Leaving(clean, tuple(said), is_redacted)


def _without_tokens(trajectory: Trajectory) -> Trajectory:
    none: tuple[int, ...] = ()
    turns = [
        turn.model_copy(
            update={
                "prompt_token_ids": none,
                "completion": turn.completion.model_copy(
                    update={"token_ids": none, "logprobs": none, "prompt_token_ids": none}
                ),
            }
        )
        for turn in trajectory.turns
    ]
    return trajectory.model_copy(update={"turns": tuple(turns)})
