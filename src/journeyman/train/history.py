"""Pull requests of a Git repository as training documents.

The steps of the main line are those that the factory mines tasks from: merges, squashes, commits that
were rebased together, with their words, what they close and the files before and after.

    for document in pull_requests(Path("toolz"), name="toolz", form="diff"): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from journeyman.tasks.mine.changes import Change, iterate_changes
from journeyman.tasks.mine.export import Export, read_export
from journeyman.tasks.mine.history import read_history
from journeyman.tasks.mine.plumbing import changed_files, is_binary, read_blob
from journeyman.train.documents import Document, FileChange, pull_request_document
from journeyman.train.documents.pull_request import Form

__all__ = ["pull_requests"]

_MOST_FILES = 8
_MOST_BYTES = 60_000


def pull_requests(
    repository: Path,
    *,
    name: str,
    form: Form,
    export: Path | None = None,
    trains_on_context: bool = True,
) -> Iterator[Document]:
    """Yield a document for each step that changes up to eight text files, newest first.

    Raises `JourneymanError` where there is no repository.
    """
    told = read_export(export) if export else Export()
    for change in iterate_changes(read_history(repository), told, repo=name):
        if isinstance(change, Change):
            files = _files(repository, change)
            words = _words(change, told)
            if files and words:
                yield pull_request_document(
                    name, words, files, form=form, trains_on_context=trains_on_context
                )


def _files(repository: Path, change: Change) -> list[FileChange]:
    """Return the text files of a step; none where there are too many, or one is too large or binary."""
    changed = changed_files(repository, change.base, change.fixed)
    if len(changed) > _MOST_FILES:
        return []
    found: list[FileChange] = []
    for file in changed:
        before, after = (read_blob(repository, sha) for sha in (file.old, file.new))
        if len(before) + len(after) > _MOST_BYTES or is_binary(before) or is_binary(after):
            return []
        try:
            found.append(FileChange(file.path, before.decode(), after.decode()))
        except UnicodeDecodeError:
            return []
    return found


def _words(change: Change, export: Export) -> str:
    """Return what was said: the issues that it closes where known, then its own title and body."""
    issues = [export.issues[it] for it in change.issues if it in export.issues]
    parts = [f"Issue #{it.number}: {it.title}\n\n{it.body}" for it in issues]
    if change.pull is not None:
        parts.append(f"{change.pull.title}\n\n{change.pull.body}")
    else:
        parts += [commit.message for commit in reversed(change.commits)]
    return "\n\n".join(it.strip() for it in parts if it.strip())
