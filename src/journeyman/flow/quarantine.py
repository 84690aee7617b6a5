"""Tasks that proved broken, so that the rest of their rollouts is not tried in vain.

if quarantine.consider(seat, failure, patch, finished):
    print(quarantine.verdict(seat.instance_id))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from journeyman.errors import FAILURES
from journeyman.flow.jobs import Seat
from journeyman.runs import Ledger
from journeyman.types import Failure, Rollout

__all__ = ["Quarantine"]

_EVENT = "quarantined"


class Quarantine:
    """One run's broken tasks; kept in its ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._failures: dict[str, Failure] = {}

    def recall(self, seats: Mapping[str, Seat]) -> None:
        """Take over what earlier drivers found."""
        for _, _, rollout_id, detail in self._ledger.events(_EVENT):
            if rollout_id in seats:
                failure = Failure.model_validate_json(detail)
                self._failures[seats[rollout_id].instance_id] = failure

    def verdict(self, instance_id: str) -> Failure | None:
        """Return why a task is in quarantine; None if it is not."""
        return self._failures.get(instance_id)

    def consider(
        self, seat: Seat, failure: Failure, patch: str, finished: Iterable[Rollout]
    ) -> bool:
        """Put a task in quarantine if a stage that was given up for `failure` condemns it.

        A verifier that fails may be a patch's doing, so that takes two rollouts with two patches.
        """
        rule = FAILURES[failure.cause]
        if rule.retry_budget != "data" or rule.who not in ("task", "verifier"):
            return False
        if seat.instance_id in self._failures:
            return False
        if rule.who == "verifier" and not _has_witness(seat, patch, finished):
            return False
        detail = f"{seat.instance_id} is in quarantine: {failure.detail}"
        condemned = Failure(cause=failure.cause, detail=detail)
        self._failures[seat.instance_id] = condemned
        self._ledger.note(_EVENT, seat.rollout_id, condemned.model_dump_json())
        return True


def _has_witness(seat: Seat, patch: str, finished: Iterable[Rollout]) -> bool:
    """Whether the verifier also failed on another patch for the same task."""
    return any(
        rollout.failure is not None
        and FAILURES[rollout.failure.cause].who == "verifier"
        and rollout.patch != patch
        for rollout in finished
        if rollout.instance_id == seat.instance_id
    )
