"""Calls of a function that may become its tests: from its documentation, its uses, and variations.

>>> [it.call for it in documented("Add.\\n\\n>>> add(1, 2)\\n3\\n", "add")]
['add(1, 2)']
"""

from __future__ import annotations

import ast
import doctest
import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Proposal", "documented", "guessed", "index_uses", "is_call_of", "varied"]

_LONGEST_CALL = 400
_MOST_USES = 30
_MOST_FILES = 2000
_MOST_BYTES = 1 << 20
_Setup = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef


class Proposal(NamedTuple):
    """A call, and what has to be run before it."""

    call: str
    """A Python expression in which the function is called."""
    setup: str = ""
    wanted: str = ""
    """What the documentation prints for it; empty where it prints nothing or nothing plain."""


def documented(documentation: str, leaf: str) -> list[Proposal]:
    """Return the examples of a docstring that call the function; earlier statements are their setup."""
    found: list[Proposal] = []
    setup = ""
    try:
        examples = doctest.DocTestParser().get_examples(documentation)
    except ValueError:  # e.g. blanks that do not agree
        return []
    for example in examples:
        tree = _parsed(example.source)
        if tree is None:
            continue
        if all(isinstance(node, _Setup) for node in tree.body):
            setup += example.source
        elif is_call_of(example.source.strip(), leaf):
            wanted = "" if example.options or example.exc_msg else example.want.strip()
            found.append(Proposal(example.source.strip(), setup, wanted))
    return found


def index_uses(root: Path) -> dict[str, list[str]]:
    """Return calls with plain values in all Python files of a project, by the function's bare name."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for path in itertools.islice(sorted(root.rglob("*.py")), _MOST_FILES):
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            continue
        tree = _parsed(path.read_text(encoding="utf-8", errors="replace"))
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Call) and (name := _called(node)) and _is_plain(node):
                call = ast.unparse(_with_name(node, name))
                if len(call) <= _LONGEST_CALL and len(found[name]) < _MOST_USES:
                    found[name][call] = None
    return {name: list(calls) for name, calls in found.items()}


def varied(calls: Iterable[str], *, seed: int, number: int) -> list[str]:
    """Return calls with one plain argument changed each, spread over the given ones."""
    chance = random.Random(seed)  # noqa: S311
    trees = [tree for call in calls if (tree := _plain_call(call)) is not None]
    found: dict[str, None] = {}
    for _ in range(4 * number):
        if len(found) >= number or not trees:
            break
        copied: Any = ast.parse(ast.unparse(chance.choice(trees)), mode="eval").body
        holders: list[Any] = [(copied.args, index) for index in range(len(copied.args))]
        holders += [(keyword, "value") for keyword in copied.keywords]
        if not holders:
            break
        holder, key = chance.choice(holders)
        old = holder[key] if isinstance(holder, list) else holder.value
        new = ast.parse(repr(_changed(ast.literal_eval(old), chance)), mode="eval").body
        if isinstance(holder, list):
            holder[key] = new
        else:
            holder.value = new
        found[ast.unparse(copied)] = None
    return list(found)


def guessed(node: ast.FunctionDef, *, seed: int, number: int) -> list[str]:
    """Return calls from annotations, defaults and names alone, for a function that nobody calls."""
    chance = random.Random(seed)  # noqa: S311
    arguments = [*node.args.posonlyargs, *node.args.args]
    required = arguments[: len(arguments) - len(node.args.defaults)]
    found: dict[str, None] = {}
    for _ in range(4 * number):
        values = [chance.choice(_pool(it)) for it in required]
        keywords = [
            f"{it.arg}={chance.choice(_pool(it))!r}"
            for it, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if default is None
        ]
        found[f"{node.name}({', '.join([*map(repr, values), *keywords])})"] = None
        if len(found) >= number:
            break
    return list(found)


def is_call_of(call: str, leaf: str) -> bool:
    """Tell whether a text is one expression, not too long, in which the function is called."""
    if len(call) > _LONGEST_CALL:
        return False
    try:
        tree = ast.parse(call, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == leaf
        for node in ast.walk(tree)
    )


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _is_plain(node: ast.Call) -> bool:
    """Tell whether every argument is a value that is written out."""
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    if any(keyword.arg is None for keyword in node.keywords):
        return False
    return all(not isinstance(value, ast.Starred) and _is_literal(value) for value in values)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _with_name(node: ast.Call, name: str) -> ast.Call:
    return ast.Call(func=ast.Name(id=name), args=node.args, keywords=node.keywords)


def _plain_call(call: str) -> ast.Call | None:
    try:
        tree = ast.parse(call, mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        return None
    return tree if _is_plain(tree) else None


def _changed(value: Any, chance: random.Random) -> Any:
    """Return a neighbour of a value, of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice([value + 1, value - 1, -value, 0, 2 * value + 3])
    if isinstance(value, float):
        return chance.choice([-value, 0.0, value / 2, value + 1.5])
    if isinstance(value, str | bytes | list | tuple):
        return _rearranged(value, chance)
    if isinstance(value, dict) and value:
        gone = chance.choice(list(value))
        return {key: it for key, it in value.items() if key != gone}
    if isinstance(value, set) and value:
        return set(sorted(value, key=repr)[1:])
    return value


def _rearranged(value: Any, chance: random.Random) -> Any:
    half = len(value) // 2
    choices = [value[:0], value[::-1], value + value, value[:half], value[half:], value[1:]]
    if isinstance(value, str):
        choices += [value.upper(), f" {value} ", value.replace(value[:1] or " ", "é-", 1)]
    if isinstance(value, list) and value:
        at = chance.randrange(len(value))
        choices.append([*value[:at], _changed(value[at], chance), *value[at + 1 :]])
    return chance.choice(choices)


_POOLS: Mapping[str, Sequence[Any]] = {
    "int": (0, 1, 2, 5, -3, 10),
    "float": (0.0, 1.5, -2.25, 10.0),
    "str": ("", "a", "hello world", "Hello, World", "a-b_c", "12"),
    "bool": (True, False),
    "list": ([], [1], [3, 1, 2], ["b", "a"], [1, 1, 2]),
    "dict": ({}, {"a": 1}, {"a": 1, "b": 2}),
}
_NUMBERS = (
    "n",
    "k",
    "num",
    "count",
    "size",
    "width",
    "length",
    "index",
    "limit",
    "number",
    "x",
    "y",
)
_LISTS = ("seq", "items", "values", "numbers", "iterable", "sequence", "data", "seqs", "xs")


def _pool(argument: ast.arg) -> Sequence[Any]:
    words = ast.unparse(argument.annotation) if argument.annotation else ""
    for name, pool in _POOLS.items():
        if words.lower().startswith((name, "sequence" if name == "list" else name)):
            return pool
    if argument.arg in _NUMBERS:
        return _POOLS["int"]
    return _POOLS["list"] if argument.arg in _LISTS else (*_POOLS["str"], *_POOLS["list"][:3])
