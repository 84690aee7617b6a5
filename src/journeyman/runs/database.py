"""The two databases that a ledger can lie in, behind the few calls that it needs of one.

Statements are written once, with `?` for values, in the SQL that both understand.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from journeyman.errors import JourneymanError
from journeyman.runs.schema import SETTINGS, TABLES, TRIGGERS

__all__ = ["Database", "SqliteDatabase", "Statements"]


class Statements(Protocol):
    """What runs inside one transaction."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """Run a statement and return its cursor."""
        ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Run a statement once for each row."""
        ...


class Database(Protocol):
    """An open database; every failure is a `JourneymanError`."""

    name: str
    """What messages call it."""
    is_shared: bool
    """Whether several drivers may write it at once."""

    def transaction(self) -> contextlib.AbstractContextManager[Statements]:
        """Run a block as one transaction."""
        ...

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query."""
        ...

    def now(self) -> float:
        """Return the Unix time by the clock that all who write it share."""
        ...

    def close(self) -> None:
        """Close it. Safe to call twice."""
        ...


class SqliteDatabase:
    """One file, of one driver at a time."""

    is_shared = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            self._base = sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            raise _explain(path, error) from error
        try:
            for statement in (*SETTINGS, *TABLES, *TRIGGERS):
                self._base.execute(statement)
        except sqlite3.Error as error:
            self._base.close()
            raise _explain(path, error) from error

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._base.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Statements]:
        """Run a block as one transaction."""
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
            raise _explain(self.name, error) from error

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query."""
        try:
            return self._base.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _explain(self.name, error) from error

    def now(self) -> float:
        """Return the Unix time of this machine."""
        return time.time()


def _explain(path: Path | str, error: sqlite3.Error) -> JourneymanError:
    text = str(error)
    if "full" in text:
        hint = "free some space, then give the same command with --resume"
        return JourneymanError(f"no space left on the disk that holds {path}", hint)
    if "malformed" in text or "not a database" in text:
        hint = "start a run under another name; rollouts.jsonl still holds what was finished"
        return JourneymanError(f"{path} is damaged: {text}", hint)
    return JourneymanError(f"cannot use {path}: {text}", "choose a folder that you may write to")
