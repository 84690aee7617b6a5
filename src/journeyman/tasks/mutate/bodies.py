"""Kinds that take a whole body away, to be written again from its signature and docstring."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.source import Edit, Site, is_docstring
from journeyman.tasks.mutate.table import kind

__all__: list[str] = []

MIN_BODY_LINES = 3


@kind("function_body_removed", "A function is to be written again", "function_definition")
def function_body_removed(site: Site) -> Iterator[Edit]:
    """The body becomes `raise NotImplementedError`; signature and docstring stay."""
    statements = _body_statements(site.node)
    if not statements:
        return
    first, last = statements[0], statements[-1]
    if last.end_point.row - first.start_point.row + 1 >= MIN_BODY_LINES:
        yield Edit(first.start_byte, last.end_byte, b"raise NotImplementedError")


def _body_statements(function: Node) -> list[Node]:
    body = function.child_by_field_name("body")
    statements = [child for child in body.named_children if child.type != "comment"] if body else []
    if statements and statements[0].type == "expression_statement" and is_docstring(statements[0]):
        return statements[1:]
    return statements
