"""The lines of a source file that are tests, for languages that put both into one file.

Python's are found in its syntax tree; those of the other languages by the line that opens a test and
the end of its block. A file that is a test by its path never comes here.

    >>> test_lines("a.rs", b"fn f() {}\\n#[cfg(test)]\\nmod tests {\\n    fn g() {}\\n}\\n")
    {2, 3, 4, 5}
"""

from __future__ import annotations

import re

from tree_sitter import Node

from journeyman.tasks.convention import language_of
from journeyman.tasks.mine.tokens import block_end
from journeyman.tasks.mutate.source import parse

__all__ = ["test_lines"]

_JS = re.compile(r"^(describe|it|test)(\.\w+)*\(|^if \(import\.meta\.vitest\)")
_C = re.compile(r"^(TEST|TEST_F|TEST_P|TYPED_TEST|TEST_CASE|SCENARIO|BOOST_AUTO_TEST_CASE)\s*\(")
_OPENINGS: dict[str, re.Pattern[str]] = {
    "rust": re.compile(r"^\s*#\[(cfg\((all\()?test\b|(\w+::)*test\b|rstest\b)"),
    "javascript": _JS,
    "typescript": _JS,
    "java": re.compile(r"^\s*@(Test|ParameterizedTest|RepeatedTest)\b"),
    "c": _C,
    "cpp": _C,
    "go": re.compile(r"^func (Test|Benchmark|Fuzz|Example)[A-Z_]\w*\("),
    "php": re.compile(r"^\s*(final )?class \w+ extends \S*TestCase\b"),
}
_RUBY = re.compile(
    r"^(RSpec\.describe|describe|class \w+ < (Minitest::Test|Test::Unit::TestCase))\b"
)


def test_lines(path: str, data: bytes) -> set[int]:
    """Return the numbers, from 1, of the lines of a file that belong to tests."""
    language = language_of(path)
    if language == "python":
        return _python_lines(path, data)
    lines = data.decode("utf-8", "replace").split("\n")
    if language == "ruby":
        return _ruby_lines(lines)
    opening = _OPENINGS.get(language)
    return _block_lines(lines, opening) if opening else set()


test_lines.__test__ = False  # type: ignore[attr-defined]


def _python_lines(path: str, data: bytes) -> set[int]:
    found: set[int] = set()
    for node in parse(path, data).tree.root_node.children:
        inner = (
            node.child_by_field_name("definition") if node.type == "decorated_definition" else node
        )
        if inner is not None and _is_python_test(inner):
            found.update(range(node.start_point.row + 1, node.end_point.row + 2))
    return found


def _is_python_test(node: Node) -> bool:
    name = node.child_by_field_name("name")
    text = (name.text or b"").decode(errors="replace") if name else ""
    if node.type == "function_definition":
        return text.startswith("test_")
    if node.type != "class_definition":
        return False
    above = node.child_by_field_name("superclasses")
    return bool(above and b"TestCase" in (above.text or b"")) or _has_test_methods(node, text)


def _has_test_methods(node: Node, name: str) -> bool:
    """pytest's rule: a class called Test-something with test methods."""
    return name.startswith("Test") and b"def test_" in (node.text or b"")


def _block_lines(lines: list[str], opening: re.Pattern[str]) -> set[int]:
    found: set[int] = set()
    for index, line in enumerate(lines):
        if index + 1 not in found and opening.match(line):
            found.update(range(index + 1, block_end(lines, index) + 2))
    return found


def _ruby_lines(lines: list[str]) -> set[int]:
    """A block at the top ends with the next `end` at the top."""
    found: set[int] = set()
    is_inside = False
    for number, line in enumerate(lines, start=1):
        is_inside = is_inside or bool(_RUBY.match(line))
        if is_inside:
            found.add(number)
        if line.startswith("end"):
            is_inside = False
    return found
