"""Shared kinds that change a call: its arguments, its function, or whether it happens."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.shared.names import type_of
from journeyman.tasks.mutate.shared.reading import (
    argument_nodes,
    field_name,
    is_simple,
    removal,
    statement_of,
)
from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import shared_kind

__all__: list[str] = []

PAIRS: tuple[tuple[bytes, bytes], ...] = (
    (b"min", b"max"),
    (b"Min", b"Max"),
    (b"floor", b"ceil"),
    (b"Floor", b"Ceil"),
    (b"startsWith", b"endsWith"),
    (b"starts_with", b"ends_with"),
    (b"start_with?", b"end_with?"),
    (b"HasPrefix", b"HasSuffix"),
    (b"TrimPrefix", b"TrimSuffix"),
    (b"TrimLeft", b"TrimRight"),
    (b"trimStart", b"trimEnd"),
    (b"trim_start", b"trim_end"),
    (b"lstrip", b"rstrip"),
    (b"ltrim", b"rtrim"),
    (b"toUpperCase", b"toLowerCase"),
    (b"ToUpper", b"ToLower"),
    (b"to_uppercase", b"to_lowercase"),
    (b"upcase", b"downcase"),
    (b"strtoupper", b"strtolower"),
    (b"toupper", b"tolower"),
    (b"push", b"unshift"),
    (b"pop", b"shift"),
    (b"array_push", b"array_unshift"),
    (b"array_pop", b"array_shift"),
    (b"indexOf", b"lastIndexOf"),
    (b"Index", b"LastIndex"),
    (b"index", b"rindex"),
    (b"strpos", b"strrpos"),
    (b"strchr", b"strrchr"),
    (b"find", b"rfind"),
    (b"some", b"every"),
    (b"any?", b"all?"),
    (b"any", b"all"),
    (b"first", b"last"),
    (b"select", b"reject"),
    (b"keys", b"values"),
    (b"array_keys", b"array_values"),
    (b"is_some", b"is_none"),
    (b"is_ok", b"is_err"),
    (b"take", b"skip"),
    (b"begin", b"end"),
    (b"front", b"back"),
    (b"push_back", b"push_front"),
    (b"slice", b"splice"),
    (b"filter", b"map"),
    (b"isEmpty", b"isBlank"),
    (b"addFirst", b"addLast"),
    (b"getFirst", b"getLast"),
    (b"addAll", b"removeAll"),
)
CONFUSABLE = dict(PAIRS) | {right: left for left, right in PAIRS}
_NOT_POSITIONAL = (
    *("spread_element", "pair", "splat_argument", "hash_splat_argument"),
    "variadic_unpacking",
)


@shared_kind("swapped_arguments", "Two arguments of a call are exchanged", "call")
def swapped_arguments(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`f(a, b)` becomes `f(b, a)`; what stands between them stays."""
    given = [one for one in argument_nodes(site.node, dialect) if one.type not in _NOT_POSITIONAL]
    for left, right in pairwise(given):
        is_same_kind = not dialect.is_typed or _same_type(site, left, right, dialect)
        if text(left) != text(right) and is_same_kind:
            between = site.source.data[left.end_byte : right.start_byte]
            yield Edit(left.start_byte, right.end_byte, text(right) + between + text(left))


def _same_type(site: Site, left: Node, right: Node, dialect: Dialect) -> bool:
    """Tell whether two arguments may be of one type: literals of a kind, or variables declared so."""
    one, other = type_of(site, left, dialect), type_of(site, right, dialect)
    return left.type == right.type and one == other


@shared_kind("dropped_call", "A call made for its effect does not happen", "call")
def dropped_call(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """The statement `this.check(x);` is taken out; a value that a block ends with is none."""
    statement = statement_of(site.node, dialect)
    if statement is None or (dialect.language == "ruby" and statement.next_named_sibling is None):
        return
    if dialect.language != "ruby" and statement.type not in dialect.roles["statement"]:
        return
    yield removal(site, statement)


@shared_kind("unwrapped_call", "A call that converts or cleans a value is lost", "call")
def unwrapped_call(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`f(x)` becomes `x`, `x.trim()` becomes `x`; not where a type would have to change."""
    given = argument_nodes(site.node, dialect)
    if statement_of(site.node, dialect) is not None or b"\n" in text(site.node):
        return
    owner = _owner(site.node)
    if len(given) == 1 and owner is None and not dialect.is_typed:
        if is_simple(_inner(given[0])) and field_name(site.node) != "constructor":
            yield site.replace(text(given[0]))
    elif not given and owner is not None and is_simple(owner):
        yield site.replace(text(owner))


def _inner(argument: Node) -> Node:
    is_wrapped = argument.type == "argument" and argument.named_child_count == 1
    return argument.named_children[0] if is_wrapped else argument


def _owner(node: Node) -> Node | None:
    """Return what a method is called on."""
    own = node.child_by_field_name("receiver") or node.child_by_field_name("object")
    if own is not None:
        return own
    function = node.child_by_field_name("function")
    for field in ("object", "operand", "value", "argument", "expression"):
        found = function.child_by_field_name(field) if function is not None else None
        if found is not None:
            return found
    return None


@shared_kind("wrong_function", "A function that is easily mistaken for another is called", "call")
def wrong_function(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`Math.min(x, y)` becomes `Math.max(x, y)`."""
    name = _called(site.node)
    if name is not None and text(name) in CONFUSABLE:
        yield site.replace(CONFUSABLE[text(name)], name)


def _called(node: Node) -> Node | None:
    """Return the name of the function or method that is called."""
    own = node.child_by_field_name("method") or node.child_by_field_name("name")
    if own is not None:
        return own
    function = node.child_by_field_name("function")
    for field in ("property", "field", "name"):
        found = function.child_by_field_name(field) if function is not None else None
        if found is not None:
            return found
    return function
