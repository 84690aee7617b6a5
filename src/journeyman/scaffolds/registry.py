"""Scaffolds by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from journeyman.errors import JourneymanError
from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.bash import make_bash
from journeyman.scaffolds.editor import make_editor

__all__ = ["get_scaffold", "list_scaffolds"]

_MAKERS: dict[str, Callable[[], Scaffold]] = {"bash": make_bash, "editor": make_editor}


def get_scaffold(name: str) -> Scaffold:
    """Return a scaffold; `JourneymanError` with the nearest name if there is none."""
    if name in _MAKERS:
        return _MAKERS[name]()
    near = difflib.get_close_matches(name, _MAKERS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"scaffolds: {', '.join(_MAKERS)}"
    raise JourneymanError(f"unknown scaffold {name}", hint)


def list_scaffolds() -> list[str]:
    """Return the names of every scaffold, sorted."""
    return sorted(_MAKERS)
