"""Rates of runs: a task counts once, what says nothing is left out and counted, and all alike is
not exact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.evals.statistics import wilson
from journeyman.reproduce import findings
from journeyman.reproduce.place import Place
from journeyman.reproduce.rates import kept_interval, rate_of_runs
from journeyman.reproduce.scales import get_scale
from journeyman.reproduce.stages import list_stages


def write(run: Path, outcomes: list[tuple[str, bool | None]]) -> Path:
    run.mkdir(parents=True)
    lines = [
        {
            "instance_id": name,
            "reward": {"is_valid": solved is not None, "value": float(bool(solved))},
            "verdict": {"is_resolved": solved} if solved is not None else None,
        }
        for name, solved in outcomes
    ]
    (run / "rollouts.jsonl").write_text("".join(f"{json.dumps(it)}\n" for it in lines))
    (run / "report.md").touch()
    return run


def test_each_task_counts_once_and_invalid_rollouts_not_at_all(tmp_path) -> None:
    one = write(tmp_path / "1", [("a", True), ("a", True), ("a", False), ("b", False), ("c", None)])
    two = write(tmp_path / "2", [("a", False), ("b", True)])
    rate = rate_of_runs([one, two])
    assert rate is not None
    assert (rate.mean, rate.num_tasks, rate.num_rollouts, rate.num_invalid) == (0.5, 2, 6, 1)
    without = rate_of_runs([one, two], without={"b"})
    assert without is not None
    assert (without.mean, without.num_tasks) == (0.5, 1)
    assert rate_of_runs([write(tmp_path / "3", [("c", None)])]) is None


def test_tasks_that_are_all_alike_have_an_interval_of_their_number(tmp_path) -> None:
    rate = rate_of_runs([write(tmp_path / "1", [(str(it), False) for it in range(20)])])
    assert rate is not None
    assert (rate.low, rate.high) == pytest.approx(wilson(0, 20))


def test_what_a_student_keeps_has_an_interval_if_its_expert_gained(tmp_path) -> None:
    names = [str(it) for it in range(40)]
    base = write(tmp_path / "base", [(it, False) for it in names])
    expert = write(tmp_path / "expert", [(it, True) for it in names])
    student = write(tmp_path / "student", [(it, int(it) % 2 == 0) for it in names])
    low, high = kept_interval(student, expert, base)
    # Of 40 draws with chance a half: 0.5, and 1.96 times 0.079 to each side.
    assert (low, high) == (pytest.approx(0.345, abs=0.03), pytest.approx(0.655, abs=0.03))
    assert kept_interval(expert, expert, base) == (1, 1)
    assert kept_interval(student, base, base) is None


def test_an_expert_that_does_not_beat_the_base_fails_its_stage_and_is_told(tmp_path) -> None:
    place = Place(tmp_path, get_scale("tiny"), ("experience",), (0, 1))
    write(place.measured("base", "experience"), [("a", True), ("b", False), ("c", False)])
    write(
        place.measured("expert-experience-0", "experience"),
        [("a", True), ("b", True), ("c", False)],
    )
    write(
        place.measured("expert-experience-1", "experience"),
        [("a", False), ("b", True), ("c", False)],
    )
    stages = {it.name: it for it in list_stages(place)}
    assert stages["expert-experience-0"].verdict() == ""
    assert stages["expert-experience-1"].verdict() == (
        "it solves 33.3% and the base 33.3%: it does not teach"
    )
    outcomes = {"expert-experience-0": "done", "expert-experience-1": "failed"}
    assert stages["student-0"].why_not(outcomes) == ""
    assert "no expert of this seed" in stages["student-0"].why_not(
        {"expert-experience-0": "failed"}
    )
    rows = findings.expert_rows(place, "experience", outcomes, set())
    assert [(it["seed"], it["state"]) for it in rows] == [(0, "done"), (1, "failed")]
    assert [it["gain"]["difference"] for it in rows] == pytest.approx([1 / 3, 0])
    assert (rows[1]["gain"]["only_first"], rows[1]["gain"]["only_second"]) == (1, 1)


def test_a_domain_that_is_not_there_is_neither_taught_nor_measured(tmp_path) -> None:
    """As without Chromium: `tasks-web` is skipped, and so are its base and its experts."""
    place = Place(tmp_path, get_scale("tiny"), ("experience", "web"), (0,))
    outcomes = {
        "sft": "done",
        "base-experience": "done",
        "expert-experience-0": "done",
        "base-web": "skipped",
        "expert-web-0": "skipped",
    }
    stages = {it.name: it for it in list_stages(place)}
    for name in ("student-0", "merge-ties-0"):
        words = " ".join(map(str, stages[name].steps(outcomes)))
        assert "experience-held-out" in words
        assert "web" not in words
