"""Scaffolds: prompts, loop and tools around a model."""

from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.diagnosis import diagnose
from journeyman.scaffolds.patch import capture_patch
from journeyman.scaffolds.registry import get_scaffold, is_external, list_scaffolds
from journeyman.scaffolds.session import LimitReached, ModelSession, SessionLimits

__all__ = [
    "LimitReached",
    "ModelSession",
    "Scaffold",
    "SessionLimits",
    "capture_patch",
    "diagnose",
    "get_scaffold",
    "is_external",
    "list_scaffolds",
]
