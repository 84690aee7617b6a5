import json

import pytest

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.flow.predictions import read_predictions, write_predictions
from journeyman.runs import RunFolder
from journeyman.types import Ending, Rollout

PATCH = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-\u2028x\n+y\n"


def record(instance_id="one", model="mine", patch=PATCH, **more):
    fields = {"instance_id": instance_id, "model_name_or_path": model, "model_patch": patch}
    return {**fields, **more}


def written(folder, text, name="predictions.json"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def pretty_object(records):
    return json.dumps({it["instance_id"]: it for it in records}, indent=1)


FORMS = {
    "list": lambda records: json.dumps(records),
    "pretty list": lambda records: json.dumps(records, indent=2),
    "object": pretty_object,
    "object without ids": lambda records: json.dumps(
        {it["instance_id"]: {k: v for k, v in it.items() if k != "instance_id"} for it in records}
    ),
    "lines": lambda records: "".join(json.dumps(it, ensure_ascii=False) + "\n" for it in records),
    "lines without an end": lambda records: "\n\n".join(json.dumps(it) for it in records),
    "byte order mark": lambda records: "\ufeff" + json.dumps(records),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["p.json", "p.txt"])
@pytest.mark.parametrize("number", [1, 3])
def test_every_form_says_the_same(tmp_path, form, name, number):
    records = [record(f"task-{index}", cost=1.5) for index in range(number)]
    found = read_predictions(written(tmp_path, FORMS[form](records), name))
    assert [it.instance_id for it in found] == [it["instance_id"] for it in records]
    assert {it.model_patch for it in found} == {PATCH}
    assert {it.model_name_or_path for it in found} == {"mine"}


def test_lines_are_known_in_every_form(tmp_path):
    records = [record("a"), record("b")]
    lines = written(tmp_path, FORMS["lines"](records), "p.jsonl")
    assert [it.line for it in read_predictions(lines)] == [1, 2]
    for form in (json.dumps(records, indent=1), pretty_object(records)):
        assert [it.line for it in read_predictions(written(tmp_path, form))] == [2, 7]


def test_no_patch_is_an_empty_patch(tmp_path):
    path = written(tmp_path, json.dumps([record(patch=None)]))
    assert read_predictions(path)[0].model_patch == ""


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[\n{"instance_id": "a", "model_patch": ""}\n]', 2, "no model_name_or_path"),
        (json.dumps(record()) + '\n{"instance_id": "a"}\n', 2, "no model_name_or_path"),
        (json.dumps(record()) + "\n{\n", 2, "not valid JSON"),
        (json.dumps([record(), 3], indent=0), 7, "not an object"),
        ('[{"instance_id": "a"\n,\n}]', 3, "not valid JSON"),
        ('{"a": {"instance_id": "b"}}', 1, "a holds a prediction for b"),
        ('{"a":\n {"model_name_or_path": "m"}}', 1, "no model_patch"),
        (json.dumps([record(patch=["x"])]), 1, "model_patch: Input should be a valid string"),
        (json.dumps([record("")]), 1, "instance_id: String should have at least 1 character"),
        (json.dumps([record(patch="\ud800")]), 1, "model_patch:"),
        (json.dumps([record()]) + "\nx", 2, "something follows"),
        (json.dumps([record()])[:-1], 1, "not valid JSON"),
        (json.dumps([record("a"), record("b"), record("a")], indent=0), 12, "already answers a"),
        (json.dumps([record("a"), record("a")]), 1, "already answers a on line 1"),
        ('{"a": 1}', 1, "not an object"),
        ("nothing\n", 1, "not valid JSON"),
    ],
)
def test_what_is_broken_is_named_by_file_and_line(tmp_path, text, line, reason):
    path = written(tmp_path, text)
    with pytest.raises(JourneymanError) as caught:
        read_predictions(path)
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert reason in caught.value.message
    assert caught.value.hint


def test_the_same_task_by_two_models_is_no_duplicate(tmp_path):
    path = written(tmp_path, json.dumps([record(model="one"), record(model="two")]))
    assert [it.model_name_or_path for it in read_predictions(path)] == ["one", "two"]


@pytest.mark.parametrize("text", ["", "[]", "\n\n", "{}"])
def test_an_empty_file_is_an_error(tmp_path, text):
    with pytest.raises(JourneymanError, match="holds no predictions"):
        read_predictions(written(tmp_path, text))


def test_absent_and_unreadable_files_are_explained(tmp_path):
    with pytest.raises(JourneymanError, match="no predictions at"):
        read_predictions(tmp_path / "gone.json")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(JourneymanError, match="not UTF-8"):
        read_predictions(tmp_path / "bytes")
    with pytest.raises(JourneymanError, match="cannot read"):
        read_predictions(tmp_path)


def rollout(instance_id, index=0, model="mine", ending=Ending.SUBMITTED, patch=PATCH):
    group = f"{instance_id}.{model}.bash"
    return Rollout(
        rollout_id=f"{group}.{index}",
        instance_id=instance_id,
        group_id=group,
        scaffold="bash",
        model=model,
        ending=ending,
        patch=patch,
    )


def test_what_is_written_is_read_back_one_file_a_model_and_sample(tmp_path):
    rollouts = [
        rollout("a"),
        rollout("b", patch=""),
        rollout("c", ending=Ending.FAILED, patch=""),
        rollout("a", 1, patch="other"),
        rollout("a", model="second"),
    ]
    with RunFolder.create(tmp_path, "rollout", "x", config=Config(), argv=[]) as run:
        paths = write_predictions(run, rollouts)
        assert [path.name for path in paths] == ["mine.jsonl", "mine.2.jsonl", "second.jsonl"]
    first, second, third = (read_predictions(path) for path in paths)
    assert [(it.instance_id, it.model_patch) for it in first] == [("a", PATCH), ("b", "")]
    assert [(it.model_name_or_path, it.model_patch) for it in second] == [("mine.2", "other")]
    assert [it.model_name_or_path for it in third] == ["second"]
