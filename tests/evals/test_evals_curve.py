"""Figure 5's experiment: which templates, what was seen, and the whole command on a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.evals.adherence.nested import nested_templates, render_seen
from journeyman.evals.adherence.suite import Answer


def test_larger_sets_hold_the_smaller_ones_and_no_more_than_there_are() -> None:
    five, eight = nested_templates(5, seed=3), nested_templates(8, seed=3)
    assert eight[:5] == five
    assert len(set(eight)) == 8
    assert nested_templates(5, seed=4) != five
    assert nested_templates(0, seed=3) == ()
    with pytest.raises(JourneymanError, match="not 99"):
        nested_templates(99, seed=3)


def test_seen_and_unseen_templates_are_told_apart() -> None:
    def made(template: str, *, is_good: bool) -> Answer:
        return Answer(
            model="m", template=template, exercise_id="1", toolset="bash", form="plain",
            argument_kinds={}, is_well_formed=is_good, is_right_tool=is_good, is_exact=is_good,
        )  # fmt: skip

    answers = [made("hermes", is_good=True), made("toolace", is_good=False)]
    text = render_seen(answers, {"m": ("hermes",)})
    assert "100.0 % (20.7 to 100.0 %)" in text
    assert "0.0 % (0.0 to 79.3 %)" in text


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    return int(ended.value.code or 0)


def test_a_model_that_is_not_there_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert _run("eval", "train-curve", str(tmp_path / "none")) == 2
    assert "no model folder" in capsys.readouterr().err


def test_the_command_trains_asks_and_draws_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/a.py").write_text("def double(number):\n    return 2 * number\n" * 40)
    assert _run("model", "init", "tiny", "--corpus", "corpus", "--vocab-size", "300") == 0
    (tmp_path / "more.toml").write_text(
        "row_length = 4096\n[trainer]\nrows_per_step = 1\nrows_per_pass = 1\n"
    )
    words = ("eval", "train-curve", "tiny", "--number", "0", "--number", "2", "--exercises", "8",
             "--num-steps", "1", "--training", "more.toml", "--num", "1", "--template", "hermes",
             "--max-tokens", "8", "--name", "c")  # fmt: skip
    assert _run(*words) == 0
    report = (tmp_path / "runs/c/report.md").read_text()
    assert "Accuracy against templates trained on" in report
    assert "templates-02" in report
    before = (tmp_path / "runs/c/answers.jsonl").read_text()
    capsys.readouterr()
    assert _run(*words, "--resume", "--json") == 0
    assert [it["model"] for it in json.loads(capsys.readouterr().out)["models"]] == [
        "templates-00", "templates-02",
    ]  # fmt: skip
    assert (tmp_path / "runs/c/answers.jsonl").read_text() == before
