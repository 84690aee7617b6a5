"""The guards by name, as `--guard` takes them."""

from __future__ import annotations

from collections.abc import Callable

from journeyman.errors import JourneymanError
from journeyman.guard.base import Guard
from journeyman.guard.heuristic import ReportHeuristic
from journeyman.guard.rules_guard import RulesGuard
from journeyman.guard.subject import Subject
from journeyman.types import GuardDecision, ToolCall

__all__ = ["GUARDS", "NoGuard", "make_guard"]


class NoGuard:
    """Allows everything: for experiments, and for tests of what isolation alone prevents."""

    name = "off"

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def judge(self, call: ToolCall) -> GuardDecision:
        """Allow a call."""
        return GuardDecision(guard=self.name, tool=call.name, is_allowed=True, call_id=call.id)


GUARDS: dict[str, Callable[[Subject], Guard]] = {
    "rules": RulesGuard,
    "report-heuristic": ReportHeuristic,
    "off": NoGuard,
}


def make_guard(name: str, subject: Subject) -> Guard:
    """Return a fresh guard for one conversation. Raises `JourneymanError` for an unknown name."""
    if name not in GUARDS:
        raise JourneymanError(f"no guard {name!r}", f"known guards: {', '.join(GUARDS)}")
    return GUARDS[name](subject)
