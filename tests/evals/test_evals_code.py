"""Single-turn code: every published form is read, right answers pass and wrong ones say why."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from journeyman.errors import JourneymanError
from journeyman.evals.code.problem import read_problems
from journeyman.evals.code.trial import program_of, try_answer

ROWS: dict[str, dict[str, Any]] = {
    "HumanEval": {
        "task_id": "HumanEval/900",
        "prompt": 'from typing import List\n\n\ndef most(xs: List[int]) -> int:\n    """Largest."""\n',
        "entry_point": "most",
        "canonical_solution": "    return max(xs)\n",
        "test": "def check(candidate):\n    assert candidate([1, 5, 2]) == 5\n",
    },
    "HumanEvalFix": {
        "task_id": "Python/900",
        "declaration": "def least(xs):\n",
        "buggy_solution": "    return max(xs)\n",
        "canonical_solution": "    return min(xs)\n",
        "entry_point": "least",
        "prompt": "",
        "test": "def check(least):\n    assert least([2, 1]) == 1\n\ncheck(least)",
    },
    "MBPP": {
        "task_id": 900,
        "text": "Write a function that doubles.",
        "code": "def double(x):\n    return 2 * x",
        "test_list": ["assert double(2) == 4"],
        "test_setup_code": "",
    },
    "EvalPlus": {
        "task_id": "HumanEval/901",
        "prompt": "def half(x):\n",
        "entry_point": "half",
        "canonical_solution": "    return x / 2\n",
        "base_input": [[1]],
        "plus_input": [[3], [0.1]],
        "atol": 0,
    },
    "LiveCodeBench": {
        "question_id": "abc900_a",
        "question_content": "Print the sum of two numbers.",
        "starter_code": "",
        "public_test_cases": json.dumps([{"input": "1 2\n", "output": "3", "testtype": "stdin"}]),
        "private_test_cases": base64.b64encode(
            zlib.compress(
                pickle.dumps(json.dumps([{"input": "4 5\n", "output": "9", "testtype": "stdin"}]))
            )
        ).decode(),
        "metadata": "{}",
    },
}
_FUNCTIONAL = {
    "question_id": "3000",
    "question_content": "Reverse a list.",
    "starter_code": "class Solution:\n    def turn(self, xs):\n        ",
    "public_test_cases": json.dumps([{"input": "[1, 2]", "output": "[2, 1]"}]),
    "metadata": json.dumps({"func_name": "turn"}),
}
_SUM = "print(sum(map(int, input().split())))"


def _problem(tmp_path: Path, row: dict[str, Any]) -> Any:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (problem,) = read_problems(path)
    return problem


@pytest.mark.sandbox
@pytest.mark.parametrize("form", ROWS)
async def test_the_benchmarks_own_answer_passes_and_another_does_not(
    tmp_path: Path, form: str
) -> None:
    problem = _problem(tmp_path, ROWS[form])
    assert problem.form == form
    right = problem.solution or _SUM
    assert (await try_answer(problem, f"Sure.\n```python\n{right}\n```\nDone.")).is_passed
    wrong = right.replace("max", "len").replace("min", "max").replace("sum", "max")
    wrong = wrong.replace("2 * x", "x").replace("x / 2", "x // 2")
    outcome = await try_answer(problem, f"```\n{wrong}\n```")
    assert not outcome.is_passed
    assert outcome.reason


@pytest.mark.sandbox
async def test_functions_with_arguments_of_json_are_called(tmp_path: Path) -> None:
    problem = _problem(tmp_path, _FUNCTIONAL)
    answer = "```python\nclass Solution:\n    def turn(self, xs):\n        return xs[::-1]\n```"
    assert (await try_answer(problem, answer)).is_passed
    assert (await try_answer(problem, "")).reason == "no code"


def test_a_completion_without_a_signature_gets_it(tmp_path: Path) -> None:
    problem = _problem(tmp_path, ROWS["HumanEval"])
    program = program_of(problem, "    return max(xs)\n")
    assert program.startswith("from typing import List")
    assert "def most" in program


def test_a_pickle_that_is_no_plain_text_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (print, ("ran",))

    data = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    with pytest.raises(JourneymanError, match="broken"):
        _problem(tmp_path, {**ROWS["LiveCodeBench"], "private_test_cases": data})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": 2}\n', "no problem that is known"),
        ('[{"task_id": 1', "not valid JSON"),
        ("[1]", "not an object"),
    ],
)
def test_other_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(JourneymanError, match=message):
        read_problems(path)
