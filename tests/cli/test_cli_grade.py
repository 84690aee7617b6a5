"""`journeyman grade` on prediction files as people and programs write them, whole and broken."""

import asyncio
import json

import pytest

from journeyman.cli import main
from journeyman.tasks import Taskset, save_taskset
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task, VerifierSpec

BUG = """\
diff --git a/one.py b/one.py
--- a/one.py
+++ b/one.py
@@ -1,2 +1,2 @@
 def one():
-    return 1
+    return 2
"""
GOLD = BUG.replace("-    return 1\n+    return 2", "-    return 2\n+    return 1")
TEST = (
    "import unittest\nimport one\n\n\nclass One(unittest.TestCase):\n"
    "    def test_one(self):\n        self.assertEqual(one.one(), 1)\n\n\nunittest.main(verbosity=2)\n"
)


@pytest.fixture
def taskset(tmp_path, monkeypatch):
    """The tasks `one__1` and `one__2`, whose bug is the same."""
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "one"
    tree = folder / "environments/env1/repository"
    tree.mkdir(parents=True)
    (tree / "one.py").write_text("def one():\n    return 1\n")
    (tree / "test_one.py").write_text(TEST)
    environment = Environment(
        digest="env1", project="one", commit="1" * 40, created_at="2026-01-05T00:00:00Z"
    )
    (tree.parent / "environment.json").write_text(environment.model_dump_json())
    task = Task(
        instance_id="one__1", repo="one", base_commit="", problem_statement="one is wrong",
        patch=GOLD, FAIL_TO_PASS=("__main__.One.test_one",), environment="env1", bug_patch=BUG,
        hidden_paths=("test_one.py",), origin=Origin(road="mutate"),
        verifier=VerifierSpec(command="python3 test_one.py", log_parser="unittest", timeout_s=30),
    )  # fmt: skip
    commit = asyncio.run(find_base_commit(task, folder / "environments"))
    tasks = [
        task.model_copy(update={"instance_id": name, "base_commit": commit})
        for name in ("one__1", "one__2")
    ]
    save_taskset(Taskset(name="one", folder=folder, tasks=tuple(tasks)))
    return folder


def record(instance_id="one__1", model="mine", patch=GOLD, **more):
    return {"instance_id": instance_id, "model_name_or_path": model, "model_patch": patch, **more}


FORMS = {
    "list.json": lambda records: json.dumps(records, indent=1),
    "object.json": lambda records: "{" + ",\n".join(
        f"{json.dumps(str(it.get('instance_id', 'one__1')))}: {json.dumps(it)}" for it in records
    ) + "}",
    "lines.jsonl": lambda records: "".join(json.dumps(it) + "\n" for it in records),
    "lines.json": lambda records: "".join(json.dumps(it) + "\n" for it in records),
}  # fmt: skip
every_form = pytest.mark.parametrize("form", FORMS)


def grade(form, records, *options):
    """Run the command on the records in one form; return its exit code."""
    text = records if isinstance(records, str) else FORMS[form](records)
    with open(form, "w", encoding="utf-8") as file:
        file.write(text)
    with pytest.raises(SystemExit) as caught:
        main(["grade", "one", form, *options])
    return caught.value.code


def refusal(form, records, capsys, tmp_path, *options):
    """Return the one line of error and the one of hint; nothing else is said or written."""
    assert grade(form, records, *options) == 2
    said = capsys.readouterr()
    assert said.out == ""
    error, blank, hint = said.err.rstrip("\n").split("\n")
    assert error.startswith("error: ")
    assert blank == ""
    assert hint.startswith("hint: ")
    assert not (tmp_path / "runs").exists()
    return error, hint


