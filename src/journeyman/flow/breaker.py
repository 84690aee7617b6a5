"""Circuit breakers: nothing new is tried on what fails for everybody, so that budgets outlast an outage.

A subject, such as a model or an environment, that fails often enough in a row is left alone for a
while; then one attempt tries it, and its outcome decides (Nygard, Release It!, 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from journeyman.errors import FAILURES
from journeyman.flow.config import Breakers
from journeyman.flow.events import CircuitClosed, CircuitOpened, Event
from journeyman.flow.jobs import Job, Stage

__all__ = ["CircuitBreaker", "subjects_of"]


def subjects_of(job: Job) -> tuple[str, ...]:
    """Name what a job depends on and shares with others."""
    environment = f"environment:{job.task.environment}"
    if job.stage is Stage.EVALUATION:
        return (environment,)
    return (environment, f"model:{job.seat.label}")


def _blames(subject: str, cause: str) -> bool:
    who = FAILURES[cause].who
    return subject.startswith("model:") if who == "model" else subject.startswith("environment:")


@dataclass
class _Circuit:
    num_failures: int = 0
    pause_s: float = 0.0
    """0 while it is closed."""
    tries_at: float = 0.0
    is_trying: bool = False


class CircuitBreaker:
    """All circuits of one run."""

    def __init__(
        self, settings: Breakers, emit: Callable[[Event], None], clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._emit = emit
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    @property
    def open_subjects(self) -> list[str]:
        """What is left alone now."""
        return [name for name, circuit in self._circuits.items() if circuit.pause_s]

    def wait_s(self, subjects: Iterable[str]) -> float:
        """Return how long a job must wait for its subjects; 0 lets it begin, perhaps as the trial."""
        now = self._clock()
        opened = [self._circuits[it] for it in subjects if it in self._circuits]
        opened = [it for it in opened if it.pause_s]
        waits = [it.pause_s if it.is_trying else it.tries_at - now for it in opened]
        if any(wait > 0 for wait in waits):
            return max(waits)
        for circuit in opened:
            circuit.is_trying = True
        return 0.0

    def succeeded(self, subjects: Iterable[str]) -> None:
        """Note that a job on these ended well."""
        for name in subjects:
            circuit = self._circuits.pop(name, None)
            if circuit is not None and circuit.pause_s:
                self._emit(CircuitClosed(subject=name))

    def failed(self, subjects: Iterable[str], cause: str) -> None:
        """Note that a job on these failed; only infrastructure's failures count."""
        for name in subjects:
            if FAILURES[cause].retry_budget == "infrastructure" and _blames(name, cause):
                self._count(name, cause)
            elif name in self._circuits:
                self._circuits[name].is_trying = False  # the trial said nothing about this one

    def _count(self, name: str, cause: str) -> None:
        circuit = self._circuits.setdefault(name, _Circuit())
        circuit.num_failures += 1
        was_trial, circuit.is_trying = circuit.is_trying, False
        if circuit.pause_s and not was_trial:
            return  # began before the circuit opened
        if circuit.num_failures < self._settings.num_failures:
            return
        longer = circuit.pause_s * 2 or self._settings.pause_s
        circuit.pause_s = max(1e-3, min(self._settings.longest_pause_s, longer))
        circuit.tries_at = self._clock() + circuit.pause_s
        self._emit(
            CircuitOpened(
                subject=name,
                cause=cause,
                num_failures=circuit.num_failures,
                retry_in_s=circuit.pause_s,
            )
        )
