"""What an evaluation says: rankings, doubts and differences of settings, in all three forms."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

from journeyman.evals.agents import sum_up_agents
from journeyman.evals.compare import compare_evaluations, render_comparison
from journeyman.evals.contamination import check_contamination
from journeyman.evals.evaluation import Evaluation, evaluate
from journeyman.evals.findings import say_findings
from journeyman.evals.html import render_html
from journeyman.evals.markdown import render_markdown
from journeyman.evals.published import published_for
from journeyman.guard import Finding, RolloutAudit
from journeyman.runs import append_jsonl
from journeyman.tasks import Taskset
from journeyman.types import Reward

from .conftest import make_rollout


def test_references_are_not_ranked_and_an_unsettled_lead_is_called_one(
    evaluation: Evaluation,
) -> None:
    assert [it.model for it in evaluation.ranked] == ["good", "fair"]
    assert [it.model for it in evaluation.references] == ["oracle", "noop"]
    findings = "\n".join(say_findings(evaluation))
    assert "good in bash is ahead" in findings
    assert "not settled" in findings
    assert re.search(r"about \d+ tasks would show it", findings)
    assert "The tasks are sound" in findings
    assert "Contamination was not checked" in findings


def test_a_settled_lead_and_broken_references_are_said(taskset: Taskset) -> None:
    rollouts = [
        make_rollout(task.instance_id, model, "bash", is_resolved=number < num_solved)
        for model, num_solved in (("oracle", 19), ("good", 18), ("bad", 2))
        for number, task in enumerate(taskset.tasks)
    ]
    expected = Counter((it.model, it.scaffold) for it in rollouts)
    found = evaluate("e", taskset, rollouts, expected=expected, settings={}, audits={})
    findings = "\n".join(say_findings(found))
    assert "good in bash serves this code best" in findings
    assert "Doubt the tasks" in findings


def test_nothing_solved_says_that_nobody_is_better(taskset: Taskset) -> None:
    rollouts = [
        make_rollout(task.instance_id, model, "bash", is_resolved=False)
        for model in ("a", "b")
        for task in taskset.tasks
    ]
    expected = Counter((it.model, it.scaffold) for it in rollouts)
    found = evaluate("e", taskset, rollouts, expected=expected, settings={}, audits={})
    assert "none serves this code better" in say_findings(found)[0]


def test_flagged_and_failed_rollouts_stand_beside_the_rate(taskset: Taskset) -> None:
    rollouts = [make_rollout(f"task-{n}", "m", "bash", is_resolved=n < 2) for n in range(4)]
    rollouts[3] = rollouts[3].model_copy(update={"reward": Reward(value=0.0, is_valid=False)})
    audit = RolloutAudit(
        rollout_id=rollouts[0].rollout_id,
        instance_id="task-0",
        model="m",
        labels=("history",),
        findings=(Finding(label="history", source="call"),),
    )
    (agent,) = sum_up_agents(
        rollouts, expected={("m", "bash"): 5}, audits={audit.rollout_id: audit}
    )
    assert (agent.num_counted, agent.num_failed, agent.num_flagged) == (3, 1, 1)
    assert agent.solve_rate == 2 / 3
    assert agent.rate_without_flagged == 1 / 2


def test_several_rollouts_of_a_task_give_pass_at_k_and_an_interval_over_tasks() -> None:
    rollouts = [
        make_rollout(f"task-{n}", "m", "bash", is_resolved=n == 0 and i < 2, index=i)
        for n in range(3)
        for i in range(4)
    ]
    (agent,) = sum_up_agents(rollouts, expected={("m", "bash"): 12}, audits={})
    assert agent.interval_by == "bootstrap over tasks"
    assert agent.pass_at[1] == 2 / 12
    assert agent.pass_at[4] == 1 / 3


def test_the_page_is_whole_and_needs_nothing_beside_itself(evaluation: Evaluation) -> None:
    page = render_html(evaluation)
    assert page.count("<svg") == 2
    assert "http" not in page.replace("https://", "").replace("http://", "") or "src=" not in page
    balance: Counter[str] = Counter()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            balance[tag] += tag not in ("meta", "rect", "path", "circle")

        def handle_endtag(self, tag: str) -> None:
            balance[tag] -= tag not in ("meta", "rect", "path", "circle")

    Reader().feed(page)
    assert not +balance
    assert not -balance


def test_markdown_holds_every_agent_task_and_setting(evaluation: Evaluation) -> None:
    text = render_markdown(evaluation)
    for wanted in ("oracle in bash", "task-19", "limits.num_turns", "## Resolved against turns"):
        assert wanted in text


def test_an_evaluation_survives_its_file(evaluation: Evaluation) -> None:
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_different_settings_are_named_before_any_score(evaluation: Evaluation) -> None:
    other = evaluation.model_copy(
        update={"name": "other", "settings": {"tasks": "abc", "limits.num_turns": "300"}}
    )
    comparison = compare_evaluations([evaluation, other])
    assert comparison.differences == {"limits.num_turns": ("50", "300")}
    assert "different settings" in render_comparison(comparison).split("\n\n")[1]
    same = compare_evaluations([evaluation, evaluation])
    assert same.is_fair
    assert all(pair.comparison.difference == 0 for pair in same.pairs)


def test_contamination_is_found_by_instance_and_by_passages(
    taskset: Taskset, tmp_path: object
) -> None:
    folder = taskset.folder.parent
    text = "the answer adds these words one two three four five six seven eight nine ten eleven"
    task = taskset.tasks[0].model_copy(
        update={"instance_id": "new", "patch": f"--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+{text}\n"}
    )
    append_jsonl(folder / "train.jsonl", {"instance_id": "task-1", "completion": f"so {text} end"})
    found = check_contamination([*taskset.tasks, task], [folder / "train.jsonl"])
    assert found["tasks"] == {"task-1": ["same instance"], "new": ["passages of the answer"]}
    assert check_contamination(taskset.tasks, ())["is_checked"] is False


def test_published_scores_are_found_by_the_benchmarks_name() -> None:
    assert [it.score for it in published_for("swe-bench_verified")] == [70.6, 71.1, 71.3]
    assert published_for("toolz") == ()
