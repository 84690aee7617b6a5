"""Whether a file says the same before and after: its syntax tree, without layout, comments or docs.

Python is compared by its syntax tree, so that a change of indentation counts and one of quotes, of
parentheses around a whole expression or of a trailing comma does not. Languages with braces are
compared by their tokens. A file of any other language differs whenever its bytes do.

    >>> compare("a.py", b"x = ('a',)\\n", b'x = ("a")\\n')
    'different'
    >>> compare("a.py", b"x = f('a')\\n", b'x = f(\\n    "a",\\n)\\n')
    'same'
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from tree_sitter import Node

from journeyman.tasks.convention import language_of
from journeyman.tasks.mine.tokens import BRACED, comments, tokens
from journeyman.tasks.mutate.source import is_docstring, parse

__all__ = ["Sameness", "compare"]

Sameness = Literal["same", "documentation", "different"]
"""`documentation`: the same but for docstrings or comments."""

_TRAILING = frozenset(("argument_list", "list", "dictionary", "set", "parameters"))
"""Where a comma before the closing bracket means nothing; in a tuple it may make one."""

_BODIES = frozenset(("module", "block"))


def compare(path: str, before: bytes, after: bytes) -> Sameness:
    """Compare two states of a file by what they say."""
    if before == after:
        return "same"
    language = language_of(path)
    if language == "python":
        return _compare_python(path, before, after)
    if language in BRACED and tokens(before) == tokens(after):
        return "same" if comments(before) == comments(after) else "documentation"
    return "different"


def _compare_python(path: str, before: bytes, after: bytes) -> Sameness:
    old, new = parse(path, before).tree.root_node, parse(path, after).tree.root_node
    if old.has_error or new.has_error:
        return "different"
    if list(_shape(old)) == list(_shape(new)):
        return "same" if _comments(old) == _comments(new) else "documentation"
    is_same = list(_shape(old, has_docs=False)) == list(_shape(new, has_docs=False))
    return "documentation" if is_same else "different"


def _shape(root: Node, *, has_docs: bool = True) -> Iterator[object]:
    """Yield the tree as a flat sequence: the kind of each node, its text where it is a leaf, its end."""
    stack: list[Node | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            yield None
            continue
        node = _unwrapped(node)
        if node.type == "string":
            yield _value(node)
            continue
        children = _children(node, has_docs=has_docs)
        yield node.type
        if not children:
            yield node.text if not node.child_count else b""
            continue
        stack.append(None)
        stack.extend(reversed(children))


def _comments(root: Node) -> list[bytes]:
    """Return the words of all comments; where they stand is layout."""
    found: list[Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type == "comment":
            found.append(node)
        stack.extend(node.children)
    return sorted(b" ".join((node.text or b"").strip(b"# ").split()) for node in found)


def _unwrapped(node: Node) -> Node:
    """Take parentheses off a whole expression, which change nothing but how it is laid out."""
    while node.type == "parenthesized_expression" and len(_said(node)) == 3:
        node = _said(node)[1]
    return node


def _said(node: Node) -> list[Node]:
    return [child for child in node.children if child.type not in ("comment", "line_continuation")]


def _children(node: Node, *, has_docs: bool) -> list[Node]:
    children = _said(node)
    if node.type in _TRAILING and len(children) > 2 and children[-2].type == ",":
        children.pop(-2)
    if node.type in _BODIES:
        children = [child for child in children if child.type != ";"]
        if not has_docs and children and _is_docstring(children[0]):
            children = children[1:]
    return children


def _is_docstring(node: Node) -> bool:
    return node.type == "expression_statement" and is_docstring(node)


def _value(node: Node) -> object:
    """Return what a string is rather than how it is quoted; an f-string is taken as it stands."""
    text = (node.text or b"").decode("utf-8", "replace")
    try:
        return ("string", ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return ("string as written", text)
