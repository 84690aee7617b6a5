"""What a long command says on stderr while it works: a live line on a terminal, plain lines elsewhere.

with RolloutProgress() as progress:
    await run_rollouts(config, run, on_event=progress)
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType

from journeyman.cli.output import note
from journeyman.flow.events import (
    Draining,
    Event,
    RolloutFinished,
    RunStarted,
    SandboxReaped,
    StageFailed,
    StageFinished,
    StageStarted,
    TaskQuarantined,
)

__all__ = ["RolloutProgress", "Steps"]

_PLAIN_EVERY_S = 10.0
_LIVE_EVERY_S = 0.2


class Steps:
    """Says what a command is doing, each step on a line of its own with the time since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, text: str) -> None:
        """Say that a step begins."""
        note(f"[{time.monotonic() - self._started:5.0f} s] {text}")


class RolloutProgress:
    """Counts a run's events and shows them: finished, solved, failed, running, and the time left."""

    def __init__(self) -> None:
        self._is_live = sys.stderr.isatty()
        self._started = time.monotonic()
        self._shown_at = 0.0
        self._num_rollouts = 0
        self._num_before = 0
        self._counts: Counter[str] = Counter()
        self._running: set[tuple[str, str]] = set()

    def __enter__(self) -> RolloutProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._num_rollouts:
            self._show(is_last=True)

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, RunStarted):
            self._num_rollouts, self._num_before = event.num_rollouts, event.num_finished
            self._counts.update(
                finished=event.num_finished,
                solved=event.num_resolved,
                unsolved=event.num_finished - event.num_resolved,
                failed=event.num_failed,
            )
            if event.num_finished:
                self._say(f"{event.num_finished} of {event.num_rollouts} were finished before")
        elif isinstance(event, StageStarted):
            self._running.add((event.rollout_id, event.stage))
        elif isinstance(event, StageFinished | StageFailed):
            self._running.discard((event.rollout_id, event.stage))
        self._tell(event)
        self._count(event)
        every = _LIVE_EVERY_S if self._is_live else _PLAIN_EVERY_S
        if self._num_rollouts and time.monotonic() - self._shown_at > every:
            self._show()

    def _count(self, event: Event) -> None:
        if not isinstance(event, RolloutFinished):
            return
        self._counts["finished"] += 1
        if event.failure is not None:
            self._counts["failed"] += 1
        self._counts["solved" if event.is_resolved else "unsolved"] += 1

    def _tell(self, event: Event) -> None:
        """Say what a person should know at once."""
        if isinstance(event, StageFailed):
            then = "given up" if event.retry_in_s is None else f"again in {event.retry_in_s:.0f} s"
            detail = f" ({event.failure.detail})" if event.failure.detail else ""
            self._say(f"{event.rollout_id}: {event.stage}: {event.failure.cause}{detail}; {then}")
        elif isinstance(event, TaskQuarantined):
            self._say(f"{event.instance_id} is in quarantine: {event.failure.cause}")
        elif isinstance(event, SandboxReaped):
            self._say(f"removed a sandbox that was left behind: {event.name}")
        elif isinstance(event, Draining):
            self._say(
                f"stopping: {event.num_running} at work are finished first; Ctrl-C again stops now"
            )

    def _say(self, text: str) -> None:
        if self._is_live:
            sys.stderr.write("\r\x1b[K")
        note(text)

    def _show(self, *, is_last: bool = False) -> None:
        self._shown_at = time.monotonic()
        counts = self._counts
        parts = [
            f"{counts['finished']}/{self._num_rollouts} rollouts",
            f"{counts['solved']} solved",
            f"{counts['unsolved']} unsolved",
        ]
        if counts["failed"]:
            parts.append(f"{counts['failed']} failed")
        if not is_last:
            parts += [f"{len(self._running)} running", self._time_left()]
        line = ", ".join(part for part in parts if part)
        if not self._is_live:
            note(line)
            return
        sys.stderr.write(f"\r\x1b[K{line}" + ("\n" if is_last else ""))
        sys.stderr.flush()

    def _time_left(self) -> str:
        done = self._counts["finished"] - self._num_before
        left = self._num_rollouts - self._counts["finished"]
        if not done or not left:
            return ""
        return f"about {(time.monotonic() - self._started) / done * left:.0f} s left"
