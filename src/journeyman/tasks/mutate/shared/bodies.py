"""The shared kind that takes a whole body away, to be written again from its signature."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.shared.reading import statements_in
from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import shared_kind

__all__: list[str] = []

MIN_BODY_LINES = 3


@shared_kind("function_body_removed", "A function is to be written again", "function")
def function_body_removed(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """The body says that it is not there, or returns an empty value; the signature stays."""
    statements = statements_in(site.node.child_by_field_name("body"), dialect)
    if not statements:
        return
    first, last = statements[0], statements[-1]
    written = dialect.unimplemented or _nothing(site.node, dialect)
    if written and last.end_point.row - first.start_point.row + 1 >= MIN_BODY_LINES:
        yield Edit(first.start_byte, last.end_byte, written)


def _nothing(function: Node, dialect: Dialect) -> bytes:
    """Return a statement that gives an empty value: a crash would end the tests of a whole file."""
    if dialect.language == "go":
        return _nothing_of_go(function)
    kind = function.child_by_field_name("type")
    declared = function.child_by_field_name("declarator")
    if kind is None or declared is None:
        return b""
    is_void = text(kind) == b"void" and declared.type == "function_declarator"
    return b"return;" if is_void else b"return 0;"


def _nothing_of_go(function: Node) -> bytes:
    result = function.child_by_field_name("result")
    if result is None:
        return b"return"
    if result.type != "parameter_list":
        return b"var nothing " + text(result) + b"\n\treturn nothing"
    if any(one.child_by_field_name("name") for one in result.named_children):
        return b"return"
    types = [text(one) for one in result.named_children]
    names = [b"nothing%d" % number for number in range(1, len(types) + 1)]
    lines = [b"var " + name + b" " + kind for name, kind in zip(names, types, strict=True)]
    return b"\n\t".join([*lines, b"return " + b", ".join(names)])
