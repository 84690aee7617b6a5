"""Bodies taken away, to be written again from signature and documentation.

for bug in removed(repository, seed=1):
    print(bug.kind, bug.function)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from journeyman.tasks.bug import Bug, Unmade, make_bug
from journeyman.tasks.mutate.source import Edit
from journeyman.tasks.strategies.targets import (
    Target,
    list_targets,
    statements_after_docstring,
)

__all__ = ["bare_definition", "emptied", "removed"]

REMOVED = b"raise NotImplementedError"
MIN_METHODS = 2


def removed(root: Path, *, seed: int = 0, exclude: Collection[str] = ()) -> Iterator[Bug | Unmade]:
    """Yield a bug for every function and class that can be written again; documented ones first.

    A class keeps its name, bases, fields and the signatures and docstrings of its methods.
    """
    targets = list_targets(root, seed=seed, exclude=exclude)
    for target in sorted(targets, key=lambda target: not target.is_documented):
        bug = make_bug(
            "remove",
            f"{target.kind}_removed",
            {target.path: (target.source.data, emptied(target))},
            functions=(target.name,),
        )
        if bug is not None:
            yield bug


def emptied(target: Target) -> bytes:
    """Return the target's file with its bodies taken away; as it stands where that cannot be done."""
    data = target.source.data
    for edit in sorted(_edits(target), reverse=True):
        data = data[: edit.start] + edit.replacement + data[edit.end :]
    return data


def bare_definition(target: Target) -> str:
    """Return a definition with its bodies taken away: signature and documentation alone."""
    edits = (
        list(_emptied(target))
        if target.kind == "function"
        else [edit for inner in _methods(target) for edit in _emptied(inner)]
    )
    data, offset = target.source.data, target.node.start_byte
    code = data[offset : target.node.end_byte]
    for edit in sorted(edits, reverse=True):
        code = code[: edit.start - offset] + b"..." + code[edit.end - offset :]
    lines = code.decode().split("\n")
    return "\n".join([lines[0], *(line.removeprefix(target.indentation) for line in lines[1:])])


def _edits(target: Target) -> list[Edit]:
    if target.kind == "function":
        return list(_emptied(target))
    methods = [inner for inner in _methods(target) if list(_emptied(inner))]
    return (
        [edit for inner in methods for edit in _emptied(inner)]
        if len(methods) >= MIN_METHODS
        else []
    )


def _methods(target: Target) -> Iterator[Target]:
    body = target.node.child_by_field_name("body")
    for child in body.named_children if body else ():
        node = child.child_by_field_name("definition") or child
        if node.type == "function_definition":
            yield Target(target.source, node, target.name, "function")


def _emptied(target: Target) -> Iterator[Edit]:
    statements = statements_after_docstring(target.node)
    if statements:
        yield Edit(statements[0].start_byte, statements[-1].end_byte, REMOVED)
