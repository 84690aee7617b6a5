"""The ledger: which stages of which rollouts are owed, leased and done, and every attempt at them.

One SQLite file in the run folder. A stage is worked on under a lease with a fencing token: only the
holder of the newest token can end it, and what an older one brings late is kept as an event, never
as the answer. Attempts are only ever added. It is not where big things lie: those are artifacts.

    ledger.enrol([("a.oracle.bash.0", "a.oracle.bash")], "rollout")
    lease = ledger.lease("a.oracle.bash.0", "rollout", owner="me", duration_s=60)
    ledger.complete(lease, "{}", next_stage="evaluation")
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.runs.database import Database, SqliteDatabase, Statements
from journeyman.runs.schema import VERSION
from journeyman.runs.stage import Attempt, Lease, Outcome, Owed
from journeyman.types import Failure

__all__ = ["Ledger"]


class Ledger:
    """The open ledger of one run. Every call is one short transaction."""

    def __init__(self, place: Path | Database) -> None:
        self._base = SqliteDatabase(place) if isinstance(place, Path) else place
        try:
            self._check_version()
        except JourneymanError:
            self._base.close()
            raise

    @property
    def is_shared(self) -> bool:
        """Whether drivers on several hosts may write it at once."""
        return self._base.is_shared

    def close(self) -> None:
        """Close it. Safe to call twice."""
        self._base.close()

    def now(self) -> float:
        """Return the Unix time by the clock that all who write this ledger share."""
        return self._base.now()

    # --- writing ---------------------------------------------------------------------------

    def remember(self, name: str, value: str) -> str:
        """Keep a value of the run, unless there is one already; return the one that is kept."""
        with self._base.transaction() as base:
            base.execute("INSERT INTO run VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
        found: str = self._base.read("SELECT value FROM run WHERE name = ?", (name,))[0][0]
        return found

    def enrol(self, rollouts: Iterable[tuple[str, str]], first_stage: str) -> None:
        """Add `(rollout_id, group_id)` pairs, each owing its first stage; known ones stay as is."""
        rows = [(*pair, position) for position, pair in enumerate(rollouts)]
        stages = [(row[0], first_stage) for row in rows]
        with self._base.transaction() as base:
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
        now = self._base.now()
        with self._base.transaction() as base:
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
        with self._base.transaction() as base:
            done = base.execute(
                "UPDATE lease SET expires_at = ? WHERE rollout_id = ? AND stage = ? AND token = ?",
                (self._base.now() + duration_s, lease.rollout_id, lease.stage, lease.token),
            )
            return bool(done.rowcount == 1)

    def complete(
        self, lease: Lease, result: str, *, next_stage: str = "", record: str | None = None
    ) -> bool:
        """End a stage well and owe the next one, if any; `record` is the rollout's final answer.

        False if the lease is stale: then `result` is only kept as an event.
        """
        with self._base.transaction() as base:
            if not self._end(base, lease, "done", result):
                return False
            self._end_attempt(base, lease, "succeeded", Failure(cause=""), "")
            if next_stage:
                self._owe(base, lease.rollout_id, next_stage)
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
        with self._base.transaction() as base:
            if not self._end(base, lease, state, failure.model_dump_json(), retry_at or 0.0):
                return False
            self._end_attempt(base, lease, "failed", failure, evidence)
            if retry_at is None and next_stage:
                self._owe(base, lease.rollout_id, next_stage)
            return True

    def renew_all(self, owner: str, duration_s: float) -> int:
        """Move the end of every lease of one owner, and return how many it holds."""
        with self._base.transaction() as base:
            until = self._base.now() + duration_s
            done = base.execute("UPDATE lease SET expires_at = ? WHERE owner = ?", (until, owner))
            return int(done.rowcount)

    def reclaim(
        self, failure: Failure, *, is_everything: bool = False, owner: str | None = None
    ) -> list[Lease]:
        """Take back leases that have run out, or all of them, or all of one owner's.

        Their stages are owed again. A driver that holds the run's lock knows that every lease it finds
        is a dead one's; in a shared ledger, that every lease of its own name is.
        """
        select = "SELECT rollout_id, stage, token, owner FROM lease"
        with self._base.transaction() as base:
            if is_everything:
                rows = base.execute(select).fetchall()
            elif owner is not None:
                rows = base.execute(f"{select} WHERE owner = ?", (owner,)).fetchall()
            else:
                now = self._base.now()
                rows = base.execute(f"{select} WHERE expires_at <= ?", (now,)).fetchall()
            leases = [
                lease
                for lease in (Lease(*row) for row in rows)
                if self._end(base, lease, "owed", None)
            ]
            for lease in leases:
                self._end_attempt(base, lease, "failed", failure, "")
        return leases

    def adopt(self, rollout_id: str, record: str) -> None:
        """Take a final record from `rollouts.jsonl` that the ledger lost with the power."""
        with self._base.transaction() as base:
            base.execute("DELETE FROM lease WHERE rollout_id = ?", (rollout_id,))
            base.execute("UPDATE stage SET state = 'done' WHERE rollout_id = ?", (rollout_id,))
            base.execute("UPDATE rollout SET record = ? WHERE rollout_id = ?", (record, rollout_id))

    def note(self, kind: str, rollout_id: str = "", detail: str = "") -> None:
        """Add one event."""
        with self._base.transaction() as base:
            base.execute(
                "INSERT INTO event VALUES (?, ?, ?, ?)",
                (self._base.now(), kind, rollout_id, detail),
            )

    def open_sandbox(self, name: str, lease: Lease) -> None:
        """Remember a sandbox before it exists, so that whoever comes later knows of it."""
        with self._base.transaction() as base:
            base.execute(
                "INSERT INTO sandbox VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
                (name, lease.rollout_id, lease.stage, lease.token, self._base.now()),
            )

    def close_sandbox(self, name: str) -> None:
        """Remember that a sandbox is gone."""
        with self._base.transaction() as base:
            base.execute(
                "UPDATE sandbox SET closed_at = ? WHERE name = ?", (self._base.now(), name)
            )

    def add_artifact(self, lease: Lease, path: str, digest: str, size_bytes: int) -> None:
        """Remember a file that an attempt wrote; `path` is relative to the run folder."""
        with self._base.transaction() as base:
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
            return [Owed(*row) for row in self._base.read(f"{select} ORDER BY position, stage")]
        found = []
        for rollout_id in rollout_ids:
            found += self._base.read(f"{select} AND stage.rollout_id = ?", (rollout_id,))
        return [Owed(*row) for row in found]

    def record(self, rollout_id: str) -> str | None:
        """Return one rollout's final record; None where it has none."""
        rows = self._base.read("SELECT record FROM rollout WHERE rollout_id = ?", (rollout_id,))
        return rows[0][0] if rows else None

    def leased(self) -> list[Lease]:
        """Return every lease that is held."""
        return [
            Lease(*row)
            for row in self._base.read("SELECT rollout_id, stage, token, owner FROM lease")
        ]

    def outcome(self, rollout_id: str, stage: str) -> Outcome | None:
        """Return how a stage ended; None if it has not."""
        rows = self._base.read(
            "SELECT state, result FROM stage WHERE rollout_id = ? AND stage = ?"
            " AND state IN ('done', 'failed')",
            (rollout_id, stage),
        )
        return Outcome(rows[0][0] == "done", rows[0][1] or "") if rows else None

    def records(self) -> dict[str, str | None]:
        """Return each rollout's final record, None where it is not finished, by enrolment."""
        return dict(self._base.read("SELECT rollout_id, record FROM rollout ORDER BY position"))

    def counts(self) -> dict[str, Counter[str]]:
        """Return how many rollouts are in each state, by stage."""
        counted: dict[str, Counter[str]] = {}
        for stage, state, number in self._base.read(
            "SELECT stage, state, COUNT(*) FROM stage GROUP BY stage, state"
        ):
            counted.setdefault(stage, Counter())[state] = number
        return counted

    def attempts(self, rollout_id: str, stage: str | None = None) -> list[Attempt]:
        """Return the history of one rollout, or of one of its stages, oldest first."""
        query, values = "SELECT * FROM attempt WHERE rollout_id = ?", [rollout_id]
        if stage is not None:
            query, values = f"{query} AND stage = ?", [*values, stage]
        rows = self._base.read(f"{query} ORDER BY started_at, token", values)
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
        if kind is None:
            return self._base.read("SELECT * FROM event ORDER BY at")
        return self._base.read("SELECT * FROM event WHERE kind = ? ORDER BY at", (kind,))

    def new_records(self, known: Container[str]) -> dict[str, str]:
        """Return the final records of rollouts that are not `known` yet."""
        names = self._base.read("SELECT rollout_id FROM rollout WHERE record IS NOT NULL")
        new = [name for (name,) in names if name not in known]
        return {name: text for name in new if (text := self.record(name)) is not None}

    def open_sandboxes(self) -> list[str]:
        """Return the names of sandboxes that nobody has closed."""
        return [
            row[0] for row in self._base.read("SELECT name FROM sandbox WHERE closed_at IS NULL")
        ]

    # --- inside ----------------------------------------------------------------------------

    def _end(
        self,
        base: Statements,
        lease: Lease,
        state: str,
        result: str | None,
        ready_at: float = 0.0,
    ) -> bool:
        """Drop the lease and set its stage's state, or keep the late result as an event."""
        key = (lease.rollout_id, lease.stage, lease.token)
        held = base.execute(
            "DELETE FROM lease WHERE rollout_id = ? AND stage = ? AND token = ?", key
        )
        if held.rowcount != 1:
            detail = json.dumps({"stage": lease.stage, "token": lease.token, "result": result})
            base.execute(
                "INSERT INTO event VALUES (?, 'late_result', ?, ?)",
                (self._base.now(), lease.rollout_id, detail),
            )
            return False
        base.execute(
            "UPDATE stage SET state = ?, result = ?, ready_at = ?"
            " WHERE rollout_id = ? AND stage = ? AND token = ?",
            (state, None if state == "owed" else result, ready_at, *key),
        )
        return True

    def _end_attempt(
        self, base: Statements, lease: Lease, outcome: str, failure: Failure, evidence: str
    ) -> None:
        base.execute(
            "UPDATE attempt SET outcome = ?, ended_at = ?, cause = ?, detail = ?, evidence = ?"
            " WHERE rollout_id = ? AND stage = ? AND token = ? AND outcome = 'running'",
            (
                outcome,
                self._base.now(),
                failure.cause,
                failure.detail,
                evidence,
                lease.rollout_id,
                lease.stage,
                lease.token,
            ),
        )

    def _owe(self, base: Statements, rollout_id: str, stage: str) -> None:
        base.execute(
            "INSERT INTO stage (rollout_id, stage, state, token, ready_at)"
            " VALUES (?, ?, 'owed', 0, 0) ON CONFLICT DO NOTHING",
            (rollout_id, stage),
        )

    def _check_version(self) -> None:
        found = self.remember("schema", str(VERSION))
        if found != str(VERSION):
            raise JourneymanError(
                f"{self._base.name} was written by another version of Journeyman (schema {found})",
                "read it with that version, or start a run under another name",
            )
