"""Exercises: their answers fit every template, the splits share no tool, and judging is exact."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from journeyman.templates import get_template, list_templates, validate
from journeyman.templates.exercises.exercise import Exercise, answer, split_of
from journeyman.templates.exercises.functions import draw_toolset
from journeyman.templates.exercises.judge import judge
from journeyman.templates.exercises.make import make_exercises
from journeyman.templates.exercises.values import KINDS
from journeyman.types import Message, ParsedTurn, ToolCall


def _some(split: str, num: int = 400, seed: int = 0) -> list[Exercise]:
    return list(islice(make_exercises(split=split, seed=seed), num))  # type: ignore[arg-type]


def _parsed(call: ToolCall) -> ParsedTurn:
    return ParsedTurn(calls=(call,), call_spans=((0, 1),))


def test_the_same_seed_gives_the_same_exercises_and_another_seed_others() -> None:
    assert _some("train", 50) == _some("train", 50)
    assert _some("train", 50) != _some("train", 50, seed=1)


def test_expected_calls_fit_their_tools_declarations() -> None:
    for exercise in _some("train") + _some("heldout"):
        assert not validate(_parsed(exercise.expected), exercise.tools), exercise.exercise_id


def test_no_held_out_tool_is_seen_in_training() -> None:
    trained = {tool.name for exercise in _some("train") for tool in exercise.tools}
    assert all(split_of(tool) == "train" for it in _some("train") for tool in it.tools)
    held_out = {exercise.expected.name for exercise in _some("heldout")}
    assert held_out - trained, "held-out tools are others"
    assert all(
        split_of(tool) == "heldout"
        for it in _some("heldout")
        for tool in it.tools
        if tool.name == it.expected.name
    )


def _kinds(exercises: list[Exercise]) -> set[str]:
    return {kind for it in exercises for kind in it.argument_kinds.values()}


def test_every_kind_of_value_and_both_forms_occur() -> None:
    quoted = list(islice(make_exercises(split="train", seed=0, quoted_share=0.2), 400))
    assert _kinds(quoted) == set(KINDS)
    assert _kinds(_some("train")) == set(KINDS) - {"quotes"}
    assert {it.form for it in _some("train")} == {"named", "described"}
    assert any(any(m.role == "tool" for m in it.messages) for it in _some("train"))


def test_texts_with_quotes_are_copied_whole_in_every_form_that_escapes() -> None:
    toolsets = [draw_toolset(Random(2), num_tools=12)]
    made = make_exercises(split="train", seed=1, toolsets=toolsets, quoted_share=1.0)
    quoted = [it for it in islice(made, 200) if "quotes" in it.argument_kinds.values()]
    assert len(quoted) > 50
    for exercise in quoted:
        values = exercise.expected.arguments
        texts = [values[key] for key, kind in exercise.argument_kinds.items() if kind == "quotes"]
        assert all("'" in text or '"' in text for text in texts)
        assert all(text in exercise.messages[-1].content for text in texts)
        assert not validate(_parsed(exercise.expected), exercise.tools)
        for name in ("toolace", "llama4_pythonic", "hermes", "harmony_xml"):
            turn = answer(exercise)
            template = get_template(name)
            assert template.parse(template.render_turn(turn), exercise.tools).calls == (
                exercise.expected,
            ), name


def test_a_request_says_every_text_of_its_call() -> None:
    for exercise in _some("heldout"):
        request = exercise.messages[-1].content
        for value in exercise.expected.arguments.values():
            assert not isinstance(value, str) or value in request


@pytest.mark.parametrize("name", list_templates())
def test_a_written_answer_is_judged_exact(name: str) -> None:
    template = get_template(name)
    writable = 0
    for exercise in _some("heldout", 150):
        if template.can_write(answer(exercise), exercise.tools):
            writable += 1
            parsed = template.parse(template.render_turn(answer(exercise)), exercise.tools)
            judged = judge(exercise, parsed)
            assert judged.is_exact, (exercise.expected, judged)
            assert template.render(exercise.messages, exercise.tools)
    assert writable > 120


def test_judging_tells_what_is_wrong() -> None:
    exercise = next(it for it in _some("train") if len(it.expected.arguments) > 1)
    expected = exercise.expected
    name = next(iter(expected.arguments))
    assert judge(exercise, ParsedTurn(content="no")).errors == ("no_call",)
    twice = ParsedTurn(calls=(expected, expected), call_spans=((0, 1), (1, 2)))
    assert judge(exercise, twice).errors == ("several_calls",)
    unknown = judge(exercise, _parsed(ToolCall(name="no_such_tool")))
    assert not unknown.is_well_formed
    assert unknown.errors == ("unknown_tool", "other_tool")
    short = {key: value for key, value in expected.arguments.items() if key != name}
    judged = judge(exercise, _parsed(ToolCall(name=expected.name, arguments=short)))
    assert judged.wrong_arguments == (name,)
    assert "left_out" in judged.errors
    cut = judge(exercise, _parsed(expected), is_cut_off=True)
    assert not cut.is_well_formed


def test_a_flag_is_no_number_but_two_and_two_point_nought_are_one() -> None:
    number = next(it for it in _some("train") if "integer" in it.argument_kinds.values())
    floats = {
        key: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in number.expected.arguments.items()
    }
    assert judge(number, _parsed(ToolCall(name=number.expected.name, arguments=floats))).is_exact
    assert answer(number) == Message(role="assistant", tool_calls=(number.expected,))
