"""What the text of a commit or a pull request refers to: its own number, and the issues it closes.

Closing keywords are those that GitHub documents (close, fix and resolve, in three forms each); only
issues of the same repository count.

    >>> closed_issues("Fixes #12, closes other/place#3", "me/mine")
    (12,)
    >>> pull_number("Round up (#40) (#41)")
    41
"""

from __future__ import annotations

import re

__all__ = ["cherry_picked_from", "closed_issues", "pull_number", "reverted_commits"]

_CLOSING = re.compile(
    r"\b(?:clos(?:e|es|ed)|fix(?:es|ed)?|resolv(?:e|es|ed))\b:?\s+"
    r"(?:(?P<repo>[\w.-]+/[\w.-]+)?#(?P<number>\d+)"
    r"|GH-(?P<gh>\d+)"
    r"|https?://[^\s/]+/(?P<url_repo>[\w.-]+/[\w.-]+)/(?:-/)?issues/(?P<url_number>\d+))",
    re.IGNORECASE,
)
_PULL_NUMBERS = (
    re.compile(r"^Merge (?:pull request|PR) #(\d+)\b"),
    re.compile(r"^Merged PR (\d+):"),
    re.compile(r"\(pull request #(\d+)\)\s*$"),
    re.compile(r"\((?:#|GH-|!)(\d+)\)\s*$"),
)
_MERGE_REQUEST = re.compile(r"^See merge request \S*!(\d+)\s*$", re.MULTILINE)
_REVERTED = re.compile(r"\bThis reverts (?:commit|merge request|pull request) ([0-9a-f]{7,40})\b")
_CHERRY_PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{7,40})\)")


def closed_issues(text: str, repo: str = "") -> tuple[int, ...]:
    """Return the numbers of the issues that a text says it closes, in order, each once."""
    found: dict[int, None] = {}
    for match in _CLOSING.finditer(text):
        named = match["repo"] or match["url_repo"]
        if named and "/" in repo and named.lower() != repo.lower():
            continue
        found[int(match["number"] or match["gh"] or match["url_number"])] = None
    return tuple(found)


def pull_number(message: str) -> int | None:
    """Return the number of the pull request that a commit on the main line stands for."""
    subject = message.partition("\n")[0].strip()
    for pattern in _PULL_NUMBERS:
        if match := pattern.search(subject):
            return int(match[1])
    found = _MERGE_REQUEST.search(message)
    return int(found[1]) if found else None


def reverted_commits(message: str) -> tuple[str, ...]:
    """Return the commits, often abbreviated, that a message says it takes back."""
    return tuple(_REVERTED.findall(message))


def cherry_picked_from(message: str) -> tuple[str, ...]:
    """Return the commits of another branch that a message says it repeats."""
    return tuple(_CHERRY_PICKED.findall(message))
