"""BFCL's questions: right calls in any order, values as the leaderboard compares them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.evals.calls.problem import is_right, read_calls
from journeyman.types import ToolCall

QUESTION = {
    "id": "simple_0",
    "question": [[{"role": "user", "content": "Area of a triangle with base 10 and height 5?"}]],
    "function": [
        {
            "name": "geometry.area",
            "description": "Area.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "base": {"type": "integer"},
                    "height": {"type": "float"},
                    "unit": {"type": "string"},
                },
                "required": ["base", "height"],
            },
        }
    ],
}
ANSWER = {
    "id": "simple_0",
    "ground_truth": [
        {"geometry.area": {"base": [10], "height": [5.0], "unit": ["square units", ""]}}
    ],
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    question, answer = tmp_path / "BFCL_v4_simple.json", tmp_path / "answers.json"
    question.write_text(json.dumps(QUESTION) + "\n" + json.dumps({**QUESTION, "id": "b"}) + "\n")
    answer.write_text(json.dumps(ANSWER) + "\n" + json.dumps({**ANSWER, "id": "b"}) + "\n")
    return question, answer


def test_types_are_json_schemas_and_names_are_tools(files: tuple[Path, Path]) -> None:
    problem = read_calls(*files)[0]
    assert problem.tools[0].name == "geometry_area"
    assert problem.tools[0].parameters["properties"]["height"]["type"] == "number"


@pytest.mark.parametrize(
    ("arguments", "is_good"),
    [
        ({"base": 10, "height": 5}, True),
        ({"base": 10, "height": 5.0, "unit": "Square Units"}, True),
        ({"base": 10}, False),
        ({"base": 11, "height": 5}, False),
        ({"base": 10, "height": 5, "depth": 1}, False),
        ({"base": True, "height": 5}, False),
    ],
)
def test_calls_are_judged(
    files: tuple[Path, Path], arguments: dict[str, object], is_good: bool
) -> None:
    problem = read_calls(*files)[0]
    call = ToolCall(name="geometry_area", arguments=arguments)
    assert is_right(problem, [call]) is is_good
    assert not is_right(problem, [call, call])
    assert not is_right(problem, [])


def test_a_missing_answer_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text(json.dumps(ANSWER) + "\n")
    with pytest.raises(JourneymanError, match="no answer to b"):
        read_calls(files[0], tmp_path / "empty.json")


def test_the_oracle_is_right(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    words = ["eval", "calls", str(files[0]), "--answers", str(files[1]), "--model", "oracle"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert ended.value.code == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["num"], result["accuracy"]) == (2, 1.0)
