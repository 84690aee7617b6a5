"""A change taken apart: the patch of the fix and the patch of the tests, or why it is no task.

Files are sorted by role; a source file that holds tests too is taken apart by hunk. Both patches apply
to the state before, and one after the other they give the state after, byte for byte, but for binary
documentation, which is left out.

    split = split_change(repository, change, SplitLimits())
    split.patch, split.test_patch
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from journeyman.errors import JourneymanError
from journeyman.tasks.convention import Role, is_test_module, language_of, path_role, role_of
from journeyman.tasks.mine.changes import Change
from journeyman.tasks.mine.hunks import Blocks, find_blocks
from journeyman.tasks.mine.plumbing import (
    LINK,
    SUBMODULE,
    ChangedFile,
    applied_tree,
    changed_files,
    diff_text,
    is_binary,
    read_blob,
    tree_with,
    write_blob,
)
from journeyman.tasks.mine.reasons import Refused
from journeyman.tasks.mine.sameness import Sameness, compare

__all__ = ["Split", "SplitLimits", "split_change"]


@dataclass(frozen=True, slots=True)
class SplitLimits:
    """How large a change may be."""

    max_files: int = 20
    """Files of the fix that are source."""
    max_lines: int = 800
    """Lines that those gain and lose together."""


@dataclass(frozen=True, slots=True)
class Split:
    """A fix and the tests that came with it, each as a Git diff on the state before."""

    patch: str
    test_patch: str
    sources: tuple[str, ...]
    """Source files that the fix makes or changes, sorted."""
    tests: tuple[str, ...]
    """Files of tests that are there afterwards, and that the test patch makes or changes, sorted."""
    language: str
    digest: str
    """Equal for changes that do the same to the source, wherever in a file or in history."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One changed file, and what of it belongs to the fix or to the tests."""

    file: ChangedFile
    role: Role
    before: bytes
    after: bytes
    blocks: Blocks | None = None
    """Set where both are in the file."""


def split_change(repository: Path, change: Change, limits: SplitLimits) -> Split | Refused:
    """Take a change apart. Objects that are missing are a reason, not an error."""
    try:
        return _Splitter(repository, change, limits).split()
    except JourneymanError as error:
        return Refused("missing_objects", f"{change.label}: {error.message}")


