"""What a failing test was doing, as a few lines of code that stand on their own.

Reads the test's source, takes the statement that failed and the plain assignments it depends on.
Nothing is run. Names of test functions and files never appear in a snippet.
"""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from journeyman.tasks.foreign_snippet import statement_lines
from journeyman.tasks.probe import TestFailure

__all__ = ["Snippet", "find_snippet"]

MAX_SNIPPET_LINES = 14

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = (ast.With, ast.For, ast.If, ast.While, ast.Try, ast.AsyncWith, ast.AsyncFor)


@dataclass(frozen=True, slots=True)
class Snippet:
    """The code of one failed check."""

    code: str
    """The statement that failed, with what it needs before it."""
    called: tuple[str, ...]
    """Names of the functions and methods that the code calls, in order."""
    actual: str = ""
    """Left side of a failed comparison, as code."""
    expected: str = ""
    """Right side of a failed comparison for equality, as code."""
    is_check: bool = False
    """Whether the statement is an assertion; otherwise it merely raised."""


def find_snippet(repository: Path, failure: TestFailure) -> Snippet | None:
    """Return what a failed test was doing; None where its source does not show it."""
    if not failure.path.endswith(".py"):
        return _foreign(repository, failure)
    tree, lines = _parsed(repository / failure.path)
    function = _innermost(tree, failure.line) if tree is not None else None
    if function is None:
        return None
    statement = _statement_at(function.body, failure.line)
    if statement is None:
        return None
    needed = [*_needed(function, statement), statement]
    code = [*_parameter_lines(function, needed, failure), *(_source(lines, one) for one in needed)]
    text = "\n".join(code)
    if text.count("\n") >= MAX_SNIPPET_LINES:
        text = _source(lines, statement)
    actual, expected, is_check = _comparison(statement)
    called = tuple(dict.fromkeys(name for one in [statement, *needed] for name in _called(one)))
    return Snippet(text, called, actual, expected, is_check)


def _foreign(repository: Path, failure: TestFailure) -> Snippet | None:
    code = statement_lines(repository / failure.path, failure.line) if failure.path else ""
    called = tuple(dict.fromkeys(re.findall(r"(\w+[!?]?)\s*\(", code)))
    return Snippet(code, called) if code else None


@lru_cache(maxsize=64)
def _parsed(path: Path) -> tuple[ast.Module | None, tuple[str, ...]]:
    try:
        text = path.read_text(encoding="utf-8")
        return ast.parse(text), tuple(text.split("\n"))
    except (OSError, ValueError, SyntaxError):
        return None, ()


def _innermost(tree: ast.Module, line: int) -> _Function | None:
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, _Function) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(found, key=lambda node: node.lineno, default=None)


def _statement_at(body: list[ast.stmt], line: int) -> ast.stmt | None:
    """Return the smallest statement around a line; a `with` block stays whole."""
    for statement in body:
        if not statement.lineno <= line <= (statement.end_lineno or 0):
            continue
        if isinstance(statement, ast.With | ast.AsyncWith) and len(statement.body) <= 3:
            return statement
        if isinstance(statement, _BLOCKS):
            inner = [part for name in ("body", "orelse") for part in getattr(statement, name, [])]
            return _statement_at(inner, line) or statement
        return statement
    return None


def _needed(function: _Function, statement: ast.stmt) -> list[ast.stmt]:
    """List the assignments and definitions before a statement that it depends on, in order."""
    names = _names(statement)
    kept: list[ast.stmt] = []
    before = [one for one in ast.walk(function) if isinstance(one, ast.stmt)]
    for one in sorted(before, key=lambda one: one.lineno, reverse=True):
        if one is function or one.lineno >= statement.lineno or isinstance(one, _BLOCKS):
            continue
        if _bound(one) & names and (one.end_lineno or 0) < statement.lineno:
            kept.append(one)
            names |= _names(one)
    return _without_nested(kept[::-1])


def _without_nested(statements: list[ast.stmt]) -> list[ast.stmt]:
    inside = {id(part) for one in statements for part in ast.walk(one) if part is not one}
    return [one for one in statements if id(one) not in inside]


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, _Function | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AugAssign | ast.AnnAssign):
        targets = [statement.target]
    return {
        name.id
        for target in targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _called(node: ast.AST) -> list[str]:
    calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    names = [
        func.id if isinstance(func, ast.Name) else func.attr
        for func in calls
        if isinstance(func, ast.Name | ast.Attribute)
    ]
    return [name for name in names if not name.startswith("assert")]


def _parameter_lines(
    function: _Function, statements: list[ast.stmt], failure: TestFailure
) -> list[str]:
    used = set().union(*map(_names, statements))
    arguments = [argument.arg for argument in function.args.args]
    return [
        f"{name} = {failure.parameters[name]}"
        for name in arguments
        if name in used
        and failure.parameters.get(name, "")
        and "object at" not in failure.parameters[name]
    ]


def _source(lines: tuple[str, ...], statement: ast.stmt) -> str:
    start = min(
        [statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))]
    )
    return textwrap.dedent("\n".join(lines[start - 1 : statement.end_lineno]))


def _comparison(statement: ast.stmt) -> tuple[str, str, bool]:
    """Return both sides of an equality check, and whether the statement is a check at all."""
    if isinstance(statement, ast.Assert):
        test = statement.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            return ast.unparse(test.left), ast.unparse(test.comparators[0]), True
        return "", "", True
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        if (
            call.func.attr in ("assertEqual", "assertListEqual", "assertDictEqual")
            and len(call.args) > 1
        ):
            return ast.unparse(call.args[0]), ast.unparse(call.args[1]), True
        return "", "", call.func.attr.startswith("assert")
    return "", "", False
