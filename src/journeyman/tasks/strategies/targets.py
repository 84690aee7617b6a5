"""The functions and classes of a project in which a strategy may work, in an order that a seed gives.

>>> [target.name for target in list_targets(Path("src"))][:1]  # doctest: +SKIP
['Stack.push']
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tree_sitter import Node

from journeyman.tasks.mutate import list_sources
from journeyman.tasks.mutate.source import Source, is_docstring, parse, text

__all__ = ["Target", "find_target", "list_targets", "read_source", "targets_in"]

MIN_BODY_LINES = 3
MAX_LINES = 200
_SPECIAL = frozenset({"__repr__", "__str__", "__dir__", "__del__", "__sizeof__"})


@dataclass(frozen=True, slots=True)
class Target:
    """One function or class, with its place in a file."""

    source: Source
    node: Node
    name: str
    """Qualified, e.g. `Stack.push`."""
    kind: Literal["function", "class"]

    @property
    def path(self) -> str:
        """The file's path inside the project."""
        return self.source.path

    @property
    def code(self) -> str:
        """The definition as it stands in the file, its first line without indentation."""
        return text(self.node).decode()

    @property
    def indentation(self) -> str:
        """What stands before the definition's first line."""
        start = self.node.start_byte
        line = self.source.data.rfind(b"\n", 0, start) + 1
        before = self.source.data[line:start].decode()
        return before if not before.strip() else ""

    @property
    def label(self) -> str:
        """Where it is, for people."""
        return f"{self.path}:{self.node.start_point.row + 1} {self.name}"

    @property
    def is_documented(self) -> bool:
        """Whether it has a docstring."""
        body = _statements(self.node)
        return bool(body) and _is_docstring(body[0])


def list_targets(
    root: Path, *, seed: int = 0, exclude: Collection[str] = (), kinds: Collection[str] = ()
) -> list[Target]:
    """List what can be worked on, spread over the files; the same seed gives the same order."""
    files = [
        [target for target in targets_in(source) if not kinds or target.kind in kinds]
        for path in list_sources(root, exclude=exclude)
        if path.endswith(".py") and (source := read_source(root, path)) is not None
    ]
    for found in files:
        found.sort(key=lambda target: _shuffle_key(seed, target.path, target.name))
    ranked = [(turn, target) for found in files for turn, target in enumerate(found)]
    ranked.sort(key=lambda item: (item[0], _shuffle_key(seed, item[1].path, item[1].name)))
    return [target for _, target in ranked]


def read_source(root: Path, path: str) -> Source | None:
    """Parse a file of the project; None where it is no valid Python in UTF-8."""
    data = (root / path).read_bytes()
    try:
        compile(data, path, "exec", dont_inherit=True)
        data.decode("utf-8")
    except (SyntaxError, ValueError, RecursionError):
        return None
    source = parse(path, data)
    return None if source.tree.root_node.has_error else source


def targets_in(source: Source) -> Iterator[Target]:
    """Yield the functions and classes of a file that are worth working on, in its order."""
    yield from _targets(source, source.tree.root_node, "")


def find_target(source: Source, name: str) -> Target | None:
    """Return the definition of a qualified name, of any size; the last where there are several."""
    found = [target for target in _all(source, source.tree.root_node, "") if target.name == name]
    return found[-1] if found else None


def statements_after_docstring(node: Node) -> list[Node]:
    """Return the statements of a definition's body, comments and docstring left out."""
    body = _statements(node)
    return body[1:] if body and _is_docstring(body[0]) else body


def _targets(source: Source, node: Node, name: str) -> Iterator[Target]:
    for target in _all(source, node, name):
        num_lines = target.node.end_point.row - target.node.start_point.row + 1
        leaf = target.name.rpartition(".")[2]
        if leaf in _SPECIAL or num_lines > MAX_LINES:
            continue
        body = statements_after_docstring(target.node)
        if not body:
            continue
        num_body = body[-1].end_point.row - body[0].start_point.row + 1
        if num_body >= MIN_BODY_LINES:
            yield target


def _all(source: Source, node: Node, prefix: str) -> Iterator[Target]:
    """Walk modules, blocks and classes, but not functions, whose inner ones go with them."""
    for child in node.children:
        kind = {"function_definition": "function", "class_definition": "class"}.get(child.type)
        if kind is None:
            if child.type in ("decorated_definition", "if_statement", "block", "try_statement",
                              "else_clause", "except_clause"):  # fmt: skip
                yield from _all(source, child, prefix)
            continue
        own = child.child_by_field_name("name")
        inner = text(own).decode() if own else ""
        name = f"{prefix}.{inner}" if prefix else inner
        yield Target(source, child, name, "function" if kind == "function" else "class")
        body = child.child_by_field_name("body")
        if kind == "class" and body is not None:
            yield from _all(source, body, name)


def _statements(node: Node) -> list[Node]:
    body = node.child_by_field_name("body")
    return [child for child in body.named_children if child.type != "comment"] if body else []


def _is_docstring(node: Node) -> bool:
    return node.type == "expression_statement" and is_docstring(node)


def _shuffle_key(seed: int, path: str, name: str) -> str:
    return hashlib.sha256(f"{seed}|{path}|{name}".encode()).hexdigest()
