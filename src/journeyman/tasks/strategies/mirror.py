"""Old fixes undone on today's code: the reverse of a mined change, applied to the newest tree.

Where the lines of an old change are gone, a model may mend the reverse; without one the change is left
out. Only changes of files of the language that are still there count.

    for step in mirrored(project, repository):
        bug = step if isinstance(step, Bug | Unmade) else await step.make(asker)
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.asking import Asker
from journeyman.tasks.bug import Bug, Unmade, make_bug
from journeyman.tasks.git import git
from journeyman.tasks.mine import MineCandidate, MineConfig, plan_all
from journeyman.tasks.mutate import list_sources, parses_as_well, read_source
from journeyman.tasks.project import Project
from journeyman.tasks.strategies.prompts import MEND, ask_mend
from journeyman.tasks.tree import touched_paths

__all__ = ["MirroredFix", "apply_edits", "mirrored"]

_EDIT = re.compile(r"^<{7} SEARCH\n(.*?)^={7}\n(.*?)^>{7} REPLACE[ \t]*$", re.MULTILINE | re.DOTALL)
_FILE_DIFF = re.compile(r"^(?=diff --git )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MirroredFix:
    """A mined fix that is to be undone on a tree in which it may no longer stand as it was."""

    candidate: MineCandidate
    root: Path
    language: str = "python"

    @property
    def label(self) -> str:
        """Which change it undoes, for people."""
        return f"{self.candidate.label} pr_mirror"

    async def make(self, asker: Asker | None) -> Bug | Unmade:
        """Undo the fix; a file whose lines have moved on is mended by the model, if there is one."""
        changes: dict[str, tuple[bytes, bytes]] = {}
        for part in _FILE_DIFF.split(self.candidate.split.patch):
            for path in touched_paths([part]):
                before = (self.root / path).read_bytes()
                after = _reversed(path, part, before) or await self._mended(
                    asker, path, part, before
                )
                if isinstance(after, Unmade):
                    return after
                changes[path] = (before, after)
        if not all(self._is_sound(path, after) for path, (_, after) in changes.items()):
            return self._unmade("mirror_conflict", "the reverse does not compile today")
        number = self.candidate.change.number
        bug = make_bug(
            "pr_mirror",
            "pr_mirror",
            changes,
            source=f"#{number}" if number else self.candidate.change.fixed[:10],
        )
        return bug or self._unmade("mirror_conflict", "nothing of it is left to undo")

    async def _mended(
        self, asker: Asker | None, path: str, part: str, before: bytes
    ) -> bytes | Unmade:
        if asker is None:
            return self._unmade("mirror_conflict", f"{path} has moved on, and no model was given")
        answer = await asker.ask(
            MEND,
            ask_mend(path, part, before.decode()),
            about=f"{self.candidate.instance_id}:{path}",
        )
        if answer.failure:
            return self._unmade("model_refused", answer.failure)
        after = apply_edits(before.decode(), answer.text)
        if after is None:
            return self._unmade("model_unreadable", "no edits of the form that was asked for")
        return after.encode()

    def _is_sound(self, path: str, after: bytes) -> bool:
        """Tell whether a file is still text that compiles, or is read by its grammar as it was."""
        try:
            after.decode("utf-8")
        except UnicodeDecodeError:
            return False
        source = read_source(self.root, path, self.language)
        return source is not None and parses_as_well(source, after)

    def _unmade(self, reason: str, why: str) -> Unmade:
        return Unmade(reason=reason, example=f"{self.label}: {why}")


def mirrored(
    project: Project,
    root: Path,
    *,
    exclude: Collection[str] = (),
    limit: int | None = None,
    language: str = "python",
) -> Iterator[MirroredFix | Unmade]:
    """Yield the fixes of a history that touch only files of a language that `root` still has.

    Raises `JourneymanError` where the project has no history.
    """
    sources = set(list_sources(root, language=language))
    for step in plan_all(project, MineConfig(limit=limit)):
        if not isinstance(step, MineCandidate):
            continue
        paths = touched_paths([step.split.patch])
        if any(fnmatch(path, glob) for path in paths for glob in exclude):
            continue
        gone = [path for path in paths if path not in sources]
        is_plain = not re.search(
            r"^(new file|deleted file|rename) ", step.split.patch, re.MULTILINE
        )
        if gone or not is_plain:
            why = f"{gone[0]} is no source file today" if gone else "it makes or removes files"
            yield Unmade(reason="mirror_conflict", example=f"{step.label} pr_mirror: {why}")
        else:
            yield MirroredFix(step, root, language)


def apply_edits(text: str, answer: str) -> str | None:
    """Make the edits of a model's answer; None where one is malformed or its place is not clear."""
    edits = _EDIT.findall(answer.replace("\r\n", "\n"))
    if not edits or _EDIT.sub("", answer).count("<<<<<<<"):
        return None
    for search, replace in edits:
        if not search.strip() or text.count(search) != 1:
            return None
        text = text.replace(search, replace)
    return text


def _reversed(path: str, part: str, before: bytes) -> bytes | None:
    """Apply the reverse of one file's diff, with as little context as Git allows; None if it fails."""
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        folder = Path(scratch)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(before)
        try:
            git(folder, "apply", "--reverse", "-C1", "--whitespace=nowarn", "-",
                stdin=part.encode("utf-8", "surrogateescape"),
                env={"GIT_CEILING_DIRECTORIES": str(folder.parent)})  # fmt: skip
        except JourneymanError:
            return None
        return (folder / path).read_bytes()
