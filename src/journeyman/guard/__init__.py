"""The guard: what prevents or flags reward hacking."""

from journeyman.guard.audit import (
    Finding,
    LabelRate,
    RolloutAudit,
    audit_rollout,
    rate_labels,
    void_reward,
)
from journeyman.guard.base import Guard
from journeyman.guard.check import Case, Miss, Score, load_cases, score_guard
from journeyman.guard.choice import GUARDS, make_guard
from journeyman.guard.offence import Label
from journeyman.guard.patch import Treatment, review_patch, treatments
from journeyman.guard.subject import Subject

__all__ = [
    "GUARDS",
    "Case",
    "Finding",
    "Guard",
    "Label",
    "LabelRate",
    "Miss",
    "RolloutAudit",
    "Score",
    "Subject",
    "Treatment",
    "audit_rollout",
    "load_cases",
    "make_guard",
    "rate_labels",
    "review_patch",
    "score_guard",
    "treatments",
    "void_reward",
]
