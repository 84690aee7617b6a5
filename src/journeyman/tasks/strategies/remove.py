"""Bodies taken away, to be written again from signature and documentation.

for bug in removed(repository, seed=1):
    print(bug.kind, bug.function)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from journeyman.tasks.bug import Bug, Unmade, make_bug
from journeyman.tasks.mutate import parses_as_well
from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.imports import unused_imports
from journeyman.tasks.mutate.shared.unwritten import unwritten_body
from journeyman.tasks.mutate.source import Edit, parse
from journeyman.tasks.strategies.targets import (
    Target,
    list_targets,
    methods_of,
    statements_after_docstring,
)

__all__ = ["bare_definition", "emptied", "removed"]

REMOVED = b"raise NotImplementedError"
MIN_METHODS = 2


def removed(
    root: Path, *, seed: int = 0, exclude: Collection[str] = (), language: str = "python"
) -> Iterator[Bug | Unmade]:
    """Yield a bug for every function and class that can be written again; documented ones first.

    A class keeps its name, bases, fields and the signatures and documentation of its methods. Imports
    that nothing else used go along where the language refuses them.
    """
    targets = list_targets(root, seed=seed, exclude=exclude, language=language)
    for target in sorted(targets, key=lambda target: not target.is_documented):
        after = emptied(target)
        if not parses_as_well(target.source, after):
            continue
        bug = make_bug(
            "remove",
            f"{target.kind}_removed",
            {target.path: (target.source.data, after)},
            functions=(target.name,),
        )
        if bug is not None:
            yield bug


def emptied(target: Target) -> bytes:
    """Return the target's file with its bodies taken away; as it stands where that cannot be done."""
    source = target.source
    data = _edited(source.data, _edits(target))
    if source.language == "python" or data == source.data:
        return data
    after = parse(source.path, data, source.language)
    return _edited(data, unused_imports(source, after))


def bare_definition(target: Target) -> str:
    """Return a definition with its bodies taken away: signature and documentation alone."""
    edits = (
        list(_emptied(target))
        if target.kind == "function"
        else [edit for inner in methods_of(target) for edit in _emptied(inner)]
    )
    if target.language == "python":
        edits = [edit._replace(replacement=b"...") for edit in edits]
    offset = target.whole.start_byte
    code = target.source.data[offset : target.whole.end_byte]
    moved = [Edit(edit.start - offset, edit.end - offset, edit.replacement) for edit in edits]
    lines = _edited(code, moved).decode().split("\n")
    bare = [lines[0], *(line.removeprefix(target.indentation) for line in lines[1:])]
    return "\n".join([target.documentation, *bare] if target.documentation else bare)


def _edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    for edit in sorted(edits, reverse=True):
        data = data[: edit.start] + edit.replacement + data[edit.end :]
    return data


def _edits(target: Target) -> list[Edit]:
    if target.kind == "function":
        return list(_emptied(target))
    methods = [inner for inner in methods_of(target) if list(_emptied(inner))]
    return (
        [edit for inner in methods for edit in _emptied(inner)]
        if len(methods) >= MIN_METHODS
        else []
    )


def _emptied(target: Target) -> Iterator[Edit]:
    if target.language != "python":
        edit = unwritten_body(target.node, dialect_of(target.language))
        if edit is not None:
            yield edit
        return
    statements = statements_after_docstring(target.node)
    if statements:
        yield Edit(statements[0].start_byte, statements[-1].end_byte, REMOVED)
