"""Pull requests and issues out of an exported file, as GitHub's API or `gh ... --json` writes them.

JSON or JSONL; pull requests and issues may be mixed in one file, in lists, under named keys, or in
the `nodes` of a GraphQL answer. What is not needed is passed over; nothing is fetched.

    export = read_export(Path("pulls.json"))
    export.pulls[41].title, export.issues[12].body
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError

__all__ = ["Export", "Issue", "Pull", "read_export"]

_HINT = "gh pr list --state merged --json number,title,body,mergeCommit,closingIssuesReferences"
_PULL_KEYS = frozenset((
    "mergeCommit", "merge_commit_sha", "mergedAt", "merged_at", "baseRefName", "headRefName",
    "base", "head", "pull_request", "closingIssuesReferences", "isDraft", "draft",
))  # fmt: skip
_CONTAINERS = (
    *("nodes", "edges", "node", "data", "repository", "search", "items"),
    *("pullRequests", "pull_requests", "pulls", "prs", "issues"),
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue's own words."""

    number: int
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Pull:
    """One merged pull request."""

    number: int
    title: str
    body: str
    merge_commit: str
    """The commit on the main line that it became, the last one where it was rebased."""
    merged_at: str
    subjects: tuple[str, ...]
    """First lines of its own commits, oldest first, where the export has them."""
    issues: tuple[int, ...]
    """Issues that the export says it closes."""
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """What one file tells, by number."""

    pulls: Mapping[int, Pull] = field(default_factory=dict)
    issues: Mapping[int, Issue] = field(default_factory=dict)

    def by_commit(self) -> dict[str, Pull]:
        """Return the pull requests by the commit that they became."""
        return {pull.merge_commit: pull for pull in self.pulls.values() if pull.merge_commit}


def read_export(path: Path) -> Export:
    """Read an export. Raises `JourneymanError` that names the file, and the line of a JSONL file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise JourneymanError(f"{path} does not exist", _HINT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise JourneymanError(f"cannot read {path}: {error}", _HINT) from None
    pulls: dict[int, Pull] = {}
    issues: dict[int, Issue] = {}
    for record in _records(path, text):
        for found in _items(record):
            _take(found, pulls, issues)
    if not pulls and not issues:
        raise JourneymanError(f"{path} holds no pull request and no issue", _HINT)
    return Export(pulls, issues)


def _records(path: Path, text: str) -> Iterator[Any]:
    try:
        yield json.loads(text)
        return
    except ValueError as error:
        first_error = error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as error:
            # A JSON file that spans lines is faulty where its own reader says so.
            reason = first_error if number == 1 else error
            raise JourneymanError(
                f"{path}:{_line(reason, number)}: not JSON: {reason}", _HINT
            ) from None


def _line(error: ValueError, number: int) -> int:
    return max(number, error.lineno) if isinstance(error, json.JSONDecodeError) else number


def _items(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object with a number and a title, however deep its containers are."""
    if isinstance(value, list):
        for item in value:
            yield from _items(item)
    elif isinstance(value, dict):
        if isinstance(value.get("number"), int) and isinstance(value.get("title"), str):
            yield value
            return
        for key in _CONTAINERS:
            if key in value:
                yield from _items(value[key])


def _take(item: Mapping[str, Any], pulls: dict[int, Pull], issues: dict[int, Issue]) -> None:
    if not _is_pull(item):
        issues[item["number"]] = _issue(item)
        return
    nested = list(
        _items([item.get(key) for key in ("closingIssuesReferences", "linkedIssues", "issues")])
    )
    for issue in nested:
        issues.setdefault(issue["number"], _issue(issue))
    pull = _pull(item)
    # The issues API lists pull requests too, with less in them.
    if pull.number not in pulls or pull.merge_commit:
        pulls[pull.number] = pull


def _is_pull(item: Mapping[str, Any]) -> bool:
    address = str(item.get("html_url") or item.get("url") or "")
    return bool(_PULL_KEYS & item.keys()) or "/pull/" in address or "/pulls/" in address


def _issue(item: Mapping[str, Any]) -> Issue:
    return Issue(item["number"], _text(item, "title"), _text(item, "body"))


def _pull(item: Mapping[str, Any]) -> Pull:
    merge = item.get("mergeCommit") or item.get("merge_commit_sha") or ""
    if isinstance(merge, Mapping):
        merge = merge.get("oid") or merge.get("sha") or ""
    return Pull(
        number=item["number"],
        title=_text(item, "title"),
        body=_text(item, "body"),
        merge_commit=str(merge),
        merged_at=str(item.get("mergedAt") or item.get("merged_at") or ""),
        subjects=tuple(_subjects(item.get("commits"))),
        issues=tuple(_numbers(item.get("closingIssuesReferences"))),
        labels=tuple(_names(item.get("labels"))),
    )


def _subjects(commits: Any) -> Iterator[str]:
    """Yield first lines of commits, in the shapes of `gh`, the REST API and GraphQL."""
    for item in _list(commits):
        inner = item.get("commit", item) if isinstance(item, Mapping) else {}
        if not isinstance(inner, Mapping):
            continue
        text = inner.get("messageHeadline") or inner.get("message") or ""
        if isinstance(text, str) and text:
            yield text.partition("\n")[0].strip()


def _numbers(references: Any) -> Iterator[int]:
    for item in _list(references):
        if isinstance(item, Mapping) and isinstance(item.get("number"), int):
            yield item["number"]


def _names(labels: Any) -> Iterator[str]:
    for item in _list(labels):
        name = item.get("name") if isinstance(item, Mapping) else item
        if isinstance(name, str):
            yield name


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        value = value.get("nodes")
    return value if isinstance(value, list) else []


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        return ""
    # JSON may hold half of a character, which no file of ours can.
    return value.replace("\r\n", "\n").encode("utf-8", "replace").decode()
