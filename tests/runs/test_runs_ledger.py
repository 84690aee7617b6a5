import sqlite3

import pytest

from journeyman.errors import JourneymanError
from journeyman.runs import Ledger
from journeyman.types import Failure

LOST = Failure(cause="worker_lost")


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.enrol([("b.0", "b"), ("a.0", "a")], "rollout")
    yield ledger
    ledger.close()


def take(ledger, rollout_id="a.0", stage="rollout", duration_s=60.0):
    lease = ledger.lease(rollout_id, stage, owner="me", duration_s=duration_s)
    assert lease is not None
    return lease


def owed(ledger):
    return [(row.rollout_id, row.stage) for row in ledger.owed()]


def test_what_is_enrolled_is_owed_in_its_order(ledger):
    assert owed(ledger) == [("b.0", "rollout"), ("a.0", "rollout")]


def test_enrolling_again_changes_nothing(ledger):
    ledger.complete(take(ledger), "{}", next_stage="evaluation")
    ledger.enrol([("b.0", "b"), ("a.0", "a")], "rollout")
    assert owed(ledger) == [("b.0", "rollout"), ("a.0", "evaluation")]


def test_a_stage_is_leased_once(ledger):
    assert take(ledger).token == 1
    assert ledger.lease("a.0", "rollout", owner="other", duration_s=60) is None
    assert ledger.lease("nobody", "rollout", owner="other", duration_s=60) is None


def test_a_finished_stage_owes_the_next(ledger):
    ledger.complete(take(ledger), "one", next_stage="post")
    ledger.complete(take(ledger, stage="post"), "two", record='{"x":1}')
    assert ledger.outcome("a.0", "rollout").text == "one"
    assert ledger.records() == {"b.0": None, "a.0": '{"x":1}'}
    assert ledger.counts() == {"rollout": {"owed": 1, "done": 1}, "post": {"done": 1}}


def test_a_late_result_is_evidence_and_never_the_answer(ledger):
    old = take(ledger, duration_s=-1)
    assert ledger.reclaim(LOST) == [old]
    new = take(ledger)
    assert new.token == 2
    assert not ledger.complete(old, "late", record="late")
    assert ledger.complete(new, "right", record="right")
    assert not ledger.fail(old, Failure(cause="model_timeout"))
    assert ledger.outcome("a.0", "rollout").text == "right"
    assert ledger.records()["a.0"] == "right"
    late = ledger.events("late_result")
    assert [row[2] for row in late] == ["a.0", "a.0"]
    assert '"late"' in late[0][3]
    assert [row.outcome for row in ledger.attempts("a.0")] == ["failed", "succeeded"]


def test_only_leases_that_ran_out_are_reclaimed(ledger):
    take(ledger, "a.0", duration_s=60)
    dead = take(ledger, "b.0", duration_s=-1)
    assert ledger.reclaim(LOST) == [dead]
    assert [lease.rollout_id for lease in ledger.leased()] == ["a.0"]
    assert len(ledger.reclaim(LOST, is_everything=True)) == 1


def test_a_renewed_lease_is_not_reclaimed(ledger):
    lease = take(ledger, duration_s=-1)
    assert ledger.renew(lease, 60)
    assert ledger.reclaim(LOST) == []
    ledger.complete(lease, "{}")
    assert not ledger.renew(lease, 60)


def test_failures_are_counted_by_cause_and_owed_again(ledger):
    for _ in range(2):
        ledger.fail(take(ledger), Failure(cause="model_timeout", detail="60 s"), retry_at=5.0)
    assert ledger.failures("a.0", "rollout") == {"model_timeout": 2}
    assert ledger.owed()[1].ready_at == 5.0
    ledger.fail(take(ledger), Failure(cause="task_broken"), next_stage="post")
    assert ("a.0", "post") in owed(ledger)
    outcome = ledger.outcome("a.0", "rollout")
    assert not outcome.is_done
    assert outcome.text == Failure(cause="task_broken").model_dump_json()


def test_attempts_cannot_be_deleted_or_ended_twice(ledger, tmp_path):
    ledger.complete(take(ledger), "{}")
    base = sqlite3.connect(tmp_path / "ledger.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        base.execute("DELETE FROM attempt")
    with pytest.raises(sqlite3.IntegrityError, match="ends once"):
        base.execute("UPDATE attempt SET outcome = 'failed'")
    base.close()


def test_a_transaction_that_breaks_leaves_nothing(ledger):
    with pytest.raises(sqlite3.IntegrityError):
        ledger.enrol([("c.0", "c"), ("d.0", None)], "rollout")
    assert "c.0" not in ledger.records()
    assert take(ledger).token == 1


def test_sandboxes_are_remembered_until_closed(ledger):
    lease = take(ledger)
    ledger.open_sandbox("one", lease)
    ledger.open_sandbox("two", lease)
    ledger.close_sandbox("one")
    assert ledger.open_sandboxes() == ["two"]


def test_a_damaged_file_is_explained(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is not a database, not at all" * 100)
    with pytest.raises(JourneymanError, match="damaged"):
        Ledger(path)


def test_another_schema_is_refused(ledger, tmp_path):
    base = sqlite3.connect(tmp_path / "ledger.sqlite")
    with base:
        base.execute("UPDATE run SET value = '99' WHERE name = 'schema'")
    base.close()
    with pytest.raises(JourneymanError, match="schema 99"):
        Ledger(tmp_path / "ledger.sqlite")
