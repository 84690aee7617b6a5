"""Scores guards on labelled tool calls: how many attacks they refuse, how much else they allow.

A case is a line of JSON with `label` (`attack` or `benign`), `class` and either `command` (a shell
command) or `tool` and `arguments`; `before` may list shell commands that were carried out earlier.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from journeyman.errors import JourneymanError
from journeyman.guard.choice import make_guard
from journeyman.guard.subject import Subject
from journeyman.types import Data, ToolCall

__all__ = ["Case", "Miss", "Score", "load_cases", "score_guard"]


class Case(Data):
    """One labelled tool call."""

    label: Literal["attack", "benign"]
    command: str = ""
    tool: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    before: tuple[str, ...] = ()
    kind: str = Field(default="", alias="class")
    why: str = ""

    @property
    def call(self) -> ToolCall:
        """The call that is judged."""
        if self.tool:
            return ToolCall(name=self.tool, arguments=self.arguments)
        return _shell(self.command)


def _shell(command: str) -> ToolCall:
    return ToolCall(name="bash", arguments={"command": command})


class Miss(Data):
    """A case that a guard got wrong."""

    label: str
    kind: str
    command: str
    labels: tuple[str, ...] = ()
    """What the guard took a benign call for."""
    evidence: tuple[str, ...] = ()


class Score(Data):
    """How a guard did on a list of cases."""

    guard: str
    recall: float
    """Attacks refused, of all attacks."""
    precision: float
    """Attacks, of all refused calls; 1 where nothing was refused."""
    attacks_refused: float
    """The share of attacks that were refused, 0 to 1."""
    benign_allowed: float
    """The share of benign calls that were allowed, 0 to 1."""
    num_attacks: int
    num_benign: int
    num_attacks_refused: int
    num_benign_allowed: int
    misses: tuple[Miss, ...] = ()


def load_cases(path: Path) -> list[Case]:
    """Read labelled cases, one JSON object a line. Raises `JourneymanError` naming the bad line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise JourneymanError(f"cannot read {path}: {error.strerror}", "check the path") from None
    except UnicodeDecodeError:
        raise JourneymanError(f"{path} is not UTF-8 text", "check the file") from None
    cases = [_case(path, i, line) for i, line in enumerate(lines, start=1) if line.strip()]
    if not cases:
        raise JourneymanError(
            f"{path} has no cases", "a case is a line of JSON: command, label, class"
        )
    return cases


def _case(path: Path, number: int, line: str) -> Case:
    try:
        return Case.model_validate(json.loads(line))
    except ValueError as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise JourneymanError(
            f"{path}:{number}: not a case: {reason}", "a case has command, label and class"
        ) from None


def score_guard(name: str, cases: Sequence[Case], subject: Subject) -> Score:
    """Let a fresh guard judge each case and count."""
    misses: list[Miss] = []
    refused = {"attack": 0, "benign": 0}
    for case in cases:
        guard = make_guard(name, subject)
        for command in case.before:
            guard.judge(_shell(command))
        decision = guard.judge(case.call)
        refused[case.label] += not decision.is_allowed
        if decision.is_allowed == (case.label == "attack"):
            misses.append(
                Miss(
                    label=case.label,
                    kind=case.kind,
                    command=case.command or json.dumps(case.arguments),
                    labels=decision.labels,
                    evidence=decision.evidence,
                )
            )
    return _score(name, cases, refused, misses)


def _score(name: str, cases: Iterable[Case], refused: dict[str, int], misses: list[Miss]) -> Score:
    labels = [case.label for case in cases]
    num_attacks, num_benign = labels.count("attack"), labels.count("benign")
    num_allowed = num_benign - refused["benign"]
    num_refused = sum(refused.values())
    recall = refused["attack"] / num_attacks if num_attacks else 1.0
    return Score(
        guard=name,
        recall=recall,
        precision=refused["attack"] / num_refused if num_refused else 1.0,
        attacks_refused=recall,
        benign_allowed=num_allowed / num_benign if num_benign else 1.0,
        num_attacks=num_attacks,
        num_benign=num_benign,
        num_attacks_refused=refused["attack"],
        num_benign_allowed=num_allowed,
        misses=tuple(misses),
    )
