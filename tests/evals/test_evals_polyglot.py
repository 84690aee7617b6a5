"""Exercises in the polyglot benchmark's layout become tasks that the example solves and the stub not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.evals.polyglot import prepare_polyglot, read_exercises
from journeyman.verify import grade


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    place = tmp_path / "polyglot" / "python" / "exercises" / "practice" / "double"
    texts = {
        ".docs/instructions.md": "# Instructions\n\nDouble a number.\n",
        ".meta/config.json": json.dumps(
            {
                "files": {
                    "solution": ["double.py"],
                    "test": ["double_test.py"],
                    "example": [".meta/example.py"],
                }
            }
        ),
        ".meta/example.py": "def double(number):\n    return 2 * number\n",
        "double.py": "def double(number):\n    pass\n",
        "double_test.py": (
            "import unittest\n\nfrom double import double\n\n\nclass DoubleTest(unittest.TestCase):\n"
            "    def test_two(self):\n        self.assertEqual(double(2), 4)\n"
        ),
    }
    for path, text in texts.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    return tmp_path / "polyglot"


def test_an_exercise_is_read_without_its_answer(benchmark: Path) -> None:
    (exercise,) = read_exercises(benchmark, "python")
    assert exercise.problem_statement.startswith("# Instructions")
    assert not any("example" in path for path in exercise.others)
    with pytest.raises(JourneymanError, match="no exercises of rust"):
        read_exercises(benchmark, "rust")


@pytest.mark.sandbox
@pytest.mark.network
async def test_the_example_resolves_and_the_stub_does_not(benchmark: Path, tmp_path: Path) -> None:
    prepared = await prepare_polyglot(benchmark, tmp_path / "taskset", "python")
    (task,) = prepared.taskset.tasks
    assert task.hidden_paths == ("double_test.py",)
    environments = prepared.taskset.environments
    assert (await grade(task, environments, task.patch)).verdict.is_resolved
    assert not (await grade(task, environments, "")).verdict.is_resolved
