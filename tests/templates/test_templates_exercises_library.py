"""Exercises with the standard library's functions: real signatures, apart by split."""

from itertools import islice

from journeyman.templates.exercises.exercise import split_of
from journeyman.templates.exercises.library import library_tools, library_toolsets, tool_of
from journeyman.templates.exercises.make import make_exercises


def test_a_function_is_described_by_its_own_signature():
    tool = tool_of("textwrap", "shorten")
    assert tool is None  # it takes any other keywords
    tool = tool_of("shutil", "move")
    assert list(tool.parameters["properties"]) == ["src", "dst", "copy_function"]
    assert tool.parameters["required"] == ["src", "dst"]
    assert tool.description.startswith("Recursively move a file or directory")


def test_there_are_hundreds_and_sets_keep_to_their_split():
    assert len(library_tools()) > 500
    for split in ("train", "heldout"):
        sets = library_toolsets(50, split=split, seed=1)
        assert {split_of(tool) for it in sets for tool in it.tools} == {split}
        assert {len(it.tools) for it in sets} == {1, 2}
    assert sets == library_toolsets(50, split="heldout", seed=1)
    assert sets != library_toolsets(50, split="heldout", seed=2)


def test_exercises_ask_for_calls_that_fit():
    sets = library_toolsets(20, split="heldout", seed=0)
    made = make_exercises(split="heldout", seed=0, toolsets=sets, with_functions=False)
    for exercise in islice(made, 40):
        assert exercise.expected.name in {tool.name for tool in exercise.tools}
