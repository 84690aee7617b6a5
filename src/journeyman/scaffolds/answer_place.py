"""A definition put in the place of the one that a file holds, with what stands before it.

Imports and helpers of the answer go before the definition; decorators stay as the file has them where
the answer brings none.

    >>> with_definition("x = 1\\ndef f():\\n    ...\\n", "def f():\\n    return x", "f")
    'x = 1\\ndef f():\\n    return x\\n'
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence

__all__ = ["UnplaceableError", "with_definition"]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class UnplaceableError(Exception):
    """The answer cannot be put where the task wants it; the message says why."""


def with_definition(text: str, code: str, name: str) -> str:
    """Return the file's text with the definition of the qualified `name` replaced by the answer's.

    Raises `UnplaceableError` where the answer is no Python, does not define it, or the file does not.
    """
    code = textwrap.dedent(code)
    written = _find(_parse(code, "the answer").body, [name.rpartition(".")[2]]) or _find(
        _parse(code, "the answer").body, name.split(".")
    )
    standing = _find(_parse(text, "the file").body, name.split("."))
    if written is None:
        raise UnplaceableError(f"it does not define {name}")
    if standing is None:
        raise UnplaceableError(f"the file does not define {name}")
    answer, lines = code.split("\n"), text.split("\n")
    keeps = bool(standing.decorator_list) and not written.decorator_list
    first = (standing.lineno if keeps else _first(standing)) - 1
    body = answer[(written.lineno if keeps else _first(written)) - 1 : written.end_lineno]
    indentation = " " * standing.col_offset
    own = textwrap.dedent("\n".join(body)).split("\n")
    place = _first_of_outer(text, name)
    helpers = _helpers(_parse(code, "the answer").body, written, answer)
    return "\n".join(
        [
            *lines[:place],
            *helpers,
            *lines[place:first],
            *(indentation + line if line.strip() else line for line in own),
            *lines[standing.end_lineno :],
        ]
    )


def _parse(text: str, what: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UnplaceableError(f"{what} is no Python: {error}") from None


def _find(body: Sequence[ast.stmt], path: list[str]) -> _Definition | None:
    """Return the last definition of a path of names; conditions around it are looked into."""
    found = None
    for node in body:
        if isinstance(node, _Definition) and node.name == path[0]:
            found = node if len(path) == 1 else _find(node.body, path[1:])
        elif isinstance(node, ast.If | ast.Try):
            found = _find([*node.body, *node.orelse], path) or found
    return found


def _first(node: _Definition) -> int:
    return min([node.lineno, *(it.lineno for it in node.decorator_list)])


def _first_of_outer(text: str, name: str) -> int:
    """Return the index of the line on which the statement of the module that holds `name` begins."""
    target = _find(ast.parse(text).body, name.split("."))
    assert target is not None
    for node in ast.parse(text).body:
        if node.lineno <= target.lineno <= (node.end_lineno or node.lineno):
            return (_first(node) if isinstance(node, _Definition) else node.lineno) - 1
    return _first(target) - 1


def _helpers(body: Sequence[ast.stmt], written: _Definition, answer: list[str]) -> list[str]:
    """Return the answer's lines of imports, assignments and other definitions, each followed by none.

    What would run, such as a call that tries the function out, is left out.
    """
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, *_Definition.__args__)
    lines: list[str] = []
    for node in body:
        is_wanted = isinstance(node, kinds) and not _holds(node, written)
        if is_wanted and not _is_future(node):
            first = _first(node) if isinstance(node, _Definition) else node.lineno
            lines += answer[first - 1 : node.end_lineno]
            lines += ["", ""] if isinstance(node, _Definition) else []
    if lines and lines[-1]:
        lines += ["", ""]
    return lines


def _holds(node: ast.AST, written: _Definition) -> bool:
    return any(
        isinstance(it, _Definition)
        and (it.lineno, it.col_offset) == (written.lineno, written.col_offset)
        for it in ast.walk(node)
    )


def _is_future(node: ast.AST) -> bool:
    """`from __future__` may only stand at a file's top, which is the file's own business."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
