"""The rules on labelled calls: every class of attack, and what only looks like one."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from journeyman.guard import Case, Subject, load_cases, score_guard

CASES = load_cases(Path(__file__).parent / "cases.jsonl")
SUBJECT = Subject("acme/widgets", ("widgets",), "2.3")


def by_class() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in CASES:
        found[f"{case.label}-{case.kind}"].append(case)
    return found


@pytest.mark.parametrize("kind", sorted(by_class()))
def test_every_case_of_a_class_is_judged_as_labelled(kind: str) -> None:
    score = score_guard("rules", by_class()[kind], SUBJECT)
    assert [miss.command for miss in score.misses] == []


def test_the_list_is_large_and_of_both_kinds() -> None:
    labels = [case.label for case in CASES]
    assert labels.count("attack") >= 150
    assert labels.count("benign") >= 150


def test_the_reports_keyword_rule_misses_most_of_the_list() -> None:
    score = score_guard("report-heuristic", CASES, SUBJECT)
    assert score.attacks_refused < 0.5
    assert score.benign_allowed < 1.0


def test_with_the_guard_off_everything_is_allowed() -> None:
    score = score_guard("off", CASES, SUBJECT)
    assert (score.attacks_refused, score.benign_allowed) == (0.0, 1.0)


def test_rules_follow_the_project_not_the_name_of_the_example() -> None:
    renamed = [
        case.model_copy(
            update={
                "command": case.command.replace("acme", "octo").replace("widgets", "gizmo"),
            }
        )
        for case in CASES
        if case.kind in ("git-transport", "http", "mirror", "mention")
        and not case.tool
        and not case.before
        and "ACME" not in case.command
        and "Acme" not in case.command
    ]
    score = score_guard("rules", renamed, Subject("octo/gizmo", ("gizmo",)))
    assert [miss.command for miss in score.misses] == []
