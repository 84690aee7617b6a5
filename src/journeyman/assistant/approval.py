"""Who may do what: a person is asked before a file is changed and before a command is run.

approvals = Approvals("ask", view)
approvals.edit("a.py", before, after)
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["Approval", "Approvals", "Policy", "Refused", "View"]

Policy = Literal["ask", "edits", "all", "none"]
"""`edits` allows changes of files and asks before commands; `all` allows both, `none` neither."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person says."""

    is_given: bool
    is_for_all: bool = False
    """True to not be asked this kind of question again."""
    reason: str = ""
    """Why not, for the model."""


class View(Protocol):
    """Where a person sees what happens, and is asked."""

    def show(self, kind: str, text: str) -> None:
        """Show a part: `content`, `reasoning`, `call`, `answer`, `diff` or `note`."""
        ...

    def ask(self, kind: str, text: str) -> Approval:
        """Ask whether an `edit` (a diff) or a `command` may go ahead."""
        ...


class Refused(PermissionError):  # noqa: N818 - an answer to the agent, not an error
    """A person did not allow it; the text is told to the model."""


class Approvals:
    """What has been allowed so far."""

    def __init__(self, policy: Policy, view: View) -> None:
        self._allowed = {"edit": policy in ("edits", "all"), "command": policy == "all"}
        self._is_closed = policy == "none"
        self._view = view
        self.changed: list[str] = []
        """Files that were changed, each once, in order."""

    def edit(self, path: str, before: bytes | None, after: bytes) -> None:
        """Show a change, and ask. Raises `Refused`."""
        text = diff(path, before or b"", after)
        if self._allowed["edit"]:
            self._view.show("diff", text)
        else:
            self._ask("edit", text)
        if path not in self.changed:
            self.changed.append(path)

    def command(self, text: str) -> None:
        """Ask whether a command may be run. Raises `Refused`."""
        if not self._allowed["command"]:
            self._ask("command", text)

    def _ask(self, kind: str, text: str) -> None:
        if self._is_closed:
            self._view.show("diff" if kind == "edit" else "note", text)
            raise Refused(f"not allowed: nobody may approve a {kind} here")
        found = self._view.ask(kind, text)
        if not found.is_given:
            reason = f": {found.reason}" if found.reason else ""
            raise Refused(f"the user did not allow this {kind}{reason}")
        self._allowed[kind] = found.is_for_all


def diff(path: str, before: bytes, after: bytes) -> str:
    """Return the change of a file as a unified diff."""
    if b"\x00" in before + after:
        return f"{path}: binary, {len(before)} to {len(after)} bytes\n"
    old, new = (it.decode("utf-8", "replace").splitlines(keepends=True) for it in (before, after))
    lines = list(difflib.unified_diff(old, new, path if before else "/dev/null", path))
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
