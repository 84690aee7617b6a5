"""Operators, loops and notebook lines of Python code that is read, not run."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import Any

from journeyman.guard.code.values import (
    Name,
    PathText,
    bounded,
    text_of,
)
from journeyman.guard.holes import UNKNOWN

__all__ = ["combine", "iterated", "without_magic"]

_MOST_CHARACTERS = 1 << 18


def combine(left: Any, operator: ast.operator, right: Any) -> Any:
    """Return `left operator right`, as far as both are known."""
    if isinstance(operator, ast.Div) and isinstance(left, PathText):
        return PathText(posixpath.join(left, text_of(right)))
    if isinstance(operator, ast.Mod) and isinstance(left, str):
        return _percent(left, right)
    try:
        match operator:
            case ast.Add():
                if isinstance(left, str) or isinstance(right, str):
                    return (text_of(left) + text_of(right))[:_MOST_CHARACTERS]
                return bounded(left + right)
            case ast.Mult() if isinstance(left, int) or isinstance(right, int):
                return bounded(left * right) if _is_small(left, right) else UNKNOWN
            case ast.Sub():
                return left - right
            case ast.BitXor():
                return left ^ right
            case ast.FloorDiv():
                return left // right
            case ast.Mod():
                return left % right
    except (TypeError, ArithmeticError, MemoryError):
        return UNKNOWN
    return UNKNOWN


def _percent(left: str, right: Any) -> str:
    values = right if isinstance(right, list | tuple) else [right]
    pieces = left.replace("%%", "\x00").split("%")
    out = pieces[0]
    for i, piece in enumerate(pieces[1:]):
        value = text_of(values[i]) if i < len(values) else UNKNOWN
        out += value + piece[1:]
    return out.replace("\x00", "%")


def _is_small(left: Any, right: Any) -> bool:
    size = len(left) if isinstance(left, str | bytes | list) else 1
    size *= len(right) if isinstance(right, str | bytes | list) else 1
    factor = left if isinstance(left, int) else right if isinstance(right, int) else 1
    return size * max(abs(factor), 1) < 1 << 16


def iterated(items: Any) -> list[Any]:
    """Return what a loop over `items` goes through; one unknown element where nothing is known."""
    if isinstance(items, Name):
        return [Name(f"{items.dotted}[]")]
    return list(items) if isinstance(items, str | bytes | list | tuple | dict) else [UNKNOWN]


def without_magic(text: str) -> str:
    """Turn the lines of a notebook that run a shell (`!ls`, `%%bash`) into Python."""
    if match := re.match(r"\s*%%(?:bash|sh|script \w+)[^\n]*\n(.*)", text, re.S):
        return f"__import__('os').system({match[1]!r})"
    return re.sub(
        r"^(\s*)(?:\w+\s*=\s*)?(?:!|%(?:system|sx|sh)\s)(.*)$",
        lambda m: f"{m[1]}__import__('os').system({m[2]!r})",
        re.sub(r"^(\s*)%(pip|conda)\b", r"\1!\2", text, flags=re.M),
        flags=re.M,
    )
