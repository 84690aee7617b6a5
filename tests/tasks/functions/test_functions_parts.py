"""Proposals, votes and static rules, without a sandbox."""

import ast

import pytest

from journeyman.tasks.functions.consensus import Case, agreed, chosen, is_telling
from journeyman.tasks.functions.inside.journeyman_outcomes import outcome_of
from journeyman.tasks.functions.inside.journeyman_safety import find_risks
from journeyman.tasks.functions.proposals import Proposal, documented, guessed, index_uses, varied

DOCUMENTATION = """Group items.

>>> names = ["a", "bb", "c"]
>>> group(len, names)
{1: ['a', 'c'], 2: ['bb']}
>>> sorted(group(len, names))
[1, 2]
>>> other(3)
4
>>> group(len, 3)
Traceback (most recent call last):
TypeError: no
"""


def test_a_docstring_gives_calls_with_their_setup():
    found = documented(DOCUMENTATION, "group")
    assert [it.call for it in found] == [
        "group(len, names)",
        "sorted(group(len, names))",
        "group(len, 3)",
    ]
    assert all("names =" in it.setup for it in found)
    assert found[0].wanted == "{1: ['a', 'c'], 2: ['bb']}"
    assert not found[2].wanted


def test_uses_are_calls_with_plain_values(tmp_path):
    (tmp_path / "a.py").write_text(
        "import m\nm.f([1, 2], key='x')\nf(y)\nf(*[1])\nm.g()\nif f(3): pass\n"
    )
    (tmp_path / "broken.py").write_text("def (")
    assert index_uses(tmp_path) == {"f": ["f([1, 2], key='x')", "f(3)"], "g": ["g()"]}


def test_variations_and_guesses_follow_the_seed():
    calls = ["f([1, 2], key='x')"]
    assert varied(calls, seed=3, number=8) == varied(calls, seed=3, number=8)
    assert len(varied(calls, seed=3, number=8)) == 8
    assert varied(["f(y)"], seed=0, number=8) == []
    node = ast.parse("def f(n: int, words, *, flag: bool): pass").body[0]
    found = guessed(node, seed=0, number=5)
    assert len(found) == 5
    assert all("flag=" in it for it in found)


def test_most_have_to_agree_and_an_exception_has_to_be_documented():
    proposals = [Proposal("f(1)"), Proposal("f(2)"), Proposal("f(3)", "", "9"), Proposal("f(4)")]
    votes = [
        ["gives 1", "gives 2", "gives 3", "raises ValueError"],
        ["gives 1", "gives 8", "gives 3", "raises ValueError"],
        ["gives 0", "gives 9", "gives 3", "raises ValueError"],
    ]
    kept = agreed(proposals, votes, documentation="Raises ValueError for four.")
    assert [it.proposal.call for it in kept] == ["f(1)", "f(4)"]
    assert [it.proposal.call for it in agreed(proposals, votes, documentation="")] == ["f(1)"]


def test_different_outcomes_come_first_and_a_constant_is_no_answer():
    cases = [Case(Proposal(f"f({n})"), f"gives {n // 6}") for n in range(9)]
    assert [it.proposal.call for it in chosen(cases, 4)] == ["f(0)", "f(1)", "f(6)", "f(7)"]
    assert is_telling(chosen(cases, 4), 3)
    assert not is_telling(cases[:5], 3)
    assert not is_telling(cases[5:7], 3)


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        ("{2: 1, 1: {3, 2}}", "gives {1: set[2, 3], 2: 1}"),
        ("0.1 + 0.2", "gives 0.3"),
        ("map(str, (1, True))", "gives iterator['1', 'True']"),
        ("object()", "untold object"),
        ("[][0]", "raises IndexError"),
        ("itertools.count()", "untold an iterator without end"),
    ],
)
def test_outcomes_have_one_text(call, outcome):
    assert outcome_of({}, "import itertools", call) == outcome


@pytest.mark.parametrize(
    ("text", "risks"),
    [
        ("import subprocess as s", ["import subprocess"]),
        ("import os\nos.path.join('a')\nos.system('x')", ["os.system"]),
        ("from os import path, remove", ["os.remove"]),
        ("getattr(f, '__globals__')\nf.__code__", ["__code__", "__globals__"]),
        ("open('x')\neval('1')", ["eval", "open"]),
        ("import math\nfrom . import socket\nmath.exp(1)", []),
    ],
)
def test_static_rules_find_what_reaches_out(text, risks):
    assert find_risks(text) == risks
