"""What a run's events add up to: who is at work, how fast it goes, what was refused, what failed.

Fed line by line; it can be kept on disk and go on from there.

    tally = Tally()
    tally.add({"kind": "turn_taken", "rollout_id": "a.0", "turn": 1, "at": 5.0, "calls": ["bash"]})
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Tally"]

Event = Mapping[str, Any]

_MOST_LOG = 300
_QUIET = {
    "turn_taken",
    "tool_called",
    "phase_changed",
    "rollouts_queued",
    "resources_measured",
    "stage_started",
    "stage_finished",
    "verdict_given",
    "rollout_finished",
    "group_finished",
}


class Tally:
    """The sums over `events.jsonl`, as plain data."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        kept = dict(state or {})
        self.num_expected: int = kept.get("num_expected", 0)
        self.started_at: float = kept.get("started_at", 0.0)
        self.latest_at: float = kept.get("latest_at", 0.0)
        self.num_turns: int = kept.get("num_turns", 0)
        self.num_calls: int = kept.get("num_calls", 0)
        self.num_refused: int = kept.get("num_refused", 0)
        self.refused: Counter[str] = Counter(kept.get("refused", {}))
        self.refused_rollouts: dict[str, list[str]] = kept.get("refused_rollouts", {})
        self.failures: Counter[str] = Counter(kept.get("failures", {}))
        self.num_retries: int = kept.get("num_retries", 0)
        self.running: dict[str, dict[str, Any]] = kept.get("running", {})
        self.finished: list[list[float]] = kept.get("finished", [])
        """When each rollout ended, and 1 if it is solved."""
        self.tokens: dict[str, int] = kept.get("tokens", {})
        """Sampled tokens by whole Unix second."""
        self.versions: dict[str, str] = kept.get("versions", {})
        """The policy that answered a rollout's latest turn, by rollout id, where models say it."""
        self.groups: Counter[str] = Counter(kept.get("groups", {}))
        """Finished groups by what became of them: `kept`, or why not."""
        self.resources: dict[str, Any] = kept.get("resources", {})
        """The latest measurement of what is in use."""
        self.log: list[dict[str, Any]] = kept.get("log", [])
        """The latest events that a person may want to read."""
        self._takers: dict[str, Callable[[Event], None]] = {
            "run_started": self._take_start,
            "stage_started": self._take_stage,
            "phase_changed": self._take_phase,
            "turn_taken": self._take_turn,
            "resources_measured": self._take_resources,
            "group_finished": self._take_group,
            "call_refused": self._take_refusal,
            "stage_finished": self._take_stage_end,
            "stage_failed": self._take_failure,
            "rollout_finished": self._take_end,
            "run_ended": lambda _: self.running.clear(),
        }

    def state(self) -> dict[str, Any]:
        """Return everything as plain data, to be given to another tally."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def add(self, event: Event) -> None:
        """Take one event; what is not known is only logged."""
        kind, at = str(event.get("kind", "")), event.get("at")
        if isinstance(at, int | float):
            self.started_at = self.started_at or float(at)
            self.latest_at = float(at)
        taker = self._takers.get(kind)
        if taker is not None:
            taker(event)
        if kind not in _QUIET:
            self.log.append(dict(event))
            del self.log[:-_MOST_LOG]

    def _take_start(self, event: Event) -> None:
        self.num_expected = int(event.get("num_rollouts", 0))
        self.running.clear()

    def _take_stage(self, event: Event) -> None:
        self.running[str(event.get("rollout_id"))] = {
            "stage": event.get("stage", ""),
            "attempt": event.get("attempt", 1),
            "since": event.get("at", 0.0),
            "turns": 0,
            "call": "",
        }

    def _take_phase(self, event: Event) -> None:
        work = self.running.get(str(event.get("rollout_id")))
        if work is not None:
            work["phase"] = str(event.get("phase", ""))

    def _take_resources(self, event: Event) -> None:
        self.resources = {key: it for key, it in event.items() if key != "kind"}

    def _take_group(self, event: Event) -> None:
        is_kept = event.get("is_kept")
        self.groups["kept" if is_kept else str(event.get("reason") or "not kept")] += 1

    def _take_turn(self, event: Event) -> None:
        calls = event.get("calls") or ()
        self.num_turns += 1
        self.num_calls += len(calls)
        second = str(int(event.get("at", 0)))
        self.tokens[second] = self.tokens.get(second, 0) + int(
            event.get("num_completion_tokens", 0)
        )
        if event.get("policy_version"):
            self.versions[str(event.get("rollout_id"))] = str(event["policy_version"])[:80]
        work = self.running.get(str(event.get("rollout_id")))
        if work is not None:
            work["turns"] = event.get("turn", 0)
            work["call"] = ", ".join(map(str, calls))

    def _take_refusal(self, event: Event) -> None:
        self.num_refused += 1
        decision = event.get("decision") or {}
        rollout_id = str(event.get("rollout_id"))
        for label in dict.fromkeys(map(str, decision.get("labels") or ())):
            self.refused[label] += 1
            seen = self.refused_rollouts.setdefault(label, [])
            if rollout_id not in seen[-1:]:
                seen.append(rollout_id)

    def _take_stage_end(self, event: Event) -> None:
        self.running.pop(str(event.get("rollout_id")), None)

    def _take_failure(self, event: Event) -> None:
        self.running.pop(str(event.get("rollout_id")), None)
        failure = event.get("failure") or {}
        self.failures[str(failure.get("cause", "unknown"))] += 1
        self.num_retries += event.get("retry_in_s") is not None

    def _take_end(self, event: Event) -> None:
        self.running.pop(str(event.get("rollout_id")), None)
        self.finished.append([float(event.get("at", 0.0)), int(bool(event.get("is_resolved")))])
