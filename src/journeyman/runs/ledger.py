"""The ledger: which stages of which rollouts are owed, leased and done, and every attempt at them.

One SQLite file in the run folder. A stage is worked on under a lease with a fencing token: only the
holder of the newest token can end it, and what an older one brings late is kept as an event, never
as the answer. Attempts are only ever added. It is not where big things lie: those are artifacts.

    ledger.enrol([("a.oracle.bash.0", "a.oracle.bash")], "rollout")
    lease = ledger.lease("a.oracle.bash.0", "rollout", owner="me", duration_s=60)
    ledger.complete(lease, "{}", next_stage="evaluation")
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.runs.schema import SETTINGS, TABLES, TRIGGERS, VERSION
from journeyman.types import Failure

__all__ = ["Attempt", "Lease", "Ledger", "Outcome", "Owed"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to end one stage of one rollout, as long as `token` is the newest."""

    rollout_id: str
    stage: str
    token: int
    """Counts the attempts at this stage, from 1."""
    owner: str


@dataclass(frozen=True, slots=True)
class Owed:
    """One stage that somebody should work on, not before `ready_at` (Unix time)."""

    rollout_id: str
    group_id: str
    stage: str
    ready_at: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended."""

    is_done: bool
    """False if it was given up."""
    text: str
    """Its result, or its failure as JSON."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of history."""

    rollout_id: str
    stage: str
    token: int
    owner: str
    started_at: float
    ended_at: float | None
    outcome: str
    """`running`, `succeeded` or `failed`."""
    cause: str
    detail: str
    evidence: str


