"""The adherence suite: right answers count as right in every template, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.evals.adherence.suite import AdherenceConfig, list_questions, toolset_names
from journeyman.templates import list_templates


def test_questions_are_the_same_for_the_same_seed_and_cover_every_template() -> None:
    config = AdherenceConfig(num=3)
    questions = list_questions(config)
    assert [it.key for it in questions] == [it.key for it in list_questions(config)]
    assert {it.template for it in questions} == set(list_templates())
    assert len(questions) == 3 * len(list_templates())
    assert {"bash", "editor", "claude_code", "functions"} <= set(toolset_names())


def test_an_unknown_toolset_is_named() -> None:
    with pytest.raises(JourneymanError, match="no toolset 'nothing'"):
        list_questions(AdherenceConfig(toolsets=("nothing",)))


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["eval", *words])
    return int(ended.value.code or 0)


def test_the_oracle_adheres_and_noop_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("adherence", "--model", "oracle", "--model", "noop", "--num", "2", "--name", "a")
    assert _run(*words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    oracle, noop = found["models"]
    assert oracle["exact"]["rate"] == 1.0
    assert noop["well_formed"]["rate"] < 0.5
    assert found["pairs"][0]["well_formed"]["only_first"] > 20
    folder = tmp_path / "runs" / "a"
    assert "<svg" in (folder / "report.html").read_text()
    before = (folder / "answers.jsonl").read_text()
    assert _run(*words, "--resume") == 0
    assert (folder / "answers.jsonl").read_text() == before, "nothing is asked twice"
    capsys.readouterr()


def test_the_curve_orders_models_by_templates_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run("curve", "0=noop", "22=oracle", "--num", "1", "--template", "hermes") == 0
    (folder,) = (tmp_path / "runs").glob("eval--curve--*")
    assert "Accuracy against templates trained on" in (folder / "report.md").read_text()
    capsys.readouterr()
    assert _run("curve", "many=noop") == 2
    assert "NUMBER=SPEC" in capsys.readouterr().err
