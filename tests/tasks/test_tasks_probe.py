"""The probe's marks change nothing that code does, and tell which of its statements ran."""

import ast
import importlib.util
import inspect
import sys
from pathlib import Path

import pytest

from journeyman.tasks.probe import Probe, merged, probed
from journeyman.tasks.probe.record import MOUNT
from journeyman.types import VerifierSpec

SOURCE = '''\
"""A module."""

from __future__ import annotations

import functools

double = lambda x: 2 * x


def sign(x: Unknown) -> int:
    """Tell the sign."""
    if x < 0:
        return -1
    elif x == 0:
        return 0
    else:
        return 1


class Shape:
    """A shape."""

    __sides = 4

    @functools.lru_cache
    def sides(self):
        try:
            return self.__sides
        finally:
            self.asked = True


def only_docstring():
    """Nothing else."""


def count(limit):
    for number in range(limit):
        yield number
    else:
        yield "end"


def choose(value):
    match value:
        case 1:
            return "one"
        case _:
            return "other"
'''


@pytest.fixture
def lines():
    """The part of the probe that finds lines, loaded as it lies."""
    path = Path(MOUNT.source, "journeyman_probe_lines.py")
    spec = importlib.util.spec_from_file_location("journeyman_probe_lines", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shapes(lines, tmp_path, monkeypatch):
    """The module above, imported with marks, and what finds its lines."""
    (tmp_path / "shapes_of_probe.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    loader = lines.SourceFileLoader
    monkeypatch.setattr(loader, "get_code", loader.get_code)
    for name in (lines.HITS, lines.HIT):
        monkeypatch.setattr(f"builtins.{name}", None, raising=False)
    hits = lines.Hits(str(tmp_path), ["shapes_of_probe.py"])
    hits.install()
    module = importlib.import_module("shapes_of_probe")
    yield module, hits
    del sys.modules["shapes_of_probe"]


def ran(hits):
    return sorted({line for _, line in hits.take()})


def test_an_import_runs_what_is_at_the_top(shapes):
    _, hits = shapes
    lines = ran(hits)
    assert {5, 7, 10, 20, 23} <= set(lines)
    assert not {12, 13, 15, 28} & set(lines)
    assert ran(hits) == [], "each look forgets"


def test_each_statement_and_lambda_is_told_apart(shapes):
    module, hits = shapes
    ran(hits)
    assert module.sign(-1) == -1
    assert ran(hits) == [12, 13]
    assert module.sign(0) == 0
    assert ran(hits) == [12, 14, 15]
    assert module.double(4) == 8
    assert ran(hits) == [7]
    assert list(module.count(1)) == [0, "end"]
    assert ran(hits) == [38, 39, 41]
    assert module.choose(1) == "one"
    assert module.choose(2) == "other"
    assert ran(hits) == [45, 47, 49]


def test_what_the_code_is_and_does_stays_as_it_was(shapes):
    module, _ = shapes
    assert module.__doc__ == "A module."
    assert module.sign.__doc__ == "Tell the sign."
    assert module.sign.__annotations__["x"] == "Unknown", "annotations stay unevaluated"
    assert module.Shape.__doc__ == "A shape."
    assert module.only_docstring.__doc__ == "Nothing else."
    assert module.only_docstring() is None
    shape = module.Shape()
    assert (shape.sides(), shape.asked) == (4, True)
    assert inspect.getsource(module.double) == "double = lambda x: 2 * x\n"
    assert "__journeyman" not in " ".join(vars(module))
    with pytest.raises(TypeError) as caught:
        module.sign(None)
    assert caught.traceback[-1].lineno + 1 == 12, "tracebacks name the lines as they are"


def test_a_file_that_cannot_be_marked_is_left_alone(lines, tmp_path):
    (tmp_path / "broken.py").write_text("def f(:\n")
    hits = lines.Hits(str(tmp_path), ["broken.py"])
    assert hits.marked("broken.py", str(tmp_path / "broken.py")) is None
    assert hits.places == []


def test_a_lambda_that_is_a_generator_keeps_its_yields(lines):
    tree = lines.Marker(0).visit(ast.parse("make = lambda: (yield 3)"))
    names: dict = {lines.HITS: [0, 0]}
    exec(compile(ast.fix_missing_locations(tree), "x", "exec"), names)
    assert list(names["make"]()) == [3]


def test_records_of_several_runs_are_one():
    first = Probe(
        tests=("", "a"), reached={"x.py": {1: (0,), 2: (1,)}}, calls={"a": 3}, durations={"a": 1.0}
    )
    second = Probe(
        tests=("", "b", "c"), reached={"x.py": {1: (0, 1), 3: (1, 2)}}, calls={"b": 1, "c": 2}
    )
    both = merged([first, second])
    assert both.tests == ("", "a", "b", "c")
    assert both.tests_reaching("x.py", [1]) == {"", "b"}
    assert both.tests_reaching("x.py", [2, 3]) == {"a", "b", "c"}
    assert both.calls == {"a": 3, "b": 1, "c": 2}
    assert merged([]).tests == ("",)


def test_only_a_recording_run_counts_calls():
    plain = probed(VerifierSpec(command="python -m pytest"), {})
    assert "MAX_CALLS" not in plain.script().command
    counting = probed(
        VerifierSpec(command="python -m pytest"), {}, records_lines=True, max_calls=70
    )
    assert "export JOURNEYMAN_MAX_CALLS=70" in counting.script().command
