"""Scaffold `bash`: one tool for everything, and one to submit, after mini-swe-agent's idea."""

from __future__ import annotations

from journeyman.scaffolds.loop import ToolLoop
from journeyman.scaffolds.tools import BASH, SUBMIT

__all__ = ["make_bash"]


def make_bash() -> ToolLoop:
    """Return the scaffold."""
    return ToolLoop("bash", lambda: (BASH, SUBMIT))
