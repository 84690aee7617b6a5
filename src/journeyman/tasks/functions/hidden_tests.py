"""The hidden tests of one function: a file for unittest, which pytest runs as well.

text = render_tests(subject, cases, allowed=())
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.tasks.functions.consensus import Case
from journeyman.tasks.functions.evaluate import INSIDE
from journeyman.tasks.functions.subject import Subject

__all__ = ["names_of_tests", "new_file_diff", "path_of", "render_tests"]

_CLASS = "FunctionCase"
_SAFETY = "test_it_is_safe"

_HEAD = '''\
"""Tests of one function, each agreed on by independent solutions."""

import importlib
import unittest

FOLDER = {folder!r}
MODULE = {module!r}
FILE = {file!r}
FUNCTION = {leaf!r}
ALLOWED = {allowed!r}
CASES = [
{cases}]
'''

_TAIL = """

class {name}(unittest.TestCase):
    def check(self, number):
        import sys

        sys.path.insert(0, FOLDER)
        setup, call, wanted = CASES[number]
        module = importlib.import_module(MODULE)
        self.assertEqual(outcome_of(vars(module), setup, call), wanted, call)

    def {safety}(self):
        with open(FILE, encoding="utf-8") as stream:
            risks = find_risks(stream.read())
        self.assertEqual([risk for risk in risks if risk not in ALLOWED], [])

{methods}"""

_METHOD = """\
    def {name}(self):
        self.check({number})

"""


def path_of(subject: Subject) -> str:
    """Return where the tests lie, relative to the project."""
    return f"test_journeyman_{subject.leaf}.py"


def render_tests(subject: Subject, cases: Sequence[Case], *, allowed: Sequence[str]) -> str:
    """Return the tests' text; `allowed` are the risks that the original takes."""
    rows = "".join(
        f"    ({it.proposal.setup!r}, {it.proposal.call!r}, {it.outcome!r}),\n" for it in cases
    )
    head = _HEAD.format(
        folder=subject.folder,
        module=subject.module,
        file=subject.target.path,
        leaf=subject.leaf,
        allowed=sorted(allowed),
        cases=rows,
    )
    methods = "".join(
        _METHOD.format(name=_name(number), number=number) for number in range(len(cases))
    )
    tail = _TAIL.format(name=_CLASS, safety=_SAFETY, methods=methods)
    inside = [(INSIDE / f"{name}.py").read_text(encoding="utf-8") for name in _MODULES]
    return "\n\n".join([head, *map(_without_docstring, inside)]) + tail.rstrip("\n") + "\n"


def names_of_tests(
    subject: Subject, num_cases: int, log_parser: str
) -> tuple[tuple[str, ...], str]:
    """Return the names of the cases as the log has them, and that of the safety check."""
    path = path_of(subject)
    stem = path.removesuffix(".py")
    prefix = f"{path}::{_CLASS}::" if log_parser == "pytest" else f"{stem}.{_CLASS}."
    return tuple(prefix + _name(number) for number in range(num_cases)), prefix + _SAFETY


def new_file_diff(path: str, text: str) -> str:
    """Return the Git diff that makes a file."""
    lines = text.split("\n")[:-1]
    body = "".join(f"+{line}\n" for line in lines)
    return (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1,{len(lines)} @@\n{body}"
    )


_MODULES = ("journeyman_outcomes", "journeyman_safety")


def _name(number: int) -> str:
    return f"test_case_{number + 1:02d}"


def _without_docstring(text: str) -> str:
    return text.partition('"""\n\n')[2].rstrip("\n")
