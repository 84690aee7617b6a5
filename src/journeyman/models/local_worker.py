"""The thread that draws: rows come and go between two steps of one batch.

Computing lies behind `Deck`; here is only the order of things. A change of the weights waits until the
rows under way have ended, so that every completion is drawn by one policy, and new rows wait for it.

    worker = Worker(deck, num_slots=16)
    worker.start()
    worker.submit(row)
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from journeyman.errors import AttributedError
from journeyman.models.local_row import Row

__all__ = ["Deck", "Worker"]

_LOG = logging.getLogger("journeyman.models")


class Deck(Protocol):
    """Computes for rows. Called by one thread alone."""

    def fill(self, row: Row, most: int) -> tuple[int, tuple[int, float] | None]:
        """Read at most so many tokens of a row's prompt.

        Returns how many were read and, once that is all, the first drawn token.
        """
        ...

    def join(self, row: Row) -> None:
        """Put a row whose first token is drawn into the batch."""
        ...

    def step(self) -> list[tuple[Row, int, float]]:
        """Draw a token, with its log-probability, for every row of the batch."""
        ...

    def leave(self, row: Row) -> None:
        """Take a row out, wherever it is."""
        ...

    def forget(self) -> None:
        """Drop all that was computed with the weights so far; no row is under way."""
        ...


class Worker:
    """A thread, what waits for it, and what it is at."""

    def __init__(
        self, deck: Deck, *, num_slots: int, num_read_tokens: int = 512, version: str = ""
    ) -> None:
        self.version = version
        """Of the weights; whoever is let in is drawn by it."""
        self._deck = deck
        self._num_slots = num_slots
        self._num_read_tokens = num_read_tokens
        self._wake = threading.Condition()
        self._waiting: deque[Row] = deque()
        self._changes: deque[tuple[Callable[[], Any], str, Future[Any]]] = deque()
        self._is_closing = False
        self._filling: deque[Row] = deque()
        self._drawing: list[Row] = []
        self._thread = threading.Thread(target=self._run, name="journeyman-draw", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def submit(self, row: Row) -> None:
        """Let a row be drawn; it hears of everything through `Row.on_item`."""
        with self._wake:
            if self._is_closing:
                raise AttributedError("model_unreachable", "the model is closed")
            self._waiting.append(row)
            self._wake.notify()

    def change(self, work: Callable[[], Any], version: str) -> Future[Any]:
        """Let `work` be done when no row is under way; all that was computed before is dropped.

        If it raises, the version stays.
        """
        done: Future[Any] = Future()
        with self._wake:
            if self._is_closing:
                raise AttributedError("model_unreachable", "the model is closed")
            self._changes.append((work, version, done))
            self._wake.notify()
        return done

    def close(self) -> None:
        """End the thread; rows under way hear that the model is closed. Safe to call twice."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    # --- in the thread ----------------------------------------------------------------------

    def _run(self) -> None:
        while self._admit():
            try:
                self._turn()
            except Exception as error:
                # The boundary of the thread: whoever waits is told, and the thread goes on.
                _LOG.exception("drawing failed")
                self._fail_all(AttributedError("model_unreachable", f"drawing failed: {error}"))
        self._fail_all(AttributedError("model_unreachable", "the model is closed"))

    def _admit(self) -> bool:
        """Take in what waits, once there is something to do; False when all is over."""
        with self._wake:
            while not (self._is_closing or self._is_busy or self._waiting or self._changes):
                self._wake.wait()
            if self._is_closing:
                self._filling.extend(self._waiting)
                self._waiting.clear()
                return False
            while self._waiting and not self._changes and self._num_rows < self._num_slots:
                row = self._waiting.popleft()
                row.version = self.version
                self._filling.append(row)
        if self._changes and not self._is_busy:
            self._make_changes()
        return True

    @property
    def _num_rows(self) -> int:
        return len(self._filling) + len(self._drawing)

    @property
    def _is_busy(self) -> bool:
        return self._num_rows > 0

    def _make_changes(self) -> None:
        while self._changes:
            work, version, done = self._changes.popleft()
            self._deck.forget()
            try:
                found = work()
            except Exception as error:
                # Raised again where the change was asked for.
                done.set_exception(error)
            else:
                self.version = version
                done.set_result(found)

    def _turn(self) -> None:
        for row in [row for row in (*self._filling, *self._drawing) if row.is_cancelled]:
            self._drop(row)
        # So much of the prompts between two steps: whoever draws already is not held up for long.
        room = self._num_read_tokens
        while self._filling and room > 0:
            room -= self._fill(self._filling[0], room)
        if self._drawing:
            for row, token, logprob in self._deck.step():
                self._take(row, token, logprob)

    def _fill(self, row: Row, most: int) -> int:
        num_read, first = self._deck.fill(row, most)
        if first is not None:
            self._filling.popleft()
            self._deck.join(row)
            self._drawing.append(row)
            self._take(row, *first)
        return num_read

    def _take(self, row: Row, token: int, logprob: float) -> None:
        piece, done = row.take(token, logprob)
        row.on_item(piece)
        if done is not None:
            self._drop(row)
            row.on_item(done)

    def _drop(self, row: Row) -> None:
        self._deck.leave(row)
        if row in self._filling:
            self._filling.remove(row)
        else:
            self._drawing.remove(row)

    def _fail_all(self, error: AttributedError) -> None:
        for row in (*self._filling, *self._drawing):
            self._drop(row)
            row.on_item(error)
        # What broke off may have left states half written.
        self._deck.forget()
