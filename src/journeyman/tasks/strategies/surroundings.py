"""What stands around a definition in any language but Python: what it is held by, what documents it.

documentation_of(source, whole_of(source, function))
"""

from __future__ import annotations

import textwrap

from tree_sitter import Node

from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.shared.reading import COMMENTS
from journeyman.tasks.mutate.source import Source

__all__ = ["ATTRIBUTES", "documentation_of", "leaves_of", "whole_of"]

ATTRIBUTES = ("attribute_item", "decorator", "marker_annotation", "annotation", "attribute_list")
"""What may stand between a comment and what it is about."""


def whole_of(source: Source, node: Node) -> Node:
    """Return the outermost node that is this definition alone: `const f = () => {…};`."""
    holders = dialect_of(source.language).holders
    while node.parent is not None and node.parent.type in holders:
        if any(one.type == node.type and one.id != node.id for one in node.parent.named_children):
            break
        node = node.parent
    return node


def documentation_of(source: Source, whole: Node) -> str:
    """Return the comment on the lines before a definition, dedented; "" for none."""
    data = source.data
    first = start = data.rfind(b"\n", 0, whole.start_byte) + 1
    while (above := _above(source, start)) is not None:
        start = data.rfind(b"\n", 0, above.start_byte) + 1
        if above.type in COMMENTS:
            first = start
    end = data.rfind(b"\n", 0, whole.start_byte) + 1
    return textwrap.dedent(data[first:end].decode()).strip("\r\n")


def leaves_of(
    node: Node,
    start: int,
    end: int,
    *,
    whole: tuple[str, ...] = (),
    skipped: tuple[str, ...] = COMMENTS,
) -> list[bytes]:
    """Return the words of a node from one byte to another, without the white space between them.

    Nodes of the types `whole` are words, whatever is in them; those of `skipped` are left out.
    """
    found: list[bytes] = []
    stack = [node]
    while stack:
        node = stack.pop()
        if node.end_byte <= start or node.start_byte >= end or node.type in skipped:
            continue
        if node.type in whole or not node.child_count:
            found.append(node.text or b"")
        else:
            stack.extend(reversed(node.children))
    return found


def _above(source: Source, start: int) -> Node | None:
    """Return the comment or attribute that ends on the line before a line's start."""
    if start < 2:
        return None
    line = source.data.rfind(b"\n", 0, start - 1) + 1
    written = source.data[line : start - 1].rstrip()
    if not written.strip():
        return None
    place = line + len(written) - 1
    node = source.tree.root_node.descendant_for_byte_range(place, place + 1)
    while node is not None and node.type not in (*COMMENTS, *ATTRIBUTES):
        node = node.parent
    is_alone = node is not None and not _before_on_line(source, node).strip()
    return node if is_alone else None


def _before_on_line(source: Source, node: Node) -> bytes:
    return source.data[source.data.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte]