@pytest.mark.parametrize("form", ["list.json", "lines.jsonl", "lines.json"])
@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"instance_id": "one__1", "model_patch": ""}, "no model_name_or_path"),
        ({"instance_id": "one__1", "model_name_or_path": "m"}, "no model_patch"),
        ({"model_name_or_path": "m", "model_patch": ""}, "no instance_id"),
        ({"instance": "one__1", "model": "m", "patch": ""}, "no instance_id"),
        (record(patch=3), "model_patch: Input should be a valid string"),
        (record(patch={"diff": GOLD}), "model_patch: Input should be a valid string"),
        (record(instance_id=None), "instance_id: Input should be a valid string"),
        (record(instance_id=""), "instance_id: "),
        (record(model=None), "model_name_or_path: Input should be a valid string"),
        (record(model=["m"]), "model_name_or_path: Input should be a valid string"),
        ("one__1", "not an object"),
        (None, "not an object"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(form, wrong, complaint, capsys, tmp_path, taskset):
    error, hint = refusal(form, [record(), wrong], capsys, tmp_path)
    assert complaint in error
    line = 7 if form == "list.json" else 2
    assert f"/{form}:{line}: " in error
    assert '"model_patch"' in hint


@every_form
def test_a_second_answer_of_a_model_is_named_with_both_lines(form, capsys, tmp_path, taskset):
    records = [record(), record("one__2"), record(patch="")]
    error, hint = refusal(form, records, capsys, tmp_path)
    assert "mine already answers one__1 on line " in error
    assert "remove one of the two" in hint


@every_form
def test_an_unknown_task_is_named_and_the_nearest_one(form, capsys, tmp_path, taskset):
    error, hint = refusal(form, [record(), record("one__1x", patch="")], capsys, tmp_path)
    assert "has no task one__1x" in error
    assert hint == "hint: did you mean one__1?"
    _, hint = refusal(form, [record("django__django-11099")], capsys, tmp_path)
    assert hint.startswith("hint: journeyman tasks show ")


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "\n", "[", "[{]", '{"one__1": ', "one__1,mine,diff\n", "[" * 100_000,
        '{"a":' * 100_000, json.dumps([record()])[:-9], '[{"instance_id": ' + "1" * 5000 + "}]",
        '{"instance_id": NaN}', "\0", json.dumps(record("one\n__1\r\n")), json.dumps([record("\0")]),
        json.dumps([record(model="a\nb"), record(model="a\nb")]),
        json.dumps({"one\n": {}}), json.dumps({"one__1": record("one__\n2")}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["list.json", "lines.jsonl"])
def test_what_is_no_file_of_predictions_is_refused_in_one_line(
    form, text, capsys, tmp_path, taskset
):
    assert form in refusal(form, text, capsys, tmp_path)[0]


def test_a_choice_of_tasks_that_no_prediction_answers_is_refused(capsys, tmp_path, taskset):
    error, _ = refusal("lines.jsonl", [record()], capsys, tmp_path, "--task", "one__2")
    assert "no prediction" in error
    assert "one__2" in error


def test_tasks_whose_records_would_be_one_are_refused(capsys, tmp_path, taskset):
    lines = (taskset / "tasks.jsonl").read_text()
    (taskset / "tasks.jsonl").write_text(lines.replace("one__1", "a/b").replace("one__2", "a:b"))
    error, _ = refusal("lines.jsonl", [record("a/b"), record("a:b")], capsys, tmp_path)
    assert "a/b and a:b would both be called" in error


@pytest.mark.sandbox
@every_form
def test_an_empty_patch_is_graded_and_solves_nothing(form, capsys, tmp_path, taskset):
    records = [record(), record("one__2", patch=""), record("one__2", "other", None)]
    records.append(record("one__1", "other", " \n"))
    assert grade(form, records if form != "object.json" else records[:2], "--json") == 0
    found = json.loads(capsys.readouterr().out)
    rates = {"mine": 0.5} if form == "object.json" else {"mine": 0.5, "other": 0.0}
    assert found["solve_rate"] == rates
    lines = (tmp_path / found["run"] / "rollouts.jsonl").read_text().splitlines()
    rollouts = [json.loads(line) for line in lines]
    assert all(it["verdict"]["patch_is_applied"] for it in rollouts)
    assert all(it["reward"]["is_valid"] for it in rollouts)
    assert [it["instance_id"] for it in rollouts if it["verdict"]["is_resolved"]] == ["one__1"]
