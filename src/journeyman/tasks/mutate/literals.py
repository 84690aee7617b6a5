"""Kinds that change a literal: off-by-one, another constant, another default."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.source import Edit, Site
from journeyman.tasks.mutate.table import kind

__all__: list[str] = []

BOUNDARY_PARENTS = (
    "slice",
    "subscript",
    "comparison_operator",
    "binary_operator",
    "unary_operator",
)

MESSAGE_CALLS = (b"warn", b"debug", b"info", b"warning", b"error", b"exception", b"log", b"print")


@kind(
    "boundary_shift",
    "An index, a slice, a range or a limit is off by one",
    "integer",
    "slice",
    "call",
)
def boundary_shift(site: Site) -> Iterator[Edit]:
    """`x[1:]` becomes `x[2:]`; `range(n)` becomes `range(n - 1)`; `x[a:b]` becomes `x[a:b + 1]`."""
    if site.node.type == "integer":
        yield from _shifted_integer(site)
    elif site.node.type == "slice":
        for bound in site.node.named_children:
            yield from _shifted_name(site, bound)
    elif _callee(site.node) in (b"range", b"islice", b"xrange"):
        arguments = site.node.child_by_field_name("arguments")
        for argument in arguments.named_children if arguments else ():
            yield from _shifted_name(site, argument)


def _shifted_integer(site: Site) -> Iterator[Edit]:
    parent = site.node.parent
    value = _integer(site.text())
    if parent is None or value is None:
        return
    is_bound = parent.type in BOUNDARY_PARENTS or (
        parent.type == "argument_list" and _callee(parent.parent) in (b"range", b"islice")
    )
    if is_bound and not _in_annotation(site.node):
        yield site.replace(str(value + 1).encode())
        if value > 0:
            yield site.replace(str(value - 1).encode())


def _shifted_name(site: Site, bound: Node) -> Iterator[Edit]:
    if bound.type in ("identifier", "call", "attribute"):
        yield site.replace(site.text(bound) + b" - 1", bound)
        yield site.replace(site.text(bound) + b" + 1", bound)


def _in_annotation(node: Node | None) -> bool:
    while node is not None:
        if node.type == "type":
            return True
        node = node.parent
    return False


def _callee(node: Node | None) -> bytes:
    if node is None or node.type != "call":
        return b""
    function = node.child_by_field_name("function")
    if function is not None and function.type == "attribute":
        function = function.child_by_field_name("attribute")
    return (function.text or b"") if function is not None else b""


def _integer(digits: bytes) -> int | None:
    try:
        return int(digits) if digits.isdigit() else None
    except ValueError:
        return None


@kind(
    "wrong_constant",
    "A number, a text, a truth value or None is another one",
    "integer",
    "float",
    "string",
    "true",
    "false",
    "none",
)
def wrong_constant(site: Site) -> Iterator[Edit]:
    """`2` becomes `3`, `True` becomes `False`, `"utf-8"` becomes another text of the function."""
    parent = site.node.parent
    if parent is None or parent.type in (
        "default_parameter",
        "typed_default_parameter",
        "concatenated_string",
    ):
        return
    if site.node.type == "string" and _is_message(site.node):
        return
    for replacement in other_constants(site, site.node):
        yield site.replace(replacement)


def other_constants(site: Site, node: Node) -> Iterator[bytes]:
    """Yield literals that could stand in a literal's place by mistake."""
    written = site.text(node)
    if node.type == "integer" and (value := _integer(written)) is not None:
        yield str(value + 1 if value != 1 else 0).encode()
        if value > 2:
            yield str(value * 10 if value < 100 else value // 10).encode()
    elif node.type == "float":
        yield from _other_floats(written)
    elif node.type in ("true", "false"):
        yield b"False" if node.type == "true" else b"True"
    elif node.type == "none":
        yield b"0" if node.parent and node.parent.type == "return_statement" else b"False"
    elif node.type == "string":
        yield from _other_strings(site, node)


def _other_floats(written: bytes) -> Iterator[bytes]:
    try:
        value = float(written)
    except ValueError:
        return
    yield repr(value * 10 if value else 1.0).encode()
    yield repr(value / 2 if value else 0.5).encode()


def _other_strings(site: Site, node: Node) -> Iterator[bytes]:
    contents = [child for child in node.named_children if child.type == "string_content"]
    if any(child.type == "interpolation" for child in node.named_children) or len(contents) > 1:
        return
    if not contents:
        yield site.text(node)[:-1] + b" " + site.text(node)[-1:]
        return
    written, content = site.text(node), site.text(contents[0])
    before, after = written[: written.index(content)], written[-1:]
    if len(written) != len(before) + len(content) + 1 or b"\\" in content or len(content) > 40:
        return
    yield before + after
    if len(content) > 2:
        yield before + content[:-1] + after
        yield before + content.swapcase() + after


def _is_message(node: Node) -> bool:
    """Tell whether a text is only shown to people: an error, a warning, a log line."""
    current = node.parent
    while current is not None and current.type not in ("block", "module"):
        if current.type in ("raise_statement", "assert_statement"):
            return True
        if current.type == "call" and _callee(current) in MESSAGE_CALLS:
            return True
        current = current.parent
    return False


@kind(
    "default_argument_change",
    "A parameter has another default",
    "default_parameter",
    "typed_default_parameter",
)
def default_argument_change(site: Site) -> Iterator[Edit]:
    """`def f(strict=True)` becomes `def f(strict=False)`."""
    value = site.node.child_by_field_name("value")
    if value is None:
        return
    if value.type == "unary_operator" and value.named_child_count == 1:
        yield site.replace(site.text(value.named_children[0]), value)
    for replacement in other_constants(site, value):
        yield site.replace(replacement, value)
