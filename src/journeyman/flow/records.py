"""What a run knows of its rollouts: what their stages left, and their final records.

The ledger is the truth; `rollouts.jsonl` is its copy for everybody else. Each finished rollout is
once in both, whatever moment a driver died at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.flow.jobs import AgentWork, JobResult, Seat, Stage
from journeyman.flow.plan import Plan
from journeyman.flow.reward import finish
from journeyman.runs import Lease, RunFolder, write_atomic
from journeyman.runs.storage import explain_storage
from journeyman.types import Failure, Rollout, Verdict

__all__ = ["Records"]


class Records:
    """The records of one run, for its driver alone."""

    def __init__(self, run: RunFolder, plan: Plan, scaffold: str) -> None:
        self._folder = run
        self._ledger = run.ledger
        self._plan = plan
        self._scaffold = scaffold
        self.finished: dict[str, Rollout] = {}
        """Final records by rollout id."""

    @property
    def in_order(self) -> list[Rollout]:
        """The final records in the order of the plan."""
        places = {seat.rollout_id: place for place, seat in enumerate(self._plan.seats)}
        last = len(places)
        return sorted(self.finished.values(), key=lambda it: places.get(it.rollout_id, last))

    def reconcile(self) -> None:
        """Bring ledger and `rollouts.jsonl` together: each finished rollout once in both."""
        owed = {seat.rollout_id for seat in self._plan.seats}
        lines = self._read_lines()
        for rollout_id, record in self._ledger.records().items():
            if record is not None:
                rollout = Rollout.model_validate_json(record)
                if rollout_id not in lines:
                    self._folder.append("rollouts", rollout)
            elif rollout_id in lines:
                rollout = lines[rollout_id]
                self._ledger.adopt(rollout_id, rollout.model_dump_json())
            else:
                continue
            if rollout_id in owed:
                self.finished[rollout_id] = rollout

    def recall(self, rollout_id: str) -> Rollout | None:
        """Return a final record that the ledger has, wherever it was made; None if there is none."""
        if rollout_id not in self.finished and (text := self._ledger.record(rollout_id)):
            self.finished[rollout_id] = Rollout.model_validate_json(text)
        return self.finished.get(rollout_id)

    def learn(self) -> list[Rollout]:
        """Take over what drivers on other hosts have finished meanwhile, and return it."""
        new = []
        for rollout_id, text in self._ledger.new_records(self.finished).items():
            rollout = self.finished[rollout_id] = Rollout.model_validate_json(text)
            self._folder.append("rollouts", rollout)
            new.append(rollout)
        return new

    def forget(self, rollout_ids: Iterable[str]) -> None:
        """Keep no more of these in memory than a report needs; they are on the disk."""
        for rollout_id in rollout_ids:
            if rollout := self.finished.get(rollout_id):
                verdict = rollout.verdict and rollout.verdict.model_copy(update={"tests": {}})
                slim = {"patch": "", "verdict": verdict}
                self.finished[rollout_id] = rollout.model_copy(update=slim)

    def work(self, seat: Seat) -> AgentWork | None:
        """Return what the agent left, if its stage is done."""
        if seat.rollout_id in self._plan.given:
            return self._plan.given[seat.rollout_id]
        outcome = self._ledger.outcome(seat.rollout_id, Stage.ROLLOUT)
        return AgentWork.model_validate_json(outcome.text) if outcome and outcome.is_done else None

    def save(self, result: JobResult, prefix: str, lease: Lease) -> None:
        """Write the files that a job left, in the folder `prefix` of its rollout's artifacts."""
        if not result.files:
            return
        folder = self._folder.artifacts(result.job.seat.rollout_id) / prefix
        with explain_storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for name, data in result.files.items():
            write_atomic(folder / name, data)

    def finish(self, seat: Seat, lease: Lease) -> Rollout | None:
        """Turn what the stages left into the final record, and write it once.

        None where the lease is stale: another driver has finished it.
        """
        verdict, failure = self._graded(seat)
        rollout = finish(
            seat,
            self._scaffold,
            work=self.work(seat),
            verdict=verdict,
            failure=failure,
            num_attempts=self._num_attempts(seat),
        )
        if not self._ledger.complete(lease, "", record=rollout.model_dump_json()):
            return None
        self._folder.append("rollouts", rollout)
        self.finished[seat.rollout_id] = rollout
        return rollout

    def _graded(self, seat: Seat) -> tuple[Verdict | None, Failure | None]:
        """Return the verdict, if any, and the failure of the stage that was given up, if any."""
        verdict = None
        for stage in (Stage.ROLLOUT, Stage.EVALUATION):
            outcome = self._ledger.outcome(seat.rollout_id, stage)
            if outcome is not None and not outcome.is_done:
                return None, Failure.model_validate_json(outcome.text)
            if outcome is not None and stage is Stage.EVALUATION:
                verdict = Verdict.model_validate_json(outcome.text)
        return verdict, None

    def _num_attempts(self, seat: Seat) -> int:
        stage = Stage.EVALUATION if seat.rollout_id in self._plan.given else Stage.ROLLOUT
        return len(self._ledger.attempts(seat.rollout_id, stage))

    def _read_lines(self) -> dict[str, Rollout]:
        path = self._folder.path / "rollouts.jsonl"
        lines = enumerate(self._folder.read("rollouts"), start=1)
        rollouts = [_rollout(f"{path}:{number}", line) for number, line in lines]
        return {rollout.rollout_id: rollout for rollout in rollouts}


def _rollout(where: str, record: Any) -> Rollout:
    try:
        return Rollout.model_validate_json(json.dumps(record))
    except ValidationError as error:
        reason = " ".join(str(error.errors()[0]["msg"]).split())
        raise JourneymanError(
            f"{where}: not a rollout: {reason}", "mend or remove that line"
        ) from None
