"""Bugs that are none: changes after which a file compiles to the same code.

What this says is equivalent is so for every input; what it does not may be so all the same.

    >>> same_code(b"x = 2 * 3", b"x = 6"), same_code(b"x = a + b", b"x = b + a")
    (True, False)
"""

from __future__ import annotations

import warnings
from pathlib import Path
from types import CodeType

from journeyman.tasks.tree import patched, read_file

__all__ = ["are_equivalent", "same_code"]


def are_equivalent(repository: Path, patch: str) -> bool:
    """Tell whether a patch leaves the code of every file as it was; only Python files can be told."""
    for path, after in patched(repository, [patch]).items():
        before = read_file(repository, path)
        if not path.endswith(".py") or before is None or after is None:
            return False
        if not same_code(before.data, after):
            return False
    return True


def same_code(before: bytes, after: bytes) -> bool:
    """Tell whether two Python sources compile to the same instructions on the same constants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            one, other = (
                compile(it, "<code>", "exec", dont_inherit=True) for it in (before, after)
            )
        except (SyntaxError, ValueError, RecursionError):
            return False
    return _shape(one) == _shape(other)


def _shape(code: CodeType) -> tuple[object, ...]:
    """Return all that decides what code does; where its lines stand in the file does not."""
    constants = tuple(
        _shape(item) if isinstance(item, CodeType) else (type(item), repr(item))
        for item in code.co_consts
    )
    return (
        code.co_name,
        code.co_code,
        constants,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_exceptiontable,
    )
