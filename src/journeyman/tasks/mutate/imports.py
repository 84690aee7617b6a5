"""Imports that a language refuses where nothing uses them, as Go does: they go with their last use.

edits = unused_imports(before, after)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.source import Edit, Source, text

__all__ = ["unused_imports"]

_USES = {"selector_expression": "operand", "qualified_type": "package"}
_VERSION = re.compile(rb"v\d+")


def unused_imports(before: Source, after: Source) -> list[Edit]:
    """Return the edits of a changed file that take out the imports which only its old state used."""
    kind = dialect_of(after.language).imports
    if not kind:
        return []
    gone = _used(before) - _used(after)
    found = [node for node in _nodes(after) if node.type == kind and _name_of(node) in gone]
    return [_removal(after, node) for node in found]


def _used(source: Source) -> set[bytes]:
    """Return the names before a stop; a variable of an import's name counts too, to its favour."""
    found = [
        node.child_by_field_name(_USES[node.type]) for node in _nodes(source) if node.type in _USES
    ]
    return {text(node) for node in found if node is not None}


def _name_of(node: Node) -> bytes:
    """Return what an import is called in its file, by the last part of its path if it says nothing."""
    name = node.child_by_field_name("name")
    if name is not None:
        return text(name)
    path = node.child_by_field_name("path")
    parts = text(path).strip(b'"`').split(b"/") if path is not None else [b""]
    if len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
        parts.pop()
    return re.sub(rb"^go-|\.v\d+$|\.go$|-go$", b"", parts[-1])


def _removal(source: Source, node: Node) -> Edit:
    """Take the import's own line out, or the whole declaration of a single one."""
    parent = node.parent
    is_single = parent is not None and parent.type == "import_declaration"
    gone = parent if is_single and parent is not None else node
    data = source.data
    start = data.rfind(b"\n", 0, gone.start_byte) + 1
    end = data.find(b"\n", gone.end_byte)
    is_alone = end >= 0 and not data[start : gone.start_byte].strip()
    if is_alone and not data[gone.end_byte : end].strip():
        return Edit(start, end + 1, b"")
    return Edit(gone.start_byte, gone.end_byte, b"")


def _nodes(source: Source) -> Iterator[Node]:
    stack = [source.tree.root_node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.children)
