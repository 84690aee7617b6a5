"""Shared kinds that change a literal: off by one, another number, another truth, another text."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import shared_kind

__all__: list[str] = []

MAX_TEXT = 40
BOUNDARIES = frozenset(
    (
        *("binary_expression", "binary", "subscript_expression", "index_expression", "range"),
        *("slice_expression", "element_reference", "array_access", "range_expression"),
        *("subscript", "unary_expression", "unary", "unary_op_expression", "bracketed_argument_list"),
        *("subscript_argument_list", "element_access_expression"),
    )
)  # fmt: skip
CALLS = ("arguments", "argument_list", "argument")
MESSAGES = (
    b"Error",
    b"error",
    b"rror(",
    b"xception",
    b"panic",
    b"warn",
    b"log",
    b"print",
    b"raise",
)


@shared_kind("boundary_shift", "An index, a range or a limit is off by one", "number")
def boundary_shift(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`x[1]` becomes `x[2]`, `a < 10` becomes `a < 9`."""
    parent = site.node.parent
    written = text(site.node)
    if parent is None or parent.type not in (*BOUNDARIES, *CALLS) or not written.isdigit():
        return
    yield site.replace(str(int(written) + 1).encode())
    if int(written) > 0:
        yield site.replace(str(int(written) - 1).encode())


@shared_kind("wrong_constant", "A number, a truth value or a text is another one",
             "number", "boolean", "string")  # fmt: skip
def wrong_constant(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`2` becomes `20`, `true` becomes `false`, `"utf8"` becomes another text."""
    written = text(site.node)
    if site.node.type in dialect.roles["string"]:
        if not _is_message(site.node):
            yield from _other_texts(site)
    elif written.lower() in (b"true", b"false"):
        other = b"false" if written.lower() == b"true" else b"true"
        yield site.replace(other.upper() if written.isupper() else other)
    elif written.isdigit():
        value = int(written)
        yield site.replace(str(value * 10 if value > 1 else 1 - value).encode())
    elif site.node.type in dialect.roles["number"]:
        yield from _other_fractions(site)


def _other_fractions(site: Site) -> Iterator[Edit]:
    try:
        value = float(text(site.node))
    except ValueError:
        return
    yield site.replace(repr(value * 10 if value else 1.0).encode())


def _other_texts(site: Site) -> Iterator[Edit]:
    """Change a plain text between its quotation marks; escapes and insertions are left alone."""
    written = text(site.node)
    mark, content = written[:1], written[1:-1]
    if mark not in (b'"', b"'") or written[-1:] != mark or not content.strip():
        return
    if set(content) & set(b"\\%#${}") or len(content) > MAX_TEXT or not content.isascii():
        return
    yield site.replace(mark + mark)
    if len(content) > 2:
        yield site.replace(mark + content[:-1] + mark)
        if content.swapcase() != content:
            yield site.replace(mark + content.swapcase() + mark)


def _is_message(node: Node) -> bool:
    """Tell whether a text is only shown to people, or names a module: an error, a log line."""
    current, depth = node.parent, 0
    while current is not None and depth < 4:
        head = text(current)[:60]
        is_call = any(word in current.type for word in ("call", "throw", "creation"))
        if is_call and (any(word in head for word in MESSAGES) or head.startswith(b"require")):
            return True
        current, depth = current.parent, depth + 1
    return False
