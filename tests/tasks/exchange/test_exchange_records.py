import json
import subprocess

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.exchange import FORMATS, export_tasks, find_format, import_tasks, read_rows
from journeyman.tasks.exchange.records import (
    swebench_record,
    swesmith_record,
    task_of_swebench,
    task_of_swesmith,
    task_of_verifiers,
    task_of_verl,
)
from journeyman.tasks.mutate import reverse_diff
from journeyman.tasks.taskset import Taskset, load_taskset, save_taskset
from journeyman.types import Origin, Task, VerifierSpec

BUG = """\
diff --git a/shop/prices.py b/shop/prices.py
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,3 +1,3 @@
 def total(prices):
-    return sum(prices)
+    return sum(prices) + 1
 # 'quoted' \\ "twice" ünïcode
"""


def made(name="shop__shop-1", **fields):
    given = {
        "instance_id": name,
        "repo": "owner/shop",
        "base_commit": "a" * 40,
        "problem_statement": "`total` is wrong.\n\n```python\ntotal([1]) == 1\n```\r\n",
        "patch": reverse_diff(BUG),
        "FAIL_TO_PASS": ("tests/test_prices.py::test_sum[a, b]", "tests/test_prices.py::test_ü"),
        "PASS_TO_PASS": ("tests/test_prices.py::test_none",),
        "hints_text": "none",
        "created_at": "2026-01-05T00:00:00Z",
        "version": "1.2",
        "environment_setup_commit": "b" * 40,
        "environment": "shop1",
        "bug_patch": BUG,
        "hidden_paths": ("tests/test_prices.py",),
        "verifier": VerifierSpec(command="python -m pytest tests/test_prices.py", timeout_s=120),
        "origin": Origin(road="mutate", strategy="off_by_one", seed=3, location="shop/prices.py:2"),
        **fields,
    }
    return Task(**given)


MINED = made(
    "shop__shop-2",
    bug_patch="",
    hidden_paths=(),
    test_patch="diff --git a/t.py b/t.py\n",
    origin=Origin(road="mine", strategy="merge_commit", location="#2"),
)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("name", ["swebench", "swesmith", "verifiers", "verl"])
def test_a_way_out_and_back_loses_nothing(tmp_path, name, suffix):
    tasks = (made(), made("shop__shop-3", PASS_TO_PASS=()))
    tasks += () if name == "swesmith" else (MINED,)
    taskset = Taskset(name="shop", folder=tmp_path / "shop", tasks=tasks)
    path = tmp_path / f"out{suffix}"
    assert export_tasks(taskset, path, name) == len(tasks)
    again = import_tasks(path, tmp_path / "again", name)
    assert again.tasks == tasks
    assert load_taskset(tmp_path / "again", needs_environments=False).tasks == tasks


def test_swebench_has_its_twelve_fields_and_lists_as_texts(tmp_path):
    record = swebench_record(made(), is_plain=True)
    assert len(record) == 12
    assert json.loads(record["FAIL_TO_PASS"]) == list(made().FAIL_TO_PASS)


FOREIGN = {
    "instance_id": "astropy__astropy-1", "repo": "astropy/astropy", "base_commit": "c" * 40,
    "patch": BUG, "test_patch": BUG.replace("shop/prices.py", "tests/test_x.py"),
    "problem_statement": "It fails.", "hints_text": "", "created_at": "2020-01-01T00:00:00Z",
    "version": "4.3", "FAIL_TO_PASS": '["tests/test_x.py::test_a"]', "PASS_TO_PASS": "[]",
    "environment_setup_commit": "d" * 40, "difficulty": "<15 min fix",
}  # fmt: skip


def test_an_instance_of_others_comes_out_as_it_went_in():
    task = task_of_swebench(FOREIGN)
    assert task.FAIL_TO_PASS == ("tests/test_x.py::test_a",)
    assert task.verifier.command.endswith(" tests/test_x.py")
    assert task.origin.road == "import"
    assert swebench_record(task) == FOREIGN
    without = {key: value for key, value in FOREIGN.items() if key != "difficulty"}
    assert swebench_record(task_of_swebench(without)) == without
    built = task.model_copy(update={"environment": "e1"})
    again = task_of_swebench(swebench_record(built))
    assert again == built


