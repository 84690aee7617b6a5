import json
import sys
from pathlib import Path

import pytest

from journeyman.models import ScriptedModel
from journeyman.tasks.describe import describe_tasks
from journeyman.tasks.quality import make_manifest, write_manifest
from journeyman.tasks.quality.sift import SiftConfig, sift
from journeyman.tasks.taskset import Taskset, load_taskset, save_taskset
from journeyman.types import Environment, Message, Origin, Task, VerifierSpec

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))
PATCH = """\
diff --git a/shop/prices.py b/shop/prices.py
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,3 +1,3 @@
 def total(prices, discount=0):
-    whole = sum(prices) + 1
+    whole = sum(prices)
     return whole - whole * discount // 100
"""
OLD = (
    "`total` gives a wrong result\n\nCalling `total` of shop adds one cent too many to every sum.\n"
)
NEW = "Sums of prices are off by one\n\nWhen I call `total([100, 250])` I get 351 and expect 350.\n"


def make_task(name, **fields):
    given = {
        "instance_id": name,
        "repo": "shop/shop",
        "base_commit": "a" * 40,
        "problem_statement": OLD,
        "patch": PATCH,
        "FAIL_TO_PASS": ("tests/test_prices.py::test_sum",),
        "hidden_paths": ("tests/test_prices.py",),
        "environment": "shop1",
        "verifier": VerifierSpec(command="python -m pytest tests/test_prices.py"),
        "origin": Origin(road="mutate", strategy="operand_change"),
        **fields,
    }
    return Task(**given)


@pytest.fixture
def taskset(tmp_path):
    folder = tmp_path / "shop"
    place = folder / "environments" / "shop1"
    (place / "repository" / "tests").mkdir(parents=True)
    (place / "repository" / "tests" / "test_prices.py").write_text(
        "def test_sum():\n    assert total([100, 250]) == 350\n"
    )
    environment = Environment(digest="shop1", project="shop", commit="1" * 40)
    (place / "environment.json").write_text(environment.model_dump_json())
    tasks = (
        make_task("shop__shop-1"),
        make_task("shop__shop-2"),
        make_task("shop__shop-3", patch=PATCH.replace("sum(prices)", "add(prices)")),
        make_task("shop__shop-4", verifier=VerifierSpec(command="grep -q sum shop/prices.py")),
        make_task("shop__shop-5", problem_statement="Wrong."),
        make_task("bench__bench-1", repo="bench/bench"),
    )
    made = Taskset(name="shop", folder=folder, tasks=tasks)
    save_taskset(made)
    return made


def says(*texts):
    return [Message(role="assistant", content=text) for text in texts]


async def test_every_reason_is_told_once(taskset):
    manifest = make_manifest("bench", [{"repo": "bench/bench"}])
    sifted = await sift(taskset, SiftConfig(manifests=(manifest,)))
    assert {drop.instance_id: drop.reason for drop in sifted.dropped} == {
        "shop__shop-2": "duplicate",
        "shop__shop-4": "idle_verifier",
        "shop__shop-5": "statement: vague",
        "bench__bench-1": "benchmark_overlap",
    }
    assert [task.instance_id for task in sifted.kept] == ["shop__shop-1", "shop__shop-3"]


async def test_a_judge_is_asked_about_what_the_rules_pass(taskset):
    fair = '{"leaks": false, "vague": false, "mismatch": false, "reason": ""}'
    unfair = fair.replace('"leaks": false', '"leaks": true')
    scripts = {"shop__shop-1": says(unfair), "shop__shop-3": says("I do not know.")}
    model = ScriptedModel("judge", says(fair), scripts)
    sifted = await sift(taskset, SiftConfig(), model=model)
    reasons = {drop.instance_id: drop.reason for drop in sifted.dropped}
    assert reasons["shop__shop-1"] == "statement: model"
    assert "shop__shop-3" not in reasons
    assert sifted.model_use.num_calls == 4


async def test_only_statements_that_pass_take_the_old_ones_place(taskset):
    scripts = {
        "shop__shop-1": says(NEW),
        "shop__shop-2": says("Write `whole = sum(prices)` instead.\n\nIt is in test_sum."),
        "shop__shop-3": says("no title"),
    }
    model = ScriptedModel("writer", (), scripts)
    described, report = await describe_tasks(taskset, model, attempts=2)
    by_id = {task.instance_id: task.problem_statement for task in described.tasks}
    assert by_id["shop__shop-1"] == NEW
    assert by_id["shop__shop-2"] == by_id["shop__shop-3"] == OLD
    assert report.num_written == 1
    assert report.refused == {"no_answer": 3, "leak": 2, "form": 2}


def run(*words):
    import subprocess

    return subprocess.run(
        [JOURNEYMAN, "tasks", *map(str, words)], capture_output=True, text=True, timeout=120
    )


def test_the_commands_filter_describe_and_exchange(taskset, tmp_path):
    write_manifest(tmp_path / "bench.json", make_manifest("bench", [{"repo": "bench/bench"}]))
    done = run("decontaminate", taskset.folder, "--manifest", tmp_path / "bench.json", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["overlaps"].keys() == {"bench__bench-1"}
    out = tmp_path / "kept"
    done = run("filter", taskset.folder, "--manifest", tmp_path / "bench.json", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "2 of 6 tasks kept" in done.stdout
    assert len(load_taskset(out).tasks) == 2
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"content": NEW}]))
    words = ("describe", out, "--model", f"scripted:{script}", "--out", tmp_path / "told", "--json")
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["report"]["num_written"] == 2
    done = run("export", out, "--format", "swebench", "--out", tmp_path / "rows.parquet")
    assert done.returncode == 0, done.stderr
    done = run("manifest", tmp_path / "rows.parquet", "--out", tmp_path / "m.json", "--json")
    assert json.loads(done.stdout)["instances"] == 2
    done = run("import", tmp_path / "rows.parquet", "--out", tmp_path / "again", "--json")
    assert json.loads(done.stdout)["num_with_environment"] == 0, done.stderr
    done = run("export", out, "--format", "swebenc", "--out", tmp_path / "x.jsonl")
    assert (done.returncode, done.stderr.count("\n")) == (2, 3)
    assert "did you mean swebench?" in done.stderr