class Ledger:
    """The open ledger file of one run. Every call is one short transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._base = sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            raise _explain(path, error) from error
        try:
            for statement in (*SETTINGS, *TABLES, *TRIGGERS):
                self._base.execute(statement)
            self._check_version()
        except sqlite3.Error as error:
            self._base.close()
            raise _explain(path, error) from error
        except JourneymanError:
            self._base.close()
            raise

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._base.close()

    # --- writing ---------------------------------------------------------------------------

    def enrol(self, rollouts: Iterable[tuple[str, str]], first_stage: str) -> None:
        """Add `(rollout_id, group_id)` pairs, each owing its first stage; known ones stay as is."""
        rows = [(*pair, position) for position, pair in enumerate(rollouts)]
        stages = [(row[0], first_stage) for row in rows]
        with self._transaction() as base:
            base.executemany(
                "INSERT INTO rollout (rollout_id, group_id, position) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                rows,
            )
            base.executemany(
                "INSERT INTO stage (rollout_id, stage, state, token, ready_at)"
                " VALUES (?, ?, 'owed', 0, 0) ON CONFLICT DO NOTHING",
                stages,
            )

    def lease(self, rollout_id: str, stage: str, *, owner: str, duration_s: float) -> Lease | None:
        """Take an owed stage and begin an attempt; None if it is not owed."""
        now = time.time()
        with self._transaction() as base:
            row = base.execute(
                "UPDATE stage SET state = 'leased', token = token + 1"
                " WHERE rollout_id = ? AND stage = ? AND state = 'owed' RETURNING token",
                (rollout_id, stage),
            ).fetchone()
            if row is None:
                return None
            key = (rollout_id, stage, row[0], owner)
            base.execute("INSERT INTO lease VALUES (?, ?, ?, ?, ?)", (*key, now + duration_s))
            base.execute(
                "INSERT INTO attempt (rollout_id, stage, token, owner, started_at, outcome)"
                " VALUES (?, ?, ?, ?, ?, 'running')",
                (*key, now),
            )
        return Lease(*key)

    def renew(self, lease: Lease, duration_s: float) -> bool:
        """Move a lease's end; False if it is no longer held."""
        with self._transaction() as base:
            done = base.execute(
                "UPDATE lease SET expires_at = ? WHERE rollout_id = ? AND stage = ? AND token = ?",
                (time.time() + duration_s, lease.rollout_id, lease.stage, lease.token),
            )
            return done.rowcount == 1

    def complete(
        self, lease: Lease, result: str, *, next_stage: str = "", record: str | None = None
    ) -> bool:
        """End a stage well and owe the next one, if any; `record` is the rollout's final answer.

        False if the lease is stale: then `result` is only kept as an event.
        """
        with self._transaction() as base:
            if not self._end(lease, "done", result):
                return False
            self._end_attempt(lease, "succeeded", Failure(cause=""), "")
            if next_stage:
                self._owe(lease.rollout_id, next_stage)
            if record is not None:
                base.execute(
                    "UPDATE rollout SET record = ? WHERE rollout_id = ?",
                    (record, lease.rollout_id),
                )
            return True

    def fail(
        self,
        lease: Lease,
        failure: Failure,
        *,
        retry_at: float | None = None,
        next_stage: str = "",
        evidence: str = "",
    ) -> bool:
        """End an attempt badly: owed again at `retry_at`, or given up with `next_stage` owed.

        False if the lease is stale: then the failure is only kept as an event.
        """
        state = "failed" if retry_at is None else "owed"
        with self._transaction():
            if not self._end(lease, state, failure.model_dump_json(), retry_at or 0.0):
                return False
            self._end_attempt(lease, "failed", failure, evidence)
            if retry_at is None and next_stage:
                self._owe(lease.rollout_id, next_stage)
            return True

    def reclaim(self, failure: Failure, *, is_everything: bool = False) -> list[Lease]:
        """Take back leases that have run out, or all of them; their stages are owed again.

        A driver that holds the run's lock knows that every lease it finds is a dead one's.
        """
        limit = float("inf") if is_everything else time.time()
        with self._transaction() as base:
            rows = base.execute(
                "SELECT rollout_id, stage, token, owner FROM lease WHERE expires_at <= ?", (limit,)
            ).fetchall()
            leases = [Lease(*row) for row in rows]
            for lease in leases:
                self._end(lease, "owed", None)
                self._end_attempt(lease, "failed", failure, "")
        return leases

    def adopt(self, rollout_id: str, record: str) -> None:
        """Take a final record from `rollouts.jsonl` that the ledger lost with the power."""
        with self._transaction() as base:
            base.execute("DELETE FROM lease WHERE rollout_id = ?", (rollout_id,))
            base.execute("UPDATE stage SET state = 'done' WHERE rollout_id = ?", (rollout_id,))
            base.execute("UPDATE rollout SET record = ? WHERE rollout_id = ?", (record, rollout_id))

    def note(self, kind: str, rollout_id: str = "", detail: str = "") -> None:
        """Add one event."""
        with self._transaction() as base:
            base.execute(
                "INSERT INTO event VALUES (?, ?, ?, ?)", (time.time(), kind, rollout_id, detail)
            )

    def open_sandbox(self, name: str, lease: Lease) -> None:
        """Remember a sandbox before it exists, so that whoever comes later knows of it."""
        with self._transaction() as base:
            base.execute(
                "INSERT INTO sandbox VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
                (name, lease.rollout_id, lease.stage, lease.token, time.time()),
            )

    def close_sandbox(self, name: str) -> None:
        """Remember that a sandbox is gone."""
        with self._transaction() as base:
            base.execute("UPDATE sandbox SET closed_at = ? WHERE name = ?", (time.time(), name))

    def add_artifact(self, lease: Lease, path: str, digest: str, size_bytes: int) -> None:
        """Remember a file that an attempt wrote; `path` is relative to the run folder."""
        with self._transaction() as base:
            base.execute(
                "INSERT INTO artifact VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (rollout_id, token, path) DO UPDATE"
                " SET digest = excluded.digest, size_bytes = excluded.size_bytes",
                (lease.rollout_id, lease.token, path, digest, size_bytes),
            )

    # --- reading ---------------------------------------------------------------------------

    def owed(self, rollout_ids: Iterable[str] | None = None) -> list[Owed]:
        """Return every stage that waits for somebody, or those of some rollouts, by enrolment."""
        select = (
            "SELECT stage.rollout_id, group_id, stage, ready_at FROM stage"
            " JOIN rollout USING (rollout_id) WHERE state = 'owed'"
        )
        if rollout_ids is None:
            return [Owed(*row) for row in self._read(f"{select} ORDER BY position, stage")]
        found = []
        for rollout_id in rollout_ids:
            found += self._read(f"{select} AND stage.rollout_id = ?", (rollout_id,))
        return [Owed(*row) for row in found]

    def record(self, rollout_id: str) -> str | None:
        """Return one rollout's final record; None where it has none."""
        rows = self._read("SELECT record FROM rollout WHERE rollout_id = ?", (rollout_id,))
        return rows[0][0] if rows else None

    def leased(self) -> list[Lease]:
        """Return every lease that is held."""
        return [
            Lease(*row) for row in self._read("SELECT rollout_id, stage, token, owner FROM lease")
        ]

    def outcome(self, rollout_id: str, stage: str) -> Outcome | None:
        """Return how a stage ended; None if it has not."""
        rows = self._read(
            "SELECT state, result FROM stage WHERE rollout_id = ? AND stage = ?"
            " AND state IN ('done', 'failed')",
            (rollout_id, stage),
        )
        return Outcome(rows[0][0] == "done", rows[0][1] or "") if rows else None

    def records(self) -> dict[str, str | None]:
        """Return each rollout's final record, None where it is not finished, by enrolment."""
        return dict(self._read("SELECT rollout_id, record FROM rollout ORDER BY position"))

    def counts(self) -> dict[str, Counter[str]]:
        """Return how many rollouts are in each state, by stage."""
        counted: dict[str, Counter[str]] = {}
        for stage, state, number in self._read(
            "SELECT stage, state, COUNT(*) FROM stage GROUP BY stage, state"
        ):
            counted.setdefault(stage, Counter())[state] = number
        return counted

    def attempts(self, rollout_id: str, stage: str | None = None) -> list[Attempt]:
        """Return the history of one rollout, or of one of its stages, oldest first."""
        rows = self._read(
            "SELECT * FROM attempt WHERE rollout_id = ? AND (? IS NULL OR stage = ?)"
            " ORDER BY started_at, token",
            (rollout_id, stage, stage),
        )
        return [Attempt(*row) for row in rows]

    def failures(self, rollout_id: str, stage: str) -> Counter[str]:
        """Count the failed attempts at one stage by cause: what its budgets have left."""
        return Counter(
            attempt.cause
            for attempt in self.attempts(rollout_id, stage)
            if attempt.outcome == "failed"
        )

    def events(self, kind: str | None = None) -> list[tuple[float, str, str, str]]:
        """Return `(at, kind, rollout_id, detail)` of every event, or of one kind."""
        return self._read(
            "SELECT * FROM event WHERE (? IS NULL OR kind = ?) ORDER BY at", (kind, kind)
        )

    def open_sandboxes(self) -> list[str]:
        """Return the names of sandboxes that nobody has closed."""
        return [row[0] for row in self._read("SELECT name FROM sandbox WHERE closed_at IS NULL")]

    # --- inside ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise _explain(self.path, error) from error

    def _read(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        try:
            return self._base.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _explain(self.path, error) from error

    def _end(self, lease: Lease, state: str, result: str | None, ready_at: float = 0.0) -> bool:
        """Drop the lease and set its stage's state, or keep the late result as an event."""
        key = (lease.rollout_id, lease.stage, lease.token)
        held = self._base.execute(
            "DELETE FROM lease WHERE rollout_id = ? AND stage = ? AND token = ?", key
        )
        if held.rowcount != 1:
            detail = json.dumps({"stage": lease.stage, "token": lease.token, "result": result})
            self._base.execute(
                "INSERT INTO event VALUES (?, 'late_result', ?, ?)",
                (time.time(), lease.rollout_id, detail),
            )
            return False
        self._base.execute(
            "UPDATE stage SET state = ?, result = ?, ready_at = ?"
            " WHERE rollout_id = ? AND stage = ? AND token = ?",
            (state, None if state == "owed" else result, ready_at, *key),
        )
        return True

    def _end_attempt(self, lease: Lease, outcome: str, failure: Failure, evidence: str) -> None:
        self._base.execute(
            "UPDATE attempt SET outcome = ?, ended_at = ?, cause = ?, detail = ?, evidence = ?"
            " WHERE rollout_id = ? AND stage = ? AND token = ? AND outcome = 'running'",
            (
                outcome,
                time.time(),
                failure.cause,
                failure.detail,
                evidence,
                lease.rollout_id,
                lease.stage,
                lease.token,
            ),
        )

    def _owe(self, rollout_id: str, stage: str) -> None:
        self._base.execute(
            "INSERT INTO stage (rollout_id, stage, state, token, ready_at)"
            " VALUES (?, ?, 'owed', 0, 0) ON CONFLICT DO NOTHING",
            (rollout_id, stage),
        )

    def _check_version(self) -> None:
        self._base.execute(
            "INSERT INTO run VALUES ('schema', ?) ON CONFLICT DO NOTHING", (str(VERSION),)
        )
        found = self._read("SELECT value FROM run WHERE name = 'schema'")[0][0]
        if found != str(VERSION):
            raise JourneymanError(
                f"{self.path} was written by another version of Journeyman (schema {found})",
                "read it with that version, or start a run under another name",
            )


def _explain(path: Path, error: sqlite3.Error) -> JourneymanError:
    text = str(error)
    if "full" in text:
        hint = "free some space, then give the same command with --resume"
        return JourneymanError(f"no space left on the disk that holds {path}", hint)
    if "malformed" in text or "not a database" in text:
        hint = "start a run under another name; rollouts.jsonl still holds what was finished"
        return JourneymanError(f"{path} is damaged: {text}", hint)
    return JourneymanError(f"cannot use {path}: {text}", "choose a folder that you may write to")
