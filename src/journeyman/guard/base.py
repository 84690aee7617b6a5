"""What a guard is: it looks at every tool call before it is carried out.

guard = make_guard("rules", Subject.of_task(view))
decision = guard.judge(call)
if not decision.is_allowed:
    answer = decision.feedback
"""

from __future__ import annotations

from typing import Protocol

from journeyman.types import GuardDecision, ToolCall

__all__ = ["Guard"]


class Guard(Protocol):
    """The guard of one conversation; it remembers the calls that it allowed."""

    name: str

    def judge(self, call: ToolCall) -> GuardDecision:
        """Say whether a call may be carried out. Never raises for what the call holds."""
        ...
