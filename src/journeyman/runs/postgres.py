"""A ledger in PostgreSQL, for a run that drivers on several hosts write together.

Each run has a schema of its own in the database, with the tables that SQLite has. Passwords come from
where libpq finds them (`PGPASSWORD`, `~/.pgpass`), never from a run's folder.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.runs.database import Statements
from journeyman.runs.schema import POSTGRES_TRIGGERS, TABLES

__all__ = ["PostgresDatabase", "check_url", "schema_name"]

_CONNECT_S = 15
_CLOCK_EVERY_S = 60.0


def schema_name(run: str) -> str:
    """Return the schema of a run: its name where that is a plain identifier, else a digest of it."""
    plain = re.sub(r"[^a-z0-9_]", "_", run.lower())
    return f"journeyman_{plain[:30]}_{digest(run)[:8]}"


def check_url(url: str) -> None:
    """Refuse what is no address of a PostgreSQL database, or tells a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise JourneymanError(f"no ledger at {url}", "write postgresql://USER@HOST/DATABASE")
    if parts.password:
        raise JourneymanError(
            "the ledger's address holds a password, and the run's folder would keep it",
            "leave it out; export PGPASSWORD=…, or write it to ~/.pgpass",
        )


class PostgresDatabase:
    """A connection to one run's schema."""

    is_shared = True

    def __init__(self, url: str, run: str) -> None:
        check_url(url)
        psycopg = _library()
        self.name = url
        self._error = psycopg.Error
        try:
            self._base = psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_S)
            self._create(schema_name(run))
        except psycopg.Error as error:
            raise self._explain(error) from None
        self._measured_at = 0.0
        self._offset_s = 0.0

    def close(self) -> None:
        """Close the connection. Safe to call twice."""
        self._base.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Statements]:
        """Run a block as one transaction."""
        try:
            with self._base.transaction():
                yield _Statements(self._base)
        except self._error as error:
            raise self._explain(error) from None

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query."""
        try:
            found: list[Any] = self._base.execute(_translated(query), values).fetchall()
            return found
        except self._error as error:
            raise self._explain(error) from None

    def now(self) -> float:
        """Return the server's Unix time; this machine's clock only tells what has passed since."""
        elapsed_s = time.monotonic()
        if not self._measured_at or elapsed_s - self._measured_at > _CLOCK_EVERY_S:
            ((server,),) = self.read("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
            self._measured_at, self._offset_s = elapsed_s, float(server) - elapsed_s
        return elapsed_s + self._offset_s

    def _create(self, schema: str) -> None:
        """Make the schema and its tables; one of several hosts that come at once does it."""
        with self._base.transaction():
            # Any constant does: it is one lock for all who create tables here.
            self._base.execute("SELECT pg_advisory_xact_lock(7230911)")
            self._base.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            self._base.execute(f'SET LOCAL search_path TO "{schema}"')
            for statement in (*TABLES, *POSTGRES_TRIGGERS):
                self._base.execute(statement)
        self._base.execute(f'SET search_path TO "{schema}"')

    def _explain(self, error: Exception) -> JourneymanError:
        reason = " ".join(str(error).split())[:300]
        return JourneymanError(
            f"the ledger at {self.name}: {reason}",
            "see that the server runs and lets you in, then give the same command with --resume",
        )


class _Statements:
    def __init__(self, base: Any) -> None:
        self._base = base

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._base.execute(_translated(statement), values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._base.cursor() as cursor:
            cursor.executemany(_translated(statement), list(rows))


def _translated(statement: str) -> str:
    return statement.replace("?", "%s")


def _library() -> Any:
    try:
        import psycopg
    except ImportError:
        raise JourneymanError(
            "a ledger in PostgreSQL needs the extra `postgres`",
            "uv sync --extra postgres, or pip install 'psycopg[binary]'",
        ) from None
    return psycopg
