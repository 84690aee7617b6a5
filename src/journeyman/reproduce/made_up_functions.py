"""Projects of made-up functions: problems that a very small model can learn, in three parts that
share none.

One function a module, documented with an example, so that `tasks functions` and `data functions` take it
as they take a real one. Which part a function belongs to follows from its name alone.

    write_functions(Path("projects/learned"), "learned", number=40, seed=0)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from journeyman.tasks.git import add_files, commit_tree, init_repository, list_files

__all__ = ["Part", "commit_project", "list_functions", "part_of", "write_functions"]

Part = Literal["practised", "learned", "held-out"]

_DATE = "2026-06-01T00:00:00Z"
_PARTS: tuple[Part, ...] = ("practised",) * 10 + ("learned",) * 3 + ("held-out",) * 3
"""By the first hexadecimal digit of a name's digest."""
_RESULTS = {
    "sum": ("the sum of", "sum(kept)"),
    "count": ("how many there are of", "len(kept)"),
    "list": ("a list of", "list(kept)"),
    "largest": ("the largest, or None, of", "max(kept, default=None)"),
    "smallest": ("the smallest, or None, of", "min(kept, default=None)"),
    "last": ("a list of the last two of", "kept[-2:]"),
}
_TESTS = {
    "above": ("above {k}", "it > {k}"),
    "below": ("below {k}", "it < {k}"),
    "divisible_by": ("divisible by {k}", "it % {k} == 0"),
    "other_than": ("other than {k}", "it != {k}"),
    "at_least": ("at least {k}", "it >= {k}"),
}
_NUMBERS = range(2, 42)
_CODE = '''\
def {name}(values):
    """Return {result} the values that are {which}.

    >>> {name}({values})
    {outcome}
    """
    kept = [it for it in values if {test}]
    found = {code}
    return found
'''
_SETTINGS = """\
[project]
name = "{name}"
version = "1"
dependencies = []

[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
packages = ["{package}"]
"""
_CASE = """\
import unittest

from {package}.{module} import {module}


class ItCounts(unittest.TestCase):
    def test_nothing(self):
        self.assertFalse({module}([]))
"""


class _Function(NamedTuple):
    name: str
    code: str


def part_of(name: str) -> Part:
    """Return the part that whatever is called so belongs to."""
    return _PARTS[hashlib.sha256(name.encode()).digest()[0] >> 4]


def list_functions(part: Part) -> Iterator[_Function]:
    """Yield every function of a part, in a fixed order."""
    for result, test, k in product(_RESULTS, _TESTS, _NUMBERS):
        name = f"{result}_{test}_{k}"
        if part_of(name) == part:
            yield _Function(name, _written(name, result, test, k))


def write_functions(folder: Path, part: Part, *, number: int, seed: int) -> Path:
    """Write a project of `number` functions of a part, a Git repository of one commit; return
    the folder.

    It is called after its part, so two parts count as two repositories.
    """
    chosen = list(list_functions(part))
    Random(seed).shuffle(chosen)  # noqa: S311
    package = f"made_up_{part.replace('-', '_')}"
    (folder / package).mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / package / "__init__.py").touch()
    for it in chosen[:number]:
        (folder / package / f"{it.name}.py").write_text(it.code, encoding="utf-8")
    name = package.replace("_", "-")
    (folder / "pyproject.toml").write_text(_SETTINGS.format(name=name, package=package))
    (folder / "tests/__init__.py").touch()
    case = _CASE.format(package=package, module=chosen[0].name)
    (folder / "tests/test_one.py").write_text(case)
    return commit_project(folder, f"{number} functions")


def commit_project(folder: Path, message: str) -> Path:
    """Make a Git repository of one commit of a folder; return the folder."""
    init_repository(folder / ".git")
    add_files(folder / ".git", folder, list_files(folder))
    commit_tree(folder / ".git", message, _DATE)
    return folder


def _written(name: str, result: str, test: str, k: int) -> str:
    of, code = _RESULTS[result]
    which, condition = (it.format(k=k) for it in _TESTS[test])
    values = [k - 1, 2 * k, k, k + 3]
    kept = eval(f"[it for it in {values} if {condition}]")  # noqa: S307 - our own text, from above
    outcome = eval(code, {"kept": kept})  # noqa: S307 - as much
    return _CODE.format(
        name=name, result=of, which=which, values=values, outcome=outcome, test=condition, code=code
    )
