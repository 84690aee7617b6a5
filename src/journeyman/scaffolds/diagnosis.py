"""What this machine has for scaffolds; nothing here is needed by those that run out here."""

from __future__ import annotations

import shutil

from journeyman.errors import JourneymanError
from journeyman.scaffolds.agents.catalogue import AGENTS
from journeyman.scaffolds.agents.layers import is_installed
from journeyman.types import Check

__all__ = ["diagnose"]


def diagnose() -> list[Check]:
    """Look for tmux, and for the agent programs that have been installed."""
    tmux = shutil.which("tmux")
    return [
        Check(
            name="tmux (scaffold terminal)",
            is_ok=tmux is not None,
            detail=tmux or "",
            fix="" if tmux else "apt-get install -y tmux",
            is_required=False,
        ),
        Check(name="agent programs", is_ok=True, detail=_installed(), is_required=False),
    ]


def _installed() -> str:
    try:
        found = [f"{it.name} {it.version}" for it in AGENTS.values() if is_installed(it)]
    except JourneymanError as error:
        return error.message
    return ", ".join(found) or "none yet: each is installed when a rollout first uses it"
