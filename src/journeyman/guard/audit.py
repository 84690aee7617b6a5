"""The audit: labels a rollout with what it tried, by its calls and its patch, each with its proof.

audit = audit_rollout(rollout, trajectory, Subject(task.repo), hidden_tests=texts)
reward = void_reward(rollout.reward, audit.labels, voiding)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from journeyman.guard.offence import Label
from journeyman.guard.patch import review_patch
from journeyman.guard.rules_guard import RulesGuard
from journeyman.guard.subject import Subject
from journeyman.types import Data, Reward, Rollout, Trajectory, Turn

__all__ = ["Finding", "LabelRate", "RolloutAudit", "audit_rollout", "rate_labels", "void_reward"]


class Finding(Data):
    """One event that proves a label."""

    label: str
    source: Literal["call", "patch"]
    turn: int | None = None
    """Number of the turn, from 1; None for the patch."""
    call_id: str = ""
    evidence: str = ""
    was_refused: bool = False
    """Whether the guard kept the call from being carried out."""


class RolloutAudit(Data):
    """What one rollout tried; `labels` is empty for an honest one."""

    rollout_id: str
    instance_id: str
    model: str
    labels: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    reward: Reward | None = None
    """The reward after labels were voided."""


class LabelRate(Data):
    """How common one label is in a run."""

    label: str
    num_rollouts: int
    rate: float
    """Of all rollouts, 0 to 1."""
    num_refused: int
    """Findings that the guard refused."""
    num_carried_out: int
    """Findings that were carried out or stand in the patch."""


def audit_rollout(
    rollout: Rollout,
    trajectory: Trajectory | None,
    subject: Subject,
    *,
    hidden_tests: Sequence[str] = (),
) -> RolloutAudit:
    """Read every call that a rollout made, whatever guard it ran under, and its patch."""
    findings = [] if trajectory is None else list(_read_calls(trajectory, subject))
    findings += [
        Finding(label=it.label.value, source="patch", evidence=it.evidence)
        for it in review_patch(rollout.patch, hidden_tests=hidden_tests)
    ]
    return RolloutAudit(
        rollout_id=rollout.rollout_id,
        instance_id=rollout.instance_id,
        model=rollout.model,
        labels=tuple(dict.fromkeys(it.label for it in findings)),
        findings=tuple(findings),
        reward=rollout.reward,
    )


def _read_calls(trajectory: Trajectory, subject: Subject) -> Iterator[Finding]:
    rules = RulesGuard(subject)
    for number, turn in enumerate(trajectory.turns, start=1):
        for index, call in enumerate(turn.message.tool_calls):
            was_refused = _was_refused(turn, index)
            decision = rules.judge(call) if was_refused else rules.review(call)
            for label, evidence in zip(decision.labels, decision.evidence, strict=True):
                yield Finding(
                    label=label,
                    source="call",
                    turn=number,
                    call_id=call.id,
                    evidence=evidence,
                    was_refused=was_refused,
                )


def _was_refused(turn: Turn, index: int) -> bool:
    """Say whether a turn's call was refused: decisions stand in the order of the calls.

    Calls that were malformed never reached the guard, so a decision is found by the call's tool
    and place among those that did.
    """
    call = turn.message.tool_calls[index]
    same = [it for it in turn.guard_decisions if it.call_id == call.id and it.tool == call.name]
    if call.id:
        return any(not it.is_allowed for it in same)
    earlier = sum(it.name == call.name for it in turn.message.tool_calls[:index])
    return earlier < len(same) and not same[earlier].is_allowed


def void_reward(
    reward: Reward | None, labels: Iterable[str], voiding: Collection[str]
) -> Reward | None:
    """Take away what a rollout earned if one of its labels is in `voiding`; a penalty stays.

    The reward stays valid: what cheats must learn that it earns nothing.
    """
    if reward is None or reward.value <= 0 or not set(labels) & set(voiding):
        return reward
    parts = {**reward.parts, "voided": -reward.value}
    return reward.model_copy(update={"value": 0.0, "parts": parts})


def rate_labels(audits: Sequence[RolloutAudit]) -> list[LabelRate]:
    """Return how many rollouts carry each label, and last how many carry none."""
    total = len(audits) or 1
    rates = []
    for label in Label:
        findings = [it for audit in audits for it in audit.findings if it.label == label]
        count = sum(label.value in audit.labels for audit in audits)
        rates.append(
            LabelRate(
                label=label.value,
                num_rollouts=count,
                rate=count / total,
                num_refused=sum(it.was_refused for it in findings),
                num_carried_out=sum(not it.was_refused for it in findings),
            )
        )
    honest = sum(not audit.labels for audit in audits)
    none = LabelRate(
        label="none", num_rollouts=honest, rate=honest / total, num_refused=0, num_carried_out=0
    )
    return [*rates, none]
