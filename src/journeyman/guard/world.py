"""What is known of a sandbox between calls: the files that the agent wrote, and what it set up.

A file that is not listed exists or not; only what the agent wrote itself is known by its content.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace

from journeyman.guard.holes import UNKNOWN
from journeyman.guard.subject import Subject

__all__ = ["World"]

_MOST_CHARACTERS = 1 << 20
_HOME = "/home/agent"


@dataclass
class World:
    """The memory of one conversation."""

    subject: Subject
    files: dict[str, str] = field(default_factory=dict)
    """Contents by absolute path, of files that the agent wrote."""
    created: set[str] = field(default_factory=set)
    """Files that did not replace something else, as far as can be known."""
    git_aliases: dict[str, str] = field(default_factory=dict)
    url_aliases: dict[str, str] = field(default_factory=dict)
    """Git's `url.X.insteadOf Y` as Y: X."""
    has_stashed: bool = False
    """Whether the agent put a stash away itself, so that it may look at it."""

    def copy(self) -> World:
        """Return one that changes on its own; what is protected never changes."""
        return replace(
            self,
            files=dict(self.files),
            created=set(self.created),
            git_aliases=dict(self.git_aliases),
            url_aliases=dict(self.url_aliases),
        )

    def resolve(self, path: str, cwd: str = "") -> str:
        """Return an absolute, normalised path; `~` is the agent's home."""
        if path.startswith("~"):
            path = _HOME + path[1:]
        joined = posixpath.join(cwd or self.subject.workspace, path)
        return posixpath.normpath(joined).replace("//", "/")

    def read(self, path: str) -> str:
        """Return what a file holds; `UNKNOWN` where the agent did not write it."""
        if path in ("/dev/null", "/dev/zero"):
            return ""
        return self.files.get(path, UNKNOWN)

    def write(self, path: str, text: str, *, is_appended: bool = False) -> None:
        """Remember that the agent wrote a file."""
        if path.startswith("/dev/"):
            return
        if is_appended:
            text = self.files.get(path, UNKNOWN if path not in self.created else "") + text
        elif path not in self.files:
            self.created.add(path)
        self.files[path] = text[:_MOST_CHARACTERS]

    def remove(self, path: str) -> None:
        """Forget a file, or all files under a folder."""
        for known in [it for it in self.files if it == path or it.startswith(f"{path}/")]:
            del self.files[known]

    def is_in_workspace(self, path: str) -> bool:
        """Say whether an absolute path lies in the workspace."""
        return path == self.subject.workspace or path.startswith(f"{self.subject.workspace}/")
