"""What a person sees of the assistant in a terminal, and how they are asked.

view = TerminalView(Console())
view.show("diff", "--- a.py\n+++ a.py\n…")
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from journeyman.assistant.approval import Approval

__all__ = ["TerminalView"]

_SHOWN_LINES = 12
# What a model or a program writes must not steer the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_QUESTION = "allow it? [y]es, [a]lways, [n]o, or say what to do instead: "
_WORDS = {"y": True, "yes": True, "a": True, "always": True, "n": False, "no": False, "": False}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


class TerminalView:
    """Shows everything on one console; the model's words as they come."""

    def __init__(
        self, console: Console, *, can_ask: bool = True, shows_content: bool = True
    ) -> None:
        self._console = console
        self._can_ask = can_ask
        self._shows_content = shows_content
        self._streamed = ""
        """The kind of text whose line is still open."""

    def show(self, kind: str, text: str) -> None:
        """Show a part of what happens."""
        text = _CONTROL.sub("", text)
        if kind in ("content", "reasoning"):
            self._stream(kind, text)
            return
        self.close_line()
        if kind == "diff":
            self._console.print(_coloured(text), end="", soft_wrap=True)
        elif kind == "call":
            self._console.print(Text(f"● {text}", style="bold"), soft_wrap=True)
        elif kind == "answer":
            self._console.print(Text(_first_lines(text), style="dim"), soft_wrap=True)
        else:
            self._console.print(Text(text, style="dim"), soft_wrap=True)

    def ask(self, kind: str, text: str) -> Approval:
        """Show what shall be done, and wait for an answer. Ctrl-C refuses, and ends the turn."""
        self.close_line()
        text = _CONTROL.sub("", text)
        shown = _coloured(text) if kind == "edit" else Text(f"$ {text}\n", style="yellow")
        self._console.print(shown, end="", soft_wrap=True)
        if not self._can_ask:
            return Approval(False, reason="nobody is there to ask")
        with _interruptible() as interrupts:
            self._console.print(Text(_QUESTION, style="bold"), end="")
            said = _typed_line(interrupts).strip()
        if said.lower() in _WORDS:
            return Approval(_WORDS[said.lower()], is_for_all=said.lower().startswith("a"))
        return Approval(False, reason=said)

    def close_line(self) -> None:
        """End the line of what was streamed."""
        if self._streamed:
            self._console.print()
        self._streamed = ""

    def _stream(self, kind: str, text: str) -> None:
        if kind == "content" and not self._shows_content:
            return
        if self._streamed not in ("", kind):
            self.close_line()
        self._streamed = kind
        style = "dim italic" if kind == "reasoning" else ""
        self._console.print(Text(text, style=style), end="", soft_wrap=True)


@contextmanager
def _interruptible() -> Iterator[int]:
    """Let Ctrl-C raise within a question; a running event loop would take note of it and wait on.

    Yields a descriptor that can be read from as soon as there was one.
    """
    interrupts, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    told = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    try:
        yield interrupts
    finally:
        signal.set_wakeup_fd(told)
        signal.signal(signal.SIGINT, before)
        os.close(interrupts)
        os.close(wakes)


def _typed_line(interrupts: int) -> str:
    """Return a line as it was typed, nothing at the end of input.

    `input` would lose a Ctrl-C that comes after the last check for one and before it waits.
    """
    select.select([sys.stdin, interrupts], [], [])
    return sys.stdin.readline()


def _coloured(diff: str) -> Text:
    made = Text()
    for line in diff.splitlines(keepends=True):
        is_head = line.startswith(("---", "+++"))
        made.append(line, style="bold" if is_head else _COLOURS.get(line[:1], ""))
    return made


def _first_lines(text: str) -> str:
    lines = text.splitlines()
    shown = [f"  {line}" for line in lines[:_SHOWN_LINES]]
    if len(lines) > _SHOWN_LINES:
        shown.append(f"  … {len(lines) - _SHOWN_LINES} lines more")
    return "\n".join(shown)
