"""A small repository with a history like a real one, mined into tasks that run, in real sandboxes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.mine import REASONS, MineConfig, mine_tasks, work_folder
from journeyman.tasks.project import obtain_project
from journeyman.tasks.statement import find_leaks
from journeyman.tasks.taskset import load_taskset
from journeyman.tasks.validate import validate_tasks
from journeyman.verify import touched_paths

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))
EXPORT = [
    {"number": 1, "title": "Discounts are wrong", "state": "closed",
     "body": "Ten percent off two euros should be 180 cents.\r\n\r\n<!-- Thank you! -->\n"
             "- [x] I searched\n\n```python\ntotal([100, 100], discount=10)  # 190\n```\n"},
    {"number": 2, "title": "Take percents", "body": "Fixes #1", "mergeCommit": {"oid": ""},
     "mergedAt": "2023-11-15T00:00:00Z"},
]  # fmt: skip


@pytest.fixture
def export(tmp_path):
    place = tmp_path / "pulls.json"
    place.write_text(json.dumps(EXPORT))
    return str(place)


@pytest.mark.sandbox
async def test_a_history_becomes_tasks_that_pass_the_gate_twice(shop_repo, index, export, tmp_path):
    project = obtain_project(str(shop_repo.path))
    said = []
    mined = await mine_tasks(
        project, tmp_path / "made", config=MineConfig(prs=export), on_progress=said.append
    )
    taskset, report = mined.taskset, mined.report
    assert load_taskset(tmp_path / "made") == taskset
    by_id = {task.instance_id: task for task in taskset.tasks}
    names = [f"repo__repo-{name}" for name in (12, 7, shop_repo.rebased[:10], 4, 2)]
    assert list(by_id) == names
    rebased = names[2]
    assert {name: task.origin.strategy for name, task in by_id.items()} == {
        "repo__repo-12": "squash_commit", "repo__repo-7": "squash_commit",
        rebased: "rebase_commits", "repo__repo-4": "squash_commit", "repo__repo-2": "merge_commit",
    }  # fmt: skip
    assert report.dropped == {
        "root": 1, "revert": 1, "reverted": 1, "backport": 1, "dependency_bump": 1,
        "docs_only": 1, "dependencies_only": 1, "no_fail_to_pass": 1,
    }  # fmt: skip
    assert report.num_candidates == 13
    assert (report.num_split, report.num_built, report.num_validated) == (6, 6, 5)
    assert report.num_environments == 2, "what is installed is shared until requirements change"
    assert report.dropped.keys() <= REASONS.keys()
    assert json.loads((tmp_path / "made/funnel.json").read_text())["num_validated"] == 5
    assert not work_folder(tmp_path / "made").exists()
    assert any("of 13 changes" in line for line in said)

    two = by_id["repo__repo-2"]
    assert two.FAIL_TO_PASS == ("tests/test_prices.py::test_half",)
    assert len(two.PASS_TO_PASS) == 3
    assert two.environment_setup_commit == shop_repo.git("rev-parse", ":/Say what it is")
    assert two.problem_statement.startswith("Discounts are wrong\n\nTen percent off")
    assert "Thank you" not in two.problem_statement
    assert "I searched" not in two.problem_statement
    assert "The mean of some prices is known" in by_id["repo__repo-4"].problem_statement
    assert "`from shop.prices import mean_price` works" in by_id["repo__repo-4"].problem_statement
    assert "Co-authored" not in by_id["repo__repo-4"].problem_statement
    assert "makes it crash" in by_id[rebased].problem_statement
    seven = by_id["repo__repo-7"]
    assert seven.FAIL_TO_PASS == ("shop/stock.py::test_inside",)
    assert touched_paths([seven.patch]) == touched_paths([seven.test_patch]) == ("shop/stock.py",)
    assert all(not find_leaks(task) for task in taskset.tasks)

    results = await validate_tasks(taskset, repeats=1)
    assert all(result.is_valid for result in results), results


@pytest.mark.sandbox
async def test_a_mining_that_was_ended_goes_on_and_ends_the_same(shop_repo, index, tmp_path):
    project = obtain_project(str(shop_repo.path))
    config = MineConfig(limit=9, concurrency=1, repeats=1)

    class StoppedError(Exception):
        pass

    def stop_at_the_second_build(line, seen=[]):  # noqa: B006
        seen.append(line.startswith("building"))
        if sum(seen) == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        await mine_tasks(
            project, tmp_path / "one", config=config, on_progress=stop_at_the_second_build
        )
    assert not (tmp_path / "one").exists()
    journal = work_folder(tmp_path / "one") / "outcomes.jsonl"
    kept = journal.read_bytes()
    assert kept.count(b"\n") == 2, "the settings, and the one candidate before the second build"
    journal.write_bytes(kept + b'{"candidate": "torn')

    with pytest.raises(JourneymanError, match="begun with other settings") as caught:
        await mine_tasks(project, tmp_path / "one", config=MineConfig(limit=9, repeats=3))
    assert "--clean" in caught.value.hint

    said = []
    resumed = await mine_tasks(project, tmp_path / "one", config=config, on_progress=said.append)
    assert any("1 candidates were decided before" in line for line in said)
    whole = await mine_tasks(
        project, tmp_path / "two", config=MineConfig(limit=9, concurrency=3, repeats=1)
    )
    assert resumed.report.without_times() == whole.report.without_times()
    for name in ("tasks.jsonl", "taskset.toml", "funnel.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert sorted(os.listdir(tmp_path / "one" / "environments")) == sorted(
        {task.environment for task in whole.taskset.tasks}
    )


def run(folder, *words):
    return subprocess.run(
        [JOURNEYMAN, "tasks", "mine", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.sandbox
def test_the_command_mines_and_tells_what_became_of_each(shop_repo, index, tmp_path):
    words = (str(shop_repo.path), "--out", "made", "--limit", "2", "--repeats", "1")
    done = run(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "dropped: backport" in done.stdout
    assert "validated tasks" in done.stdout
    assert "trying 1 candidates" in done.stderr
    again = run(tmp_path, *words)
    assert again.returncode == 2
    assert "error: " in again.stderr
    assert "exists already" in again.stderr
    assert "hint: add --clean" in again.stderr
    cleaned = run(tmp_path, *words, "--clean", "--json")
    assert cleaned.returncode == 0, cleaned.stderr
    assert json.loads(cleaned.stdout)["num_tasks"] == 1
    shown = subprocess.run(
        [JOURNEYMAN, "tasks", "show", "made"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "squash_commit" in shown.stdout


@pytest.mark.sandbox
def test_an_interrupt_keeps_what_was_done_and_says_so(shop_repo, index, tmp_path):
    command = [JOURNEYMAN, "tasks", "mine", str(shop_repo.path), "--out", "made"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "building an environment" in line:
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(timeout=120) == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert (tmp_path / "made.mining/outcomes.jsonl").is_file()
    assert not (tmp_path / "made").exists()


def test_a_plan_is_made_without_any_sandbox(shop_repo, tmp_path):
    done = run(tmp_path, str(shop_repo.path), "--plan-only", "--json", "--since", "2023-11-15")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["number"] for one in told["candidates"]] == [12, 10, 7, None, 4, 2]
    assert told["candidates"][0]["patch"].startswith("diff --git a/shop/stock.py")
    assert os.listdir(tmp_path) == ["repo"]
    table = run(tmp_path, str(shop_repo.path), "--plan-only")
    assert "6 of 13 changes have a fix and tests" in table.stdout


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("--since", "yesterday"), "--since yesterday is no date", "2024-05-31"),
        (("--since", "2024-02-01", "--until", "2024-01-01"), "is not before until", "--since"),
        (("--prs", "nowhere.json"), "nowhere.json does not exist", "gh pr list"),
        (("--limit", "0"), "limit", "--help"),
    ],
)
def test_bad_input_is_one_line_and_a_hint(shop_repo, tmp_path, words, error, hint):
    done = run(tmp_path, str(shop_repo.path), "--out", "made", *words)
    assert done.returncode == 2
    lines = done.stderr.rstrip().split("\n")
    assert lines[-3].startswith("error: ")
    assert error in lines[-3]
    assert lines[-1].startswith("hint: ")
    assert hint in lines[-1]
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == ["repo"]
