"""The ledger's tables, in the SQL that SQLite and PostgreSQL share, and SQLite's own settings."""

from __future__ import annotations

__all__ = ["POSTGRES_TRIGGERS", "SETTINGS", "TABLES", "TRIGGERS", "VERSION"]

VERSION = 1

SETTINGS = (
    # A commit in WAL with NORMAL writes no more than the log and waits for no disk: well under a
    # millisecond, so the event loop calls it directly. It survives the death of every process; a
    # loss of power takes back the last commits whole, and their work is owed again.
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA foreign_keys = ON",
)

TABLES = (
    """CREATE TABLE IF NOT EXISTS run (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS rollout (
        rollout_id TEXT PRIMARY KEY,
        group_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        record TEXT)""",
    """CREATE TABLE IF NOT EXISTS stage (
        rollout_id TEXT NOT NULL REFERENCES rollout (rollout_id),
        stage TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('owed', 'leased', 'done', 'failed')),
        token INTEGER NOT NULL,
        ready_at DOUBLE PRECISION NOT NULL,
        result TEXT,
        PRIMARY KEY (rollout_id, stage))""",
    "CREATE INDEX IF NOT EXISTS stage_by_state ON stage (state, ready_at)",
    """CREATE TABLE IF NOT EXISTS lease (
        rollout_id TEXT NOT NULL,
        stage TEXT NOT NULL,
        token INTEGER NOT NULL,
        owner TEXT NOT NULL,
        expires_at DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (rollout_id, stage),
        FOREIGN KEY (rollout_id, stage) REFERENCES stage (rollout_id, stage))""",
    """CREATE TABLE IF NOT EXISTS attempt (
        rollout_id TEXT NOT NULL,
        stage TEXT NOT NULL,
        token INTEGER NOT NULL,
        owner TEXT NOT NULL,
        started_at DOUBLE PRECISION NOT NULL,
        ended_at DOUBLE PRECISION,
        outcome TEXT NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed')),
        cause TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '',
        evidence TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (rollout_id, stage, token),
        FOREIGN KEY (rollout_id, stage) REFERENCES stage (rollout_id, stage))""",
    """CREATE TABLE IF NOT EXISTS event (
        at DOUBLE PRECISION NOT NULL,
        kind TEXT NOT NULL,
        rollout_id TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE IF NOT EXISTS sandbox (
        name TEXT PRIMARY KEY,
        rollout_id TEXT NOT NULL,
        stage TEXT NOT NULL,
        token INTEGER NOT NULL,
        created_at DOUBLE PRECISION NOT NULL,
        closed_at DOUBLE PRECISION)""",
    """CREATE TABLE IF NOT EXISTS artifact (
        rollout_id TEXT NOT NULL,
        token INTEGER NOT NULL,
        path TEXT NOT NULL,
        digest TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        PRIMARY KEY (rollout_id, token, path))""",
)

TRIGGERS = (
    """CREATE TRIGGER IF NOT EXISTS attempt_is_kept BEFORE DELETE ON attempt
        BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END""",
    """CREATE TRIGGER IF NOT EXISTS attempt_ends_once BEFORE UPDATE ON attempt
        WHEN OLD.outcome <> 'running'
        BEGIN SELECT RAISE(ABORT, 'an attempt ends once'); END""",
)

POSTGRES_TRIGGERS = (
    """CREATE OR REPLACE FUNCTION keep_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'attempts are never deleted'; END IF;
            IF OLD.outcome <> 'running' THEN RAISE EXCEPTION 'an attempt ends once'; END IF;
            RETURN NEW;
        END $$""",
    """CREATE OR REPLACE TRIGGER attempt_is_kept BEFORE DELETE OR UPDATE ON attempt
        FOR EACH ROW EXECUTE FUNCTION keep_attempt()""",
)
