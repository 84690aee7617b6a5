"""A base and a trained model on both suites by one command: measures, signs, resuming, refusals."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.evals.adherence.suite import Answer
from journeyman.evals.trained.measure import measure_answers, measure_rollouts
from journeyman.tasks import Taskset, save_taskset
from journeyman.types import Ending

from ..flow.conftest import BUGS, based, make_environment, make_repository
from ..flow.conftest import make_task as make_real_task
from .conftest import make_rollout


def _answer(model: str, number: int, *, is_good: bool, template: str = "hermes") -> Answer:
    return Answer(
        model=model, template=template, exercise_id=str(number), toolset="bash", form="plain",
        argument_kinds={}, is_well_formed=is_good, is_right_tool=is_good, is_exact=False,
    )  # fmt: skip


def test_differences_are_trained_minus_base_on_the_questions_that_both_answered() -> None:
    answers = [_answer("base", n, is_good=n < 3) for n in range(20)]
    answers += [_answer("tuned", n, is_good=n < 15) for n in range(20)]
    answers.append(_answer("tuned", 99, is_good=True).model_copy(update={"failure": "no answer"}))
    well_formed, _, exact, by_template = measure_answers(answers, "base", "tuned")
    assert well_formed.base_share.rate == pytest.approx(3 / 20)
    assert well_formed.trained_share.rate == pytest.approx(15 / 20)
    assert well_formed.comparison.num_tasks == 20
    assert well_formed.comparison.difference == pytest.approx(12 / 20)
    assert well_formed.comparison.is_settled
    assert exact.comparison.difference == 0.0
    assert not exact.comparison.is_settled
    assert by_template.by == "hermes"


def test_rollouts_are_measured_over_all_scaffolds_and_by_each() -> None:
    rollouts = [
        make_rollout(f"t{n}", model, scaffold, is_resolved=model == "tuned" and n < 5)
        for n in range(10)
        for model in ("base", "tuned")
        for scaffold in ("bash", "editor")
    ]
    rollouts[0] = rollouts[0].model_copy(
        update={"ending": Ending.FORMAT_LIMIT, "num_format_errors": 3}
    )
    found = {(it.what, it.by): it for it in measure_rollouts(rollouts, "base", "tuned")}
    assert len(found) == 9
    assert found["tasks resolved", ""].comparison.num_tasks == 20
    assert found["tasks resolved", "bash"].comparison.difference == pytest.approx(0.5)
    assert found["rollouts without a malformed call", "bash"].comparison.only_first == 1


@pytest.fixture
def real_taskset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two tasks that run: their repository, environment and tests are real."""
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    repository = tmp_path / "repository"
    repository.mkdir()
    make_repository(repository)
    folder = tmp_path / "tiny"
    environment = make_environment(repository, folder / "environments")
    tasks = [make_real_task(repository, environment, *bug) for bug in BUGS[:2]]
    save_taskset(Taskset(name="tiny", folder=folder, tasks=asyncio.run(based(tasks, folder))))
    return folder


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["eval", "trained", *words])
    return int(ended.value.code or 0)


def test_one_command_runs_both_suites_and_goes_on_where_it_was(
    tmp_path: Path,
    real_taskset: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("noop", "oracle", "--taskset", str(real_taskset), "--adherence.num", "1")
    assert _run(*words, "--name", "s", "--json") == 0
    study = json.loads(capsys.readouterr().out)
    found = {(it["what"], it["by"]): it["comparison"] for it in study["measures"]}
    assert found["tasks resolved", ""]["difference"] == 1.0
    assert found["exact calls", ""]["only_first"] > 20
    folder = tmp_path / "runs" / "s"
    report = (folder / "report.md").read_text()
    assert "Well-formed calls, template by template" in report
    assert "oracle is 100.0 points better" in report
    assert (folder / "report.html").read_text().count("<svg") == 2
    answers = (folder / "adherence" / "answers.jsonl").read_text()
    rollouts = (folder / "rollouts" / "bash" / "rollouts.jsonl").read_text()
    assert _run(*words, "--name", "s", "--resume") == 0
    assert (folder / "adherence" / "answers.jsonl").read_text() == answers
    assert (folder / "rollouts" / "bash" / "rollouts.jsonl").read_text() == rollouts
    capsys.readouterr()


def test_a_base_against_itself_is_refused(
    real_taskset: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    runs = str(tmp_path / "runs")
    assert _run("noop", "noop", "--taskset", str(real_taskset), "--runs", runs) == 2
    assert "the base itself" in capsys.readouterr().err
