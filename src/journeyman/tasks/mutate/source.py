"""A parsed source file, and the places in it where a bug can be put.

A `Source` is bytes and a syntax tree; a `Site` is one node together with the function it lies in; an
`Edit` replaces a span of bytes. Nothing here decides what a good bug is: the kinds do.

    >>> source = parse("a.py", b"def f(x):\\n    return x < 1\\n")
    >>> [site.node.type for site in walk(source)][-3:]
    ['identifier', '<', 'integer']
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tree_sitter import Node, Tree

from journeyman.tasks.mutate.grammar import parser_of

__all__ = ["Edit", "Site", "Source", "apply_edit", "num_errors", "parse", "text", "walk"]


class Edit(NamedTuple):
    """Replace the bytes from `start` up to `end`."""

    start: int
    end: int
    replacement: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its path inside the project, its bytes and their syntax tree."""

    path: str
    data: bytes
    tree: Tree
    language: str = "python"


@dataclass(frozen=True, slots=True)
class Site:
    """A node inside a function."""

    source: Source
    node: Node
    function: str
    """Qualified name, e.g. `Stack.push`."""
    scope: Node
    """The innermost function around the node."""

    def text(self, node: Node | None = None) -> bytes:
        """Return the bytes of a node, by default of this site's."""
        return text(node or self.node)

    def replace(self, replacement: bytes, node: Node | None = None) -> Edit:
        """Return the edit that puts `replacement` where a node stands."""
        target = node or self.node
        return Edit(target.start_byte, target.end_byte, replacement)


SKIPPED_NODES = frozenset(
    {"decorator", "import_statement", "import_from_statement", "future_import_statement", "type"}
)
"""Subtrees in which a change is trivia or breaks the import."""

SKIPPED_FUNCTIONS = frozenset({"__repr__", "__str__", "__dir__", "__del__", "__sizeof__"})


def parse(path: str, data: bytes, language: str = "python") -> Source:
    """Parse the bytes of a file. Raises `JourneymanError` where its grammar is not installed."""
    return Source(path, data, parser_of(language, path).parse(data), language)


def num_errors(tree: Tree) -> int:
    """Count the places of a file that its grammar could not read."""
    if not tree.root_node.has_error:
        return 0
    count, stack = 0, [tree.root_node]
    while stack:
        node = stack.pop()
        count += node.is_error or node.is_missing
        stack.extend(child for child in node.children if child.has_error or child.is_missing)
    return count


def text(node: Node) -> bytes:
    """Return the bytes that a node spans."""
    return node.text or b""


def apply_edit(data: bytes, edit: Edit) -> bytes:
    """Return `data` with one edit made."""
    return data[: edit.start] + edit.replacement + data[edit.end :]


def walk(source: Source) -> Iterator[Site]:
    """Yield every node of a Python file that lies in a function and may be changed, in order."""
    yield from _walk(source, source.tree.root_node, "", None)


def _walk(source: Source, node: Node, name: str, scope: Node | None) -> Iterator[Site]:
    stack: list[tuple[Node, str, Node | None]] = [(node, name, scope)]
    while stack:
        node, name, scope = stack.pop()
        if _is_skipped(node):
            continue
        if node.type in ("function_definition", "class_definition"):
            own = node.child_by_field_name("name")
            inner = text(own).decode() if own else ""
            if inner in SKIPPED_FUNCTIONS:
                continue
            name = f"{name}.{inner}" if name else inner
            scope = node if node.type == "function_definition" else scope
        if scope is not None:
            yield Site(source, node, name, scope)
        stack.extend((child, name, scope) for child in reversed(node.children))


def _is_skipped(node: Node) -> bool:
    if node.type in SKIPPED_NODES:
        return True
    if node.type == "expression_statement":
        return is_docstring(node)
    if node.type == "if_statement":
        condition = node.child_by_field_name("condition")
        tested = text(condition) if condition else b""
        return b"TYPE_CHECKING" in tested or tested.startswith(b"__name__")
    if node.type == "decorated_definition":
        return any(
            b"overload" in text(child) for child in node.children if child.type == "decorator"
        )
    return False


def is_docstring(node: Node) -> bool:
    """Tell whether a statement is a bare string."""
    return node.named_child_count == 1 and node.named_children[0].type in (
        "string",
        "concatenated_string",
    )
