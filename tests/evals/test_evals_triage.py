"""Bad predictions are counted and named: no crash, and no silent zero."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from journeyman.errors import JourneymanError
from journeyman.evals.swebench.triage import PROBLEMS, triage

from .conftest import make_task

GOOD = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
TASKS = [
    make_task(name).model_copy(
        update={"test_patch": "--- a/tests/t.py\n+++ b/tests/t.py\n@@ -1 +1 @@\n-a\n+b\n"}
    )
    for name in ("one", "two", "three")
]


def _row(instance_id: str = "one", patch: Any = GOOD, model: str = "m") -> dict[str, Any]:
    return {"instance_id": instance_id, "model_name_or_path": model, "model_patch": patch}


def _lines(path: Path, *rows: Any, end: str = "\n") -> Path:
    path.write_text("\n".join(it if isinstance(it, str) else json.dumps(it) for it in rows) + end)
    return path


def test_every_kind_of_problem_is_found_once_and_the_rest_is_graded(tmp_path: Path) -> None:
    path = _lines(
        tmp_path / "p.jsonl",
        _row("one"),
        _row("nowhere"),
        _row("one"),
        _row("two", "please change x.py"),
        _row("three", "--- a/tests/t.py\n+++ b/tests/t.py\n@@ -1 +1 @@\n-a\n+c\n"),
        _row("one", "--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -1 +1 @@\n-a\n+c\n", "n"),
        _row("two", None, "n"),
        "{broken",
        {"task_id": "HumanEval/0", "completion": "return 1"},
        _row("three", 7, "n"),
        '{"instance_id": "three", "model_na',
        end="",
    )
    found = triage(path, TASKS)
    assert set(found.counts) == set(PROBLEMS)
    assert all(count == 1 for count in found.counts.values())
    assert [(it.model_name_or_path, it.instance_id) for it in found.usable] == [
        ("m", "one"),
        ("m", "two"),
        ("m", "three"),
        ("n", "one"),
        ("n", "two"),
    ]
    notes = "\n".join(found.notes(len(TASKS)))
    for kind in PROBLEMS:
        assert kind in notes
    assert "looks like HumanEval" in notes
    assert "n answers 2 of 3 tasks" in notes
    assert {it.kind: it.line for it in found.problems}["cut_off"] == 11


@pytest.mark.parametrize("form", ["list", "object", "lines"])
def test_every_form_is_read(tmp_path: Path, form: str) -> None:
    rows = [_row("one"), _row("two")]
    texts = {
        "list": json.dumps(rows, indent=1),
        "object": json.dumps({row["instance_id"]: row for row in rows}),
        "lines": "".join(json.dumps(row) + "\n" for row in rows),
    }
    path = tmp_path / "p.json"
    path.write_text(texts[form])
    found = triage(path, TASKS)
    assert (len(found.usable), found.problems) == (2, ())


def test_half_a_list_gives_its_whole_items(tmp_path: Path) -> None:
    text = json.dumps([_row("one"), _row("two"), _row("three")], indent=1)
    path = tmp_path / "p.json"
    path.write_text(text[: len(text) - 60])
    found = triage(path, TASKS)
    assert [it.instance_id for it in found.usable] == ["one", "two"]
    assert found.counts == {"cut_off": 1}


@pytest.mark.parametrize("text", ["", "null", "[]", "[1, 2]", "{}", "\x00\xff", "[[[[", '"a"'])
def test_nonsense_is_no_crash(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text, encoding="utf-8")
    assert triage(path, TASKS).usable == ()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(JourneymanError, match="no predictions"):
        triage(tmp_path / "none.jsonl", TASKS)