def test_an_instance_of_swesmith_gets_the_reverse_of_its_bug(tmp_path):
    record = {
        "instance_id": "local__shop.abcd1234.func_pm__x", "repo": "swesmith/local__shop.abcd1234",
        "patch": BUG, "FAIL_TO_PASS": ["tests/test_prices.py::test_sum"], "PASS_TO_PASS": [],
        "image_name": "swebench/swesmith.x86_64.shop", "problem_statement": "",
    }  # fmt: skip
    task = task_of_swesmith(record)
    assert task.bug_patch == BUG
    assert task.patch == made().patch
    assert task.hidden_paths == ("tests/test_prices.py",)
    assert swesmith_record(task) == record


def test_the_reverse_of_a_bug_that_removes_a_file_applies(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("y = 1\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    (tmp_path / "a.py").unlink()
    (tmp_path / "b.py").write_text("y = 2\n")
    (tmp_path / "c.py").write_text("z = 1\n")
    subprocess.run([*git, "add", "-A"], check=True)
    bug = subprocess.run([*git, "diff", "--cached"], check=True, capture_output=True, text=True)
    task = task_of_swesmith({"instance_id": "x__y-1", "repo": "x/y", "patch": bug.stdout})
    subprocess.run([*git, "apply", "-"], input=task.patch, check=True, text=True)
    assert (tmp_path / "a.py").read_text() == "x = 1\n"
    assert (tmp_path / "b.py").read_text() == "y = 1\n"
    assert not (tmp_path / "c.py").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("swebench", '{"instance_id": "a"}', "a: "),
        ("swebench", '{"instance_id": "a", "FAIL_TO_PASS": "x"}', "no list of tests"),
        ("swebench", "[1", "not valid JSON"),
        ("swebench", "1", "not an object"),
        ("swebench", "", "holds no tasks"),
        ("verifiers", '{"info": "{}"}', "holds no task"),
        ("verl", "{}", "holds no task"),
        ("swesmith", '{"instance_id": "a", "journeyman": "{"}', "not JSON"),
    ],
)
def test_wrong_files_are_one_line_and_a_hint(tmp_path, name, text, message):
    (tmp_path / "in.jsonl").write_text(text)
    with pytest.raises(JourneymanError, match=message) as caught:
        import_tasks(tmp_path / "in.jsonl", tmp_path / "out", name)
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_wrong_names_and_places(tmp_path):
    taskset = Taskset(name="shop", folder=tmp_path, tasks=(MINED,))
    with pytest.raises(JourneymanError, match="no bug to put in"):
        export_tasks(taskset, tmp_path / "a.jsonl", "swesmith")
    with pytest.raises(JourneymanError, match="none of"):
        export_tasks(taskset, tmp_path / "a.csv", "swebench")
    with pytest.raises(JourneymanError) as caught:
        find_format("swe-bench")
    assert "swebench" in caught.value.hint
    (tmp_path / "b.jsonl").write_text("")
    with pytest.raises(JourneymanError, match="exists already"):
        export_tasks(taskset, tmp_path / "b.jsonl", "swebench")
    assert set(FORMATS) == {"swebench", "swesmith", "harbor", "verifiers", "verl"}
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(JourneymanError, match="cannot read"):
        read_rows(tmp_path / "bad.parquet")


def test_info_may_be_an_object():
    data = made().model_dump(mode="json")
    assert task_of_verifiers({"info": data}) == made()
    assert task_of_verl({"extra_info": {"task": data}}) == made()


def test_environments_are_taken_over(tmp_path):
    folder = tmp_path / "shop"
    place = folder / "environments" / "shop1"
    (place / "repository").mkdir(parents=True)
    (place / "environment.json").write_text("{}")
    (place / "repository" / "link").symlink_to("elsewhere")
    taskset = Taskset(name="shop", folder=folder, tasks=(made(),))
    save_taskset(taskset)
    export_tasks(taskset, tmp_path / "x.jsonl", "swebench")
    import_tasks(
        tmp_path / "x.jsonl", tmp_path / "b", "swebench", environments=[taskset.environments]
    )
    assert load_taskset(tmp_path / "b").tasks == (made(),)
    assert (tmp_path / "b/environments/shop1/repository/link").is_symlink()
