"""A function whose body is yet to be written: its signature, and the language's way of saying so.

edit = unwritten_body(function, dialect)
"""

from __future__ import annotations

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.shared.reading import COMMENTS, statements_in
from journeyman.tasks.mutate.source import Edit, text

__all__ = ["body_lines", "unwritten_body"]


def body_lines(function: Node, dialect: Dialect) -> int:
    """Return how many lines the statements of a function take; 0 where it has no block of them."""
    body = function.child_by_field_name("body")
    statements = statements_in(body, dialect) if _is_block(body, dialect) else []
    if not statements:
        return 0
    return statements[-1].end_point.row - statements[0].start_point.row + 1


def unwritten_body(function: Node, dialect: Dialect) -> Edit | None:
    """Return the edit that takes a function's body away, with the comments in it.

    None where there is none to take, or where the language allows nothing in its place.
    """
    body = function.child_by_field_name("body")
    if body is None or not _is_block(body, dialect) or not dialect.unimplemented:
        return None
    if not statements_in(body, dialect) or _is_unremovable(function, dialect):
        return None
    inner = [one for one in body.named_children if one.type not in dialect.kept_first]
    if not any(one.type not in COMMENTS for one in inner):
        return None
    last = inner[-1]
    end = last.start_byte + len(text(last).rstrip())  # Go's list of statements ends with a newline
    return Edit(inner[0].start_byte, end, _unimplemented(function, dialect))


def _is_block(body: Node | None, dialect: Dialect) -> bool:
    return body is not None and body.type in dialect.blocks


def _is_unremovable(function: Node, dialect: Dialect) -> bool:
    """Look through a function's head, but not at its parameters."""
    body = function.child_by_field_name("body")
    left_out = [body, function.child_by_field_name("parameters")]
    stack = [function]
    while stack:
        node = stack.pop()
        if node.type in dialect.unremovable:
            return True
        left_out.append(node.child_by_field_name("parameters"))
        skipped = {one.id for one in left_out if one is not None}
        stack.extend(child for child in node.named_children if child.id not in skipped)
    return False


def _unimplemented(function: Node, dialect: Dialect) -> bytes:
    if b"{nothing}" not in dialect.unimplemented:
        return dialect.unimplemented
    values = b", ".join(_nothing(function, dialect))
    mark = b"{nothing}" if values else b" {nothing}"
    return dialect.unimplemented.replace(mark, values)


def _nothing(function: Node, dialect: Dialect) -> list[bytes]:
    """Return an empty value of each type that a function returns without naming it."""
    result = function.child_by_field_name(dialect.result)
    declared = function.child_by_field_name("declarator")
    scalar = dialect.roles.get("scalar", ())
    if result is not None and result.type in dialect.roles.get("marked", ()):
        result = result.child_by_field_name("type")  # C's PUBLIC(int)
    if result is None:
        return []
    if result.type == "parameter_list":
        is_named = any(one.child_by_field_name("name") for one in result.named_children)
        types = (
            [] if is_named else [one for one in result.named_children if one.type not in COMMENTS]
        )
    elif declared is not None and declared.type in scalar:
        return [b"0"]
    else:
        types = [] if text(result) == b"void" else [result]
    return [
        b"0" if one.type in scalar else dialect.nothing.replace(b"{type}", text(one))
        for one in types
    ]
