"""Scaffolds by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from journeyman.errors import JourneymanError
from journeyman.scaffolds.agents.catalogue import AGENTS, find_agent
from journeyman.scaffolds.answer import AnswerScaffold
from journeyman.scaffolds.base import Scaffold
from journeyman.scaffolds.bash import make_bash
from journeyman.scaffolds.calls import CallsScaffold
from journeyman.scaffolds.editor import make_editor
from journeyman.scaffolds.line import make_line, make_words
from journeyman.scaffolds.terminal.loop import TerminalLoop

__all__ = ["get_scaffold", "is_external", "list_scaffolds"]

_MAKERS: dict[str, Callable[[], Scaffold]] = {
    "answer": AnswerScaffold,
    "bash": make_bash,
    "calls": CallsScaffold,
    "editor": make_editor,
    "line": make_line,
    "terminal": lambda: TerminalLoop("terminal", "json"),
    "terminal-xml": lambda: TerminalLoop("terminal-xml", "xml"),
    "words": make_words,
}


def get_scaffold(name: str) -> Scaffold:
    """Return a scaffold; `JourneymanError` with the nearest name if there is none.

    External agents may be asked for in a version other than the pinned one: `aider@0.85.0`.
    """
    if name in _MAKERS:
        return _MAKERS[name]()
    agent = find_agent(name)
    if agent is not None:
        # Loads the gateway, which only a program that is a client of it needs.
        from journeyman.scaffolds.agents.external import ExternalAgent

        return ExternalAgent(agent)
    near = difflib.get_close_matches(name, list_scaffolds(), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"scaffolds: {', '.join(list_scaffolds())}"
    raise JourneymanError(f"unknown scaffold {name}", hint)


def is_external(name: str) -> bool:
    """Tell whether a scaffold is a program that calls its model through the gateway."""
    return name not in _MAKERS and find_agent(name) is not None


def list_scaffolds() -> list[str]:
    """Return the names of every scaffold, sorted."""
    return sorted([*_MAKERS, *AGENTS])
