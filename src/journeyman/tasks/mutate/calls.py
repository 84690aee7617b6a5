"""Kinds that change a call: its arguments, its function, or whether it happens."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from journeyman.tasks.mutate.source import Edit, Site
from journeyman.tasks.mutate.table import kind

__all__: list[str] = []

CONFUSABLE_PAIRS: tuple[tuple[bytes, bytes], ...] = (
    (b"min", b"max"),
    (b"any", b"all"),
    (b"lstrip", b"rstrip"),
    (b"startswith", b"endswith"),
    (b"upper", b"lower"),
    (b"append", b"extend"),
    (b"add", b"discard"),
    (b"keys", b"values"),
    (b"split", b"rsplit"),
    (b"partition", b"rpartition"),
    (b"find", b"rfind"),
    (b"floor", b"ceil"),
    (b"issubset", b"issuperset"),
    (b"union", b"intersection"),
    (b"islice", b"takewhile"),
    (b"takewhile", b"dropwhile"),
    (b"filter", b"filterfalse"),
    (b"isinstance", b"issubclass"),
    (b"popleft", b"pop"),
    (b"appendleft", b"append"),
    (b"ljust", b"rjust"),
    (b"encode", b"decode"),
)


def _confusable() -> dict[bytes, bytes]:
    table = dict(CONFUSABLE_PAIRS)
    return table | {right: left for left, right in CONFUSABLE_PAIRS if right not in table}


CONFUSABLE = _confusable()


def _arguments(node: Node) -> list[Node]:
    arguments = node.child_by_field_name("arguments")
    if arguments is None or arguments.type != "argument_list":
        return []
    return [child for child in arguments.named_children if child.type != "comment"]


def _is_positional(node: Node) -> bool:
    return node.type not in ("keyword_argument", "list_splat", "dictionary_splat")


@kind("swapped_arguments", "Two positional arguments of a call are exchanged", "call")
def swapped_arguments(site: Site) -> Iterator[Edit]:
    """`f(a, b)` becomes `f(b, a)`; what stands between them stays."""
    positional = [node for node in _arguments(site.node) if _is_positional(node)]
    for left, right in pairwise(positional):
        if site.text(left) != site.text(right):
            between = site.source.data[left.end_byte : right.start_byte]
            swapped = site.text(right) + between + site.text(left)
            yield Edit(left.start_byte, right.end_byte, swapped)


@kind("dropped_call", "A call made for its effect does not happen", "expression_statement")
def dropped_call(site: Site) -> Iterator[Edit]:
    """The statement `self.check(x)` becomes `pass`."""
    if site.node.named_child_count == 1 and site.node.named_children[0].type == "call":
        yield site.replace(b"pass")


@kind("unwrapped_call", "A call that converts or cleans a value is lost", "call")
def unwrapped_call(site: Site) -> Iterator[Edit]:
    """`sorted(x)` becomes `x`, `x.strip()` becomes `x`."""
    function, arguments = site.node.child_by_field_name("function"), _arguments(site.node)
    if function is None or _is_statement(site.node):
        return
    if len(arguments) == 1 and _is_positional(arguments[0]) and function.type == "identifier":
        if not site.text(function).startswith(b"super"):
            yield site.replace(_as_operand(site.text(arguments[0]), arguments[0]))
    elif function.type == "attribute" and not arguments:
        owner = function.child_by_field_name("object")
        if owner is not None and owner.type in ("identifier", "attribute", "subscript", "string"):
            yield site.replace(site.text(owner))


def _is_statement(node: Node) -> bool:
    return node.parent is not None and node.parent.type in (
        "expression_statement",
        "raise_statement",
    )


def _as_operand(written: bytes, node: Node) -> bytes:
    is_plain = node.type in (
        "identifier",
        "attribute",
        "subscript",
        "call",
        "string",
        "list",
        "tuple",
    )
    return written if is_plain else b"(" + written + b")"


@kind("dropped_keyword", "A keyword argument is forgotten", "call")
def dropped_keyword(site: Site) -> Iterator[Edit]:
    """`sorted(x, key=f)` becomes `sorted(x)`."""
    arguments = _arguments(site.node)
    for before, argument in zip([None, *arguments], arguments, strict=False):
        if argument.type == "keyword_argument" and before is not None:
            yield Edit(before.end_byte, argument.end_byte, b"")


@kind("wrong_function", "A function that is easily mistaken for another is called", "call")
def wrong_function(site: Site) -> Iterator[Edit]:
    """`min(x)` becomes `max(x)`, `x.lstrip()` becomes `x.rstrip()`."""
    function = site.node.child_by_field_name("function")
    if function is not None and function.type == "attribute":
        function = function.child_by_field_name("attribute")
    if function is not None and site.text(function) in CONFUSABLE:
        yield site.replace(CONFUSABLE[site.text(function)], function)
