"""The places in a file of any language but Python where a bug can be put, found through its dialect.

A definition is a function or class with a name: what strategies take away or have written anew.

>>> source = parse("a.go", b"package p\\nfunc F(x int) bool { return x < 1 }\\n", "go")
>>> {site.function for site in walk_dialect(source, dialect_of("go"))}
{'F'}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.source import Site, Source, text

__all__ = ["Definition", "definitions_in", "walk_dialect"]


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class: the node that has its body, and its qualified name."""

    node: Node
    name: str
    kind: Literal["function", "class"]


def walk_dialect(source: Source, dialect: Dialect) -> Iterator[Site]:
    """Yield every node that lies in a function and may be changed, in file order.

    A function that the grammar could not read whole is left out.
    """
    stack: list[tuple[Node, str, Node | None]] = [(source.tree.root_node, "", None)]
    while stack:
        node, name, scope = stack.pop()
        if node.type in dialect.skipped or _is_test(node):
            continue
        is_function = node.type in dialect.functions
        if is_function or node.type in dialect.scopes:
            inner = _name_of(node)
            if inner in dialect.skipped_functions or (is_function and node.has_error):
                continue
            name = f"{name}.{inner}" if name and inner else name or inner
            scope = node if is_function and node.child_by_field_name("body") else scope
        if scope is not None:
            yield Site(source, node, name, scope)
        stack.extend((child, name, scope) for child in reversed(node.children))


def definitions_in(source: Source, dialect: Dialect) -> Iterator[Definition]:
    """Yield functions and classes in file order; what is defined in a function goes with it.

    A function without a name is looked into: it may be the shell of a whole module.
    """
    stack: list[tuple[Node, str]] = [(source.tree.root_node, "")]
    while stack:
        node, name = stack.pop()
        if node.type in dialect.skipped or _is_test(node):
            continue
        is_function = node.type in dialect.roles["function"]
        is_named = is_function or node.type in dialect.scopes
        inner = _name_of(node) if is_named else ""
        if inner in dialect.skipped_functions or (is_function and node.has_error):
            continue
        name = f"{name}.{inner}" if name and inner else name or inner
        if inner and node.child_by_field_name("body") is not None:
            if is_function:
                yield Definition(node, name, "function")
                continue
            if node.type in dialect.classes:
                yield Definition(node, name, "class")
        stack.extend((child, name) for child in reversed(node.children))


def _is_test(node: Node) -> bool:
    """Tell whether an item of Rust is compiled for tests alone."""
    if node.type not in ("mod_item", "function_item"):
        return False
    before = node.prev_named_sibling
    while before is not None and before.type in ("attribute_item", "line_comment"):
        if before.type == "attribute_item" and b"test" in text(before):
            return True
        before = before.prev_named_sibling
    return False


def _name_of(node: Node) -> str:
    """Return the name of a function or a class; a function that is a value has its holder's."""
    own = node.child_by_field_name("name") or _declared(node) or node.child_by_field_name("type")
    if own is None and node.parent is not None:
        fields = ("name", "key", "left", "property")
        held = (node.parent.child_by_field_name(field) for field in fields)
        own = next((name for name in held if name is not None and name.id != node.id), None)
    last = _last_word(text(own)) if own is not None else ""
    receiver = node.child_by_field_name("receiver")
    if receiver is not None:
        return f"{_last_word(text(receiver).partition(b'[')[0])}.{last}"
    return last


def _declared(node: Node) -> Node | None:
    """Follow the declarators of C down to the name."""
    found = node.child_by_field_name("declarator")
    while found is not None and (inner := found.child_by_field_name("declarator")) is not None:
        found = inner
    return found


def _last_word(written: bytes) -> str:
    words = "".join(
        sign if sign.isalnum() or sign in "_$?!" else " "
        for sign in written.partition(b"<")[0].decode("utf-8", "replace")
    ).split()
    return words[-1] if words else ""
