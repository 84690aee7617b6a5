import json
import subprocess
import sys
from pathlib import Path

import pytest

from journeyman.tasks.gate_history import GateEntry, passed, read_gate, record_gate
from journeyman.tasks.subset import save_subset
from journeyman.tasks.taskset import Taskset, save_taskset
from journeyman.types import Environment, Origin, Task, VerifierSpec

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))
PATCH = """\
diff --git a/shop/prices.py b/shop/prices.py
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,2 +1,2 @@
 def total(prices):
-    return sum(prices) + 1
+    return sum(prices)
"""


def make_task(number, **fields):
    given = {
        "instance_id": f"shop__shop-{number}",
        "repo": "shop/shop",
        "base_commit": "a" * 40,
        "problem_statement": "Sums are wrong\n\n`total` adds one cent too many to every sum.\n",
        "patch": PATCH,
        "FAIL_TO_PASS": ("tests/test_prices.py::test_sum",),
        "hidden_paths": ("tests/test_prices.py",),
        "environment": "shop1",
        "verifier": VerifierSpec(command="python -m pytest tests/test_prices.py"),
        "origin": Origin(road="mutate", strategy="operand_change", location="shop/prices.py:2"),
        **fields,
    }
    return Task(**given)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "shop"
    (folder / "environments/shop1/repository").mkdir(parents=True)
    environment = Environment(
        digest="shop1",
        project="shop",
        commit="1" * 40,
        packages=("pytest==9",),
        size_bytes=2_000_000,
    )
    (folder / "environments/shop1/environment.json").write_text(environment.model_dump_json())
    together = Origin(
        road="mutate", strategy="combine_file", parts=("shop__shop-1", "shop__shop-9")
    )
    tasks = (make_task(1), make_task(2, origin=together, environment=""))
    save_taskset(Taskset(name="shop", folder=folder, tasks=tasks))
    record_gate(folder, passed(tasks, by="mutate", num_runs=2))
    failed = GateEntry(
        instance_id="shop__shop-1", by="validate", is_valid=False, at="2026-01-05T00:00:00+00:00",
        num_runs=2, faults=("is_stable: test_sum differs",), flaky_tests=("test_sum",),
    )  # fmt: skip
    record_gate(folder, [failed])
    with (folder / "gate.jsonl").open("a") as stream:
        stream.write('{"torn": ')
    return folder


def run(*words):
    done = subprocess.run(
        [JOURNEYMAN, "tasks", *map(str, words)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_task_is_shown_whole(folder):
    said = run("show", folder, "shop__shop-1")
    for part in (
        "adds one cent too many", "+    return sum(prices)", "1 packages, 2 MB",
        "python -m pytest tests/test_prices.py", "mutate, when it was made: passed",
        "FAILED is_stable", "flaky: test_sum",
    ):  # fmt: skip
        assert part in said
    said = run("show", folder, "shop__shop-2")
    assert "not here" in said
    assert "(shop__shop-1, shop__shop-9)" in said
    found = json.loads(run("show", folder, "shop__shop-1", "--json"))
    assert [entry["by"] for entry in found["gate_history"]] == ["mutate", "validate"]
    assert found["environment_record"]["digest"] == "shop1"
    assert found["findings"] == []


def test_a_taskset_is_counted(folder, tmp_path):
    found = json.loads(run("stats", folder, "--json"))
    assert found["num_tasks"] == 2
    assert found["strategies"] == {"procedural": 1, "combine": 1}
    assert found["sizes"]["lines of the fix"] == [2, 2]
    assert found["environments"] == {
        "number": 1, "here": 1, "megabytes": 2.0, "build seconds": 0.0,
    }  # fmt: skip
    assert found["gate"] == {"passages": 3, "failed": 1}
    attempt = {"instance_id": "shop__shop-1", "model": "m", "verdict": {"is_resolved": True}}
    (tmp_path / "rollouts.jsonl").write_text(json.dumps(attempt))
    said = run("stats", folder, "--run", tmp_path)
    assert "always" in said
    assert "not tried" in said


def test_history_goes_with_the_tasks(folder, tmp_path):
    taskset = Taskset(name="shop", folder=folder, tasks=(make_task(1),))
    save_subset(taskset, tmp_path / "kept", environments=[taskset.environments])
    assert [len(entries) for entries in read_gate(tmp_path / "kept").values()] == [2]
    assert read_gate(tmp_path) == {}
