"""The candidates of a history: changes that are in the window, taken apart, each once, each named.

No sandbox is opened here, and no code of the project runs.

    for candidate in plan(project, MineConfig(limit=100)):
        print(candidate)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.tasks.mine.changes import Change, iterate_changes
from journeyman.tasks.mine.export import Export, Issue, read_export
from journeyman.tasks.mine.history import History, read_history
from journeyman.tasks.mine.links import closed_issues
from journeyman.tasks.mine.plumbing import git_bytes
from journeyman.tasks.mine.reasons import Refused
from journeyman.tasks.mine.split import Split, SplitLimits, split_change
from journeyman.tasks.project import Project

__all__ = ["MineCandidate", "MineConfig", "moment", "plan"]

_MAX_BRANCH_COMMITS = 50


class MineConfig(Config):
    """Which pull requests are mined, and how carefully."""

    since: str = ""
    """Only what was merged on this day or later, ISO 8601."""
    until: str = ""
    """Only what was merged before this day, ISO 8601."""
    limit: int | None = Field(default=None, ge=1)
    """Pull requests and commits looked at, the newest first; all where none is given."""
    num_tasks: int | None = Field(default=None, ge=1)
    """Validated tasks after which mining ends; no bound where none is given."""
    prs: str = ""
    """File with an export of pull requests and issues, JSON or JSONL, as GitHub's API gives it."""
    model: str = ""
    """Model that builds an environment where lock files and conventions do not suffice."""
    max_files: int = Field(default=20, ge=1)
    """Source files that a fix may change."""
    max_lines: int = Field(default=800, ge=1)
    """Lines of source that a fix may take away and bring."""
    repeats: int = Field(default=2, ge=1)
    """How often each state is run, each time in a fresh sandbox."""
    concurrency: int | None = Field(default=None, ge=1)
    """Candidates tried at the same time; one for each processor where none is given."""


@dataclass(frozen=True, slots=True)
class MineCandidate:
    """A fix with its tests, not tried yet."""

    instance_id: str
    change: Change
    split: Split
    issues: tuple[Issue, ...]
    """That it closes, with their text."""
    titles: tuple[str, ...]
    """First lines that may say what was wrong, the best first."""
    body: str
    base_date: str
    """ISO 8601 date of the commit before it, UTC."""

    @property
    def label(self) -> str:
        """Which change it is, for people."""
        return self.change.label


def plan(project: Project, config: MineConfig) -> Iterator[MineCandidate | Refused]:
    """Yield what the main line offers, newest first: candidates, and why the rest is none.

    Raises `JourneymanError` for a wrong date, a wrong export and a history that cannot be read.
    """
    since, until = moment(config.since, "since"), moment(config.until, "until")
    if since and until and since >= until:
        raise JourneymanError(
            f"since {config.since} is not before until {config.until}", "give an earlier --since"
        )
    export = read_export(Path(config.prs)) if config.prs else Export()
    history = read_history(project.path, project.commit)
    return _Planner(project, config, export, history).candidates(since, until)


def moment(text: str, name: str) -> int | None:
    """Return the Unix time of an ISO 8601 date or moment, UTC where it names no zone."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise JourneymanError(
            f"--{name} {text} is no date", "write it like 2024-05-31 or 2024-05-31T12:00:00Z"
        ) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


class _Planner:
    def __init__(
        self, project: Project, config: MineConfig, export: Export, history: History
    ) -> None:
        self._project = project
        self._limits = SplitLimits(max_files=config.max_files, max_lines=config.max_lines)
        self._limit = config.limit
        self._export = export
        self._history = history
        self._names: set[str] = set()
        self._digests: dict[str, str] = {}

    def candidates(self, since: int | None, until: int | None) -> Iterator[MineCandidate | Refused]:
        num_seen = 0
        for step in iterate_changes(self._history, self._export, repo=self._project.repo):
            if not _is_within(step, since, until):
                continue
            if num_seen == self._limit:
                return
            num_seen += 1
            yield step if isinstance(step, Refused) else self._candidate(step)

    def _candidate(self, change: Change) -> MineCandidate | Refused:
        split = split_change(self._project.path, change, self._limits)
        if isinstance(split, Refused):
            return split
        twin = self._digests.setdefault(split.digest, change.label)
        if twin != change.label:
            return Refused("duplicate", f"{change.label}: as {twin}")
        titles, body = self._words(change)
        numbers = (number for number in change.issues if number in self._export.issues)
        base = self._history.commits[change.base]
        return MineCandidate(
            instance_id=self._name(change),
            change=change,
            split=split,
            issues=tuple(self._export.issues[number] for number in numbers),
            titles=tuple(titles),
            body=body,
            base_date=_iso(base.committed_at),
        )

    def _words(self, change: Change) -> tuple[list[str], str]:
        """Return the words on a change: the pull request's, else those of its commits."""
        if change.pull:
            return [change.pull.title], change.pull.body
        if change.shape != "merge_commit":
            return _words_of([one.message for one in reversed(change.commits)])
        # GitHub writes the pull request's title under the line that names the branch.
        title, _, rest = change.commits[0].body.partition("\n")
        titles, body = _words_of(self._branch_messages(change))
        told = "\n\n".join(part for part in (rest.strip(), body) if part)
        return [title, *titles] if title else titles, told

    def _branch_messages(self, change: Change) -> list[str]:
        """Return the messages of a merged branch, oldest first; merges have no words of their own."""
        arguments = ("--no-merges", "--reverse", "-z", "--format=%B")
        raw = git_bytes(
            self._project.path,
            *("log", *arguments, f"--max-count={_MAX_BRANCH_COMMITS}"),
            f"{change.base}..{change.fixed}",
        )
        return [part.strip() for part in raw.decode("utf-8", "replace").split("\0") if part.strip()]

    def _name(self, change: Change) -> str:
        """Name a task as SWE-bench does; a number that is used twice gets its commit beside it."""
        owner, _, name = self._project.repo.rpartition("/")
        stem = f"{owner or name}__{name}"
        found = f"{stem}-{change.number}" if change.number else f"{stem}-{change.fixed[:10]}"
        if found in self._names:
            found = f"{found}-{change.fixed[:10]}"
        self._names.add(found)
        return found


def _words_of(messages: Sequence[str]) -> tuple[list[str], str]:
    """Return first lines, those of commits that close an issue first, and all that is below them."""
    ranked = sorted(messages, key=lambda message: not closed_issues(message))
    bodies = [message.partition("\n")[2].strip() for message in messages]
    titles = [message.partition("\n")[0] for message in ranked]
    return titles, "\n\n".join(body for body in bodies if body)


def _is_within(step: Change | Refused, since: int | None, until: int | None) -> bool:
    at = step.merged_at or 0
    return (since is None or at >= since) and (until is None or at < until)


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
