"""One rollout as it leaves the machine: record and trajectory with secrets taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from journeyman.types import Rollout, Trajectory
from journeyman.web.exchange.redact import Redactor
from journeyman.web.reading import RunReader

__all__ = ["Leaving", "leaving_rollouts"]


@dataclass(frozen=True, slots=True)
class Leaving:
    """A rollout without its secrets."""

    rollout: Rollout
    trajectory: Trajectory | None
    is_redacted: bool
    """Whether anything was taken out; then its tokens are left out too, which spell the same text."""


def leaving_rollouts(run: RunReader, redactor: Redactor) -> Iterator[Leaving | str]:
    """Yield every rollout of a run; one that cannot be read gives its id instead."""
    for row in list(run.rows):
        record = run.record(str(row[1] or row[0])) or {}
        try:
            rollout = Rollout.model_validate(record)
            trajectory = _trajectory(run, rollout.rollout_id)
        except ValidationError:
            yield str(row[0])
            continue
        yield _redact(rollout, trajectory, redactor)


def _trajectory(run: RunReader, rollout_id: str) -> Trajectory | None:
    folder = run.artifacts(rollout_id)
    path = folder / "trajectory.json" if folder else None
    if path is None or not path.is_file():
        return None
    return Trajectory.model_validate_json(path.read_bytes())


def _redact(rollout: Rollout, trajectory: Trajectory | None, redactor: Redactor) -> Leaving:
    before = redactor.counts.total()
    clean = Rollout.model_validate(redactor.value(rollout.model_dump(mode="json")))
    said = trajectory
    if trajectory is not None:
        said = Trajectory.model_validate(redactor.value(trajectory.model_dump(mode="json")))
    is_redacted = redactor.counts.total() > before
    if is_redacted and said is not None:
        said = _without_tokens(said)
    return Leaving(clean, said, is_redacted)


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
