"""The guard: what prevents or flags reward hacking."""

from journeyman.guard.base import Guard
from journeyman.guard.check import Case, Miss, Score, load_cases, score_guard
from journeyman.guard.choice import GUARDS, make_guard
from journeyman.guard.offence import Label
from journeyman.guard.subject import Subject

__all__ = [
    "GUARDS",
    "Case",
    "Guard",
    "Label",
    "Miss",
    "Score",
    "Subject",
    "load_cases",
    "make_guard",
    "score_guard",
]
