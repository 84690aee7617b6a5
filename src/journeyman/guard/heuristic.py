"""The keyword rule of the Qwen3-Coder-Next report (§4.2.4), for comparison.

A tool call that holds both a link to the repository, as `github.com/{repository}`, and a word for
network access, as `git`, `curl` or `wget`, is blocked.
"""

from __future__ import annotations

import re

from journeyman.guard.offence import Label, Offence, explain
from journeyman.guard.subject import Subject
from journeyman.guard.texts import strings_of
from journeyman.types import GuardDecision, ToolCall

__all__ = ["ReportHeuristic"]

_KEYWORDS = re.compile(r"\b(?:git|curl|wget)\b")


class ReportHeuristic:
    """The report's rule: a link and a keyword in one call."""

    name = "report-heuristic"

    def __init__(self, subject: Subject) -> None:
        self._link = f"github.com/{subject.repo}".lower()

    def judge(self, call: ToolCall) -> GuardDecision:
        """Block a call that holds the link and a keyword."""
        text = "\n".join(strings_of(call.arguments))
        if self._link not in text.lower() or not _KEYWORDS.search(text):
            return GuardDecision(guard=self.name, tool=call.name, is_allowed=True, call_id=call.id)
        offence = Offence(Label.UPSTREAM_FETCH, self._link)
        return GuardDecision(
            guard=self.name,
            tool=call.name,
            is_allowed=False,
            labels=(offence.label.value,),
            evidence=(offence.evidence,),
            feedback=explain([offence]),
            call_id=call.id,
        )
