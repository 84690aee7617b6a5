"""The shared kind that uses the wrong name: another variable of the same function and type."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.shared.reading import field_name
from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import shared_kind

__all__ = ["type_of"]

Bound = tuple[int, bytes, bytes]
"""Where a variable can be used from, its name, and its type as it is written."""

_NAMES = ("identifier", "variable_name")
_OWN = (b"self", b"this", b"$this", b"_", b"cls")
_NO_USE = (
    *("name", "pattern", "left", "function", "label", "declarator", "method", "field", "property"),
    *("key", "parameter", "parameters", "type", "constructor", "initializer", "receiver"),
)
_LISTS = (
    "formal_parameters",
    "parameters",
    "method_parameters",
    "block_parameters",
    "catch_clause",
)


@shared_kind("wrong_variable", "Another variable of the same function is used", "identifier")
def wrong_variable(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`return low` becomes `return high`; in a language with types, only where they are the same."""
    own, parent = text(site.node), site.node.parent
    if own in _OWN or parent is None or parent.type in _LISTS:
        return
    if field_name(site.node) in _NO_USE or parent.type.endswith("parameter"):
        return
    bound = [
        one for one in _bindings(site.scope, dialect.language) if one[0] < site.node.start_byte
    ]
    names = list(dict.fromkeys(name for _, name, _ in bound))
    kinds = {name: kind for _, name, kind in bound}
    if own not in kinds or (dialect.is_typed and not kinds[own]):
        return
    others = [name for name in names if name != own and kinds[name] == kinds[own]]
    index = sum(names.index(name) < names.index(own) for name in others)
    for other in others[max(0, index - 1) : index + 1]:
        yield site.replace(other)


def type_of(site: Site, node: Node, dialect: Dialect) -> bytes:
    """Return the type of a variable as its function declares it; b"" where that is not told."""
    found = _bindings(site.scope, dialect.language) if node.type in _NAMES else ()
    kinds = [kind for _, name, kind in found if name == text(node)]
    return kinds[-1] if kinds else b""


@lru_cache(maxsize=64)
def _bindings(scope: Node, language: str) -> tuple[Bound, ...]:
    """List the variables that a function binds, in order; not those of functions within."""
    dialect = dialect_of(language)
    found: list[Bound] = []
    stack = [scope]
    while stack:
        node = stack.pop()
        if node.type in dialect.functions and node.id != scope.id:
            continue
        if node.type in dialect.bindings:
            found.extend(_bound(node, *dialect.bindings[node.type]))
        stack.extend(reversed(node.children))
    return tuple(sorted(found))


def _bound(node: Node, name_field: str, type_field: str) -> Iterator[Bound]:
    kind = node.child_by_field_name(type_field) if type_field else None
    written = b" ".join(text(kind).split()) if kind is not None else b""
    if name_field:
        names = node.children_by_field_name(name_field)
    else:
        names = [one for one in node.named_children if one is not kind]
    for name in names:
        depth = b""
        while (inner := _inner(name)) is not None:
            depth += b"*" if "pointer" in name.type or "reference" in name.type else b""
            name = inner
        if name.type in _NAMES and text(name) not in _OWN:
            yield (
                node.end_byte if "assignment" in node.type else name.start_byte,
                text(name),
                written + depth,
            )


def _inner(node: Node) -> Node | None:
    """Follow a declarator to the name that it declares."""
    if node.type in _NAMES:
        return None
    found = node.child_by_field_name("declarator") or node.child_by_field_name("name")
    return found if found is not None and found.id != node.id else None
