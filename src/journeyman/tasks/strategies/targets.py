"""The functions and classes of a project in which a strategy may work, in an order that a seed gives.

>>> [target.name for target in list_targets(Path("src"))][:1]  # doctest: +SKIP
['Stack.push']
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from tree_sitter import Node

from journeyman.tasks.mutate import list_sources, read_source
from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.shared.unwritten import body_lines
from journeyman.tasks.mutate.source import Source, is_docstring, text
from journeyman.tasks.mutate.walk import definitions_in
from journeyman.tasks.strategies.surroundings import documentation_of, whole_of

__all__ = [
    "Target",
    "all_targets",
    "find_target",
    "list_targets",
    "methods_of",
    "statements_after_docstring",
    "targets_in",
]

MIN_BODY_LINES = 3
MAX_LINES = 200
_SPECIAL = frozenset({"__repr__", "__str__", "__dir__", "__del__", "__sizeof__"})


@dataclass(frozen=True)
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
    def language(self) -> str:
        """The file's language."""
        return self.source.language

    @property
    def leaf(self) -> str:
        """The name without what it lies in."""
        return self.name.rpartition(".")[2]

    @cached_property
    def whole(self) -> Node:
        """The definition with what belongs to it, e.g. the variable whose value the function is."""
        return self.node if self.language == "python" else whole_of(self.source, self.node)

    @property
    def code(self) -> str:
        """The definition as it stands in the file, its first line without indentation."""
        return text(self.whole).decode()

    @property
    def indentation(self) -> str:
        """The white space that the definition's first line begins with."""
        start = self.whole.start_byte
        line = self.source.data.rfind(b"\n", 0, start) + 1
        before = self.source.data[line:start].decode()
        return before[: len(before) - len(before.lstrip())]

    @property
    def label(self) -> str:
        """Where it is, for people."""
        return f"{self.path}:{self.node.start_point.row + 1} {self.name}"

    @property
    def documentation(self) -> str:
        """The comment before it, where a language documents so; Python's docstring is in the code."""
        return "" if self.language == "python" else documentation_of(self.source, self.whole)

    @property
    def is_documented(self) -> bool:
        """Whether it has a docstring, or a comment before it."""
        if self.language != "python":
            return bool(self.documentation)
        body = _statements(self.node)
        return bool(body) and _is_docstring(body[0])


def list_targets(
    root: Path,
    *,
    seed: int = 0,
    exclude: Collection[str] = (),
    kinds: Collection[str] = (),
    language: str = "python",
) -> list[Target]:
    """List what can be worked on, spread over the files; the same seed gives the same order."""
    files = [
        [target for target in targets_in(source) if not kinds or target.kind in kinds]
        for path in list_sources(root, exclude=exclude, language=language)
        if (source := read_source(root, path, language)) is not None
    ]
    for found in files:
        found.sort(key=lambda target: _shuffle_key(seed, target.path, target.name))
    ranked = [(turn, target) for found in files for turn, target in enumerate(found)]
    ranked.sort(key=lambda item: (item[0], _shuffle_key(seed, item[1].path, item[1].name)))
    return [target for _, target in ranked]


def targets_in(source: Source) -> Iterator[Target]:
    """Yield the functions and classes of a file that are worth working on, in its order."""
    for target in all_targets(source):
        num_lines = target.node.end_point.row - target.node.start_point.row + 1
        is_ordinary = target.leaf not in _SPECIAL and num_lines <= MAX_LINES
        if is_ordinary and _num_body_lines(target) >= MIN_BODY_LINES:
            yield target


def all_targets(source: Source) -> Iterator[Target]:
    """Yield the functions and classes of a file, of any size, in its order."""
    if source.language == "python":
        yield from _all(source, source.tree.root_node, "")
        return
    for found in definitions_in(source, dialect_of(source.language)):
        yield Target(source, found.node, found.name, found.kind)


def find_target(source: Source, name: str) -> Target | None:
    """Return the definition of a qualified name, of any size; the last where there are several."""
    found = [target for target in all_targets(source) if target.name == name]
    return found[-1] if found else None


def methods_of(target: Target) -> list[Target]:
    """Return the functions that stand in a class itself, in the file's order."""
    if target.language == "python":
        body = target.node.child_by_field_name("body")
        nodes = [
            it.child_by_field_name("definition") or it
            for it in (body.named_children if body else ())
        ]
        return [
            Target(target.source, node, target.name, "function")
            for node in nodes
            if node.type == "function_definition"
        ]
    return [
        inner
        for inner in all_targets(target.source)
        if inner.kind == "function"
        and target.node.start_byte <= inner.node.start_byte < target.node.end_byte
        and inner.name == f"{target.name}.{inner.leaf}"
    ]


def statements_after_docstring(node: Node) -> list[Node]:
    """Return the statements of a definition's body in Python, comments and docstring left out."""
    body = _statements(node)
    return body[1:] if body and _is_docstring(body[0]) else body


def _num_body_lines(target: Target) -> int:
    if target.language != "python":
        dialect = dialect_of(target.language)
        if target.kind == "function":
            return body_lines(target.node, dialect)
        return sum(body_lines(inner.node, dialect) for inner in methods_of(target))
    body = statements_after_docstring(target.node)
    return body[-1].end_point.row - body[0].start_point.row + 1 if body else 0


def _all(source: Source, node: Node | None, prefix: str) -> Iterator[Target]:
    """Walk Python's modules, blocks and classes, but not functions, whose inner ones go with them."""
    for child in node.children if node is not None else ():
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
