"""What a failing test was doing, in any language but Python: its statement around the failing line.

The statement is found in the syntax tree, with the neighbours before it that it takes a name from.
Nothing is run. Names of test functions never appear, for only statements within them are shown.
"""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache
from pathlib import Path

from tree_sitter import Node

from journeyman.tasks.convention import language_of
from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.dialects import DIALECTS
from journeyman.tasks.mutate.grammar import is_installed
from journeyman.tasks.mutate.source import Source, parse, text

__all__ = ["statement_lines"]

MAX_LINES = 14
MAX_NEEDED = 4
_NAME = re.compile(rb"[A-Za-z_]\w*")
_COMPLAINS = re.compile(rb"^\w+\.(Error|Errorf|Fatal|Fatalf|Fail|FailNow|Log|Logf)\b")
_BLOCK_TESTS = ("ruby", "cpp")
"""Languages whose tests may stand in blocks that are no functions."""

_BARE = frozenset((b"const", b"let", b"var", b"int", b"char", b"assert", b"self", b"this", b"t"))


def statement_lines(path: Path, line: int) -> str:
    """Return the code of the statement at a line, counted from 1; "" where there is none to show."""
    source = _parsed(path) if line else None
    if source is None:
        return ""
    dialect = DIALECTS[source.language]
    statement = _statement_at(source.tree.root_node, line - 1, dialect)
    if statement is None or statement.end_point.row - statement.start_point.row >= MAX_LINES:
        return ""
    shown = [*_needed(statement, dialect), statement]
    lines = shown[-1].end_point.row - shown[0].start_point.row + 1
    return _code(source, shown if lines <= MAX_LINES else [statement])


@lru_cache(maxsize=32)
def _parsed(path: Path) -> Source | None:
    language = language_of(path.name)
    if language not in DIALECTS or not is_installed(language):
        return None
    try:
        return parse(path.name, path.read_bytes(), language)
    except OSError:
        return None


def _statement_at(root: Node, row: int, dialect: Dialect) -> Node | None:
    """Return the smallest statement around a row that lies in a function's block."""
    found: Node | None = None
    stack = [root]
    while stack:
        node = stack.pop()
        if not node.start_point.row <= row <= node.end_point.row:
            continue
        parent = node.parent
        if parent is not None and parent.type in dialect.blocks and node.is_named:
            is_inside = any(one.type in dialect.functions for one in _above(node))
            is_inside = is_inside or dialect.language in _BLOCK_TESTS
            found = node if is_inside else found
        stack.extend(reversed(node.children))
    if found is not None and _COMPLAINS.match(text(found)):
        around = next((one for one in _above(found) if one.type == "if_statement"), None)
        return around or found
    return found


def _above(node: Node) -> list[Node]:
    found: list[Node] = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def _needed(statement: Node, dialect: Dialect) -> list[Node]:
    """Return the statements before one, without a gap, that bind a name which it uses."""
    names = set(_NAME.findall(text(statement))) - _BARE
    kept: list[Node] = []
    before = statement.prev_named_sibling
    while before is not None and len(kept) < MAX_NEEDED:
        head = text(before).split(b"\n")[0].partition(b"=")
        if not head[1] or not names & set(_NAME.findall(head[0])):
            break
        kept.insert(0, before)
        names |= set(_NAME.findall(text(before)))
        before = before.prev_named_sibling
    return kept


def _code(source: Source, shown: list[Node]) -> str:
    lines = source.data.decode("utf-8", "replace").split("\n")
    return textwrap.dedent(
        "\n".join(lines[shown[0].start_point.row : shown[-1].end_point.row + 1])
    ).strip("\n")