class _Splitter:
    """The steps of taking one change apart."""

    def __init__(self, repository: Path, change: Change, limits: SplitLimits) -> None:
        self._repository = repository
        self._change = change
        self._limits = limits

    def split(self) -> Split | Refused:
        """Return both patches, or the first reason that stands against them."""
        files = changed_files(self._repository, self._change.base, self._change.fixed)
        refused = self._unreadable(files)
        if refused:
            return refused
        parts = [self._part(file) for file in files]
        binary = next((part.file.path for part in parts if self._is_unwanted_binary(part)), None)
        if binary is not None:
            return self._refuse("binary", binary)
        parts = [part for part in parts if not (part.role == "docs" and _is_binary(part))]
        refused = self._pointless(parts)
        return refused or self._patches(parts)

    def _unreadable(self, files: Sequence[ChangedFile]) -> Refused | None:
        """Look for what no patch can carry, before anything is read."""
        if not files:
            return self._refuse("empty")
        for file in files:
            if file.has_mode(SUBMODULE):
                return self._refuse("submodule", file.path)
            if file.new_mode == LINK and self._leads_outside(file):
                return self._refuse("link_outside", file.path)
        sources = [file for file in files if path_role(file.path) in ("source", None)]
        if len(sources) > self._limits.max_files:
            return self._refuse("too_large", f"{len(sources)} source files")
        return None

    def _leads_outside(self, file: ChangedFile) -> bool:
        target = read_blob(self._repository, file.new).decode("utf-8", "replace")
        depth = len(PurePosixPath(file.path).parts) - 1
        for part in target.split("/"):
            depth += -1 if part == ".." else part not in ("", ".")
            if depth < 0:
                return True
        return target.startswith("/")

    def _part(self, file: ChangedFile) -> _Part:
        before = read_blob(self._repository, file.old)
        after = read_blob(self._repository, file.new)
        role = role_of(file.path, after or before)
        blocks = None
        if role == "source" and not is_binary(before + after):
            blocks = find_blocks(file.path, before, after)
            role = "test" if blocks.is_all_test else role
        return _Part(
            file, role, before, after, blocks if blocks and not blocks.is_all_code else None
        )

    def _is_unwanted_binary(self, part: _Part) -> bool:
        return part.role in ("source", "other", "dependencies") and _is_binary(part)

    def _pointless(self, parts: Sequence[_Part]) -> Refused | None:
        """Look for changes that fix nothing, or that nothing tests."""
        roles = Counter(part.role for part in parts)
        has_tests = bool(roles["test"]) or any(part.blocks for part in parts)
        sources = [part for part in parts if part.role == "source"]
        kinds = {compare(part.file.path, part.before, part.after) for part in sources}
        if "different" not in kinds:
            return self._refuse(_why_pointless(roles, kinds, has_tests=has_tests))
        for part in sources:
            if part.blocks and part.blocks.is_tangled:
                return self._refuse("inseparable", part.file.path)
        if not has_tests:
            return self._refuse("no_tests")
        num_lines = sum(_num_lines(part) for part in sources)
        if num_lines > self._limits.max_lines:
            return self._refuse("too_large", f"{num_lines} lines of source")
        return None

    def _patches(self, parts: Sequence[_Part]) -> Split | Refused:
        base = self._change.base
        fixed = self._tree(parts, is_test=False)
        tested = self._tree(parts, is_test=True)
        whole = tree_with(self._repository, base, {part.file.path: _after(part) for part in parts})
        patch = diff_text(self._repository, base, fixed)
        test_patch = diff_text(self._repository, base, tested)
        try:
            both = applied_tree(self._repository, base, [patch, test_patch])
        except JourneymanError:
            both = ""
        if both != whole:
            return self._refuse("inseparable")
        try:
            texts = patch.decode(), test_patch.decode()
        except UnicodeDecodeError:
            return self._refuse("not_utf8")
        return self._described(parts, *texts)

    def _tree(self, parts: Sequence[_Part], *, is_test: bool) -> str:
        """Return the state before with the parts of one side as they are afterwards."""
        entries: dict[str, tuple[str, str] | None] = {}
        for part in parts:
            if part.blocks:
                data = part.blocks.applied(is_test=is_test)
                mode = part.file.old_mode if is_test else part.file.new_mode
                entries[part.file.path] = (mode, write_blob(self._repository, data))
            elif (part.role == "test") == is_test:
                entries[part.file.path] = _after(part)
        return tree_with(self._repository, self._change.base, entries)

    def _described(self, parts: Sequence[_Part], patch: str, test_patch: str) -> Split:
        sources = [part for part in parts if part.role == "source"]
        languages = Counter(language_of(part.file.path) for part in sources)
        tests = [part for part in parts if part.role == "test" or part.blocks]
        return Split(
            patch=patch,
            test_patch=test_patch,
            sources=tuple(sorted(part.file.path for part in sources)),
            tests=tuple(
                sorted(
                    part.file.path
                    for part in tests
                    if not part.file.is_gone and (part.blocks or is_test_module(part.file.path))
                )
            ),
            language=min(languages, key=lambda name: (-languages[name], name)),
            digest=_digest(sources),
        )

    def _refuse(self, reason: str, detail: str = "") -> Refused:
        label = self._change.label
        return Refused(reason, f"{label}: {detail}" if detail else label)


def _after(part: _Part) -> tuple[str, str] | None:
    return None if part.file.is_gone else (part.file.new_mode, part.file.new)


def _is_binary(part: _Part) -> bool:
    return is_binary(part.before) or is_binary(part.after)


def _why_pointless(roles: Counter[Role], kinds: set[Sameness], *, has_tests: bool) -> str:
    if kinds:
        return "formatting_only" if kinds == {"same"} else "docs_only"
    if has_tests:
        return "tests_only" if not roles["other"] else "no_source"
    if roles["docs"] and not roles["other"] and not roles["dependencies"]:
        return "docs_only"
    return "dependencies_only" if roles["dependencies"] else "no_source"


def _num_lines(part: _Part) -> int:
    old, new = Counter(part.before.split(b"\n")), Counter(part.after.split(b"\n"))
    return (old - new).total() + (new - old).total()


def _digest(sources: Sequence[_Part]) -> str:
    """Tell what a change does to its files, as `git patch-id` does: lines without their blanks."""
    said = hashlib.sha256()
    for part in sources:
        old, new = _squeezed_lines(part.before), _squeezed_lines(part.after)
        moved = part.file.path, sorted((old - new).items()), sorted((new - old).items())
        said.update(repr(moved).encode("utf-8", "surrogateescape"))
    return said.hexdigest()


def _squeezed_lines(data: bytes) -> Counter[bytes]:
    return Counter(b"".join(line.split()) for line in data.split(b"\n"))
