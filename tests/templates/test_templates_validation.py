"""The format check of a turn: every kind of breach, exactly where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from faulty_turns import FAULTY, TOOLS, Faulty

from journeyman.templates import FAULTS, get_template, list_templates, token_ranges, validate
from journeyman.types import FormatError, Message, ParsedTurn, ToolCall, ToolSpec

GOOD = ToolCall(name="note", arguments={"text": "é 🌊"})
BREACHES = {
    "unknown_tool": ToolCall(name="fly", arguments={"text": "x"}),
    "missing_argument": ToolCall(name="note", arguments={"count": 1}),
    "extra_argument": ToolCall(name="note", arguments={"text": "x", "more": "y"}),
    "wrong_type": ToolCall(name="note", arguments={"text": "x", "count": "six"}),
}
NOT_A_CALL = {("xml_cline", "unknown_tool"), ("xml_cline", "extra_argument")}
"""Where the tags are the tools' own names, what was not declared is no call and no argument."""


def errors(template: str, text: str) -> tuple[FormatError, ...]:
    return validate(get_template(template).parse(text, TOOLS), TOOLS)


@pytest.mark.parametrize("faulty", FAULTY, ids=str)
def test_a_breach_spans_what_breaks_the_rule(faulty: Faulty) -> None:
    (error,) = errors(faulty.template, faulty.text)
    offending = faulty.text[faulty.start : faulty.end]
    assert (error.kind, faulty.text[error.start : error.end]) == (faulty.kind, offending)
    assert (error.start, error.end) == (faulty.start, faulty.end)


@pytest.mark.parametrize("kind", sorted(BREACHES))
@pytest.mark.parametrize("name", list_templates())
def test_every_template_finds_the_call_that_breaks_its_declaration(name: str, kind: str) -> None:
    if (name, kind) in NOT_A_CALL:
        return
    template = get_template(name)
    calls = (GOOD, BREACHES[kind]) if template.max_calls > 1 else (BREACHES[kind],)
    text = template.render_turn(Message(role="assistant", tool_calls=calls))
    turn = template.parse(text, TOOLS)
    (error,) = validate(turn, TOOLS)
    start, end = turn.call_spans[-1]
    assert error.kind == kind
    assert start <= error.start < error.end <= end
    assert BREACHES[kind].name in text[start:end]
    assert GOOD.arguments["text"] not in text[start:end]


@pytest.mark.parametrize("name", list_templates())
def test_a_turn_that_keeps_to_its_tools_has_no_errors(name: str) -> None:
    template = get_template(name)
    arguments = {"text": "a", "count": 2, "kind": "b", "items": [1, "x"]}
    call = ToolCall(name="note", arguments=arguments)
    assert errors(name, template.render_turn(Message(role="assistant", tool_calls=(call,)))) == ()
    assert errors(name, template.render_turn(Message(role="assistant", content="Hi."))) == ()


def test_every_class_of_breach_is_among_the_faulty_turns() -> None:
    assert {faulty.kind for faulty in FAULTY} | {"too_deep"} == FAULTS.keys()


def test_a_value_that_is_too_deep_is_reported_where_it_is() -> None:
    text = f"[note(text='a', items={'[' * 101}{']' * 101})]"
    (error,) = (each for each in errors("toolace", text) if each.kind == "too_deep")
    assert (error.start, error.end) == (text.index("[[") + 100, text.index("[[") + 101)


def test_several_breaches_come_by_position() -> None:
    text = '[fly(a=1), note(count="six"), look(at=2)] Done.'
    found = [(e.kind, text[e.start : e.end]) for e in errors("toolace", text)]
    assert found == [
        ("unknown_tool", "[fly(a=1)"),
        ("missing_argument", 'note(count="six")'),
        ("wrong_type", 'note(count="six")'),
        ("extra_argument", "look(at=2)"),
        ("text_after_call", "Done."),
    ]


def test_what_the_parser_reported_is_not_reported_again() -> None:
    text = (
        "<tool_call>\n<function=note>\n<parameter=text>\na\n</parameter>\n"
        "<parameter=count>\nsix\n</parameter>\n</function>\n</tool_call>"
    )
    turn = get_template("qwen3_coder").parse(text, TOOLS)
    assert [error.kind for error in turn.errors] == ["wrong_type"]
    assert validate(turn, TOOLS) == turn.errors


@pytest.mark.parametrize(
    ("schema", "value", "is_right"),
    [
        ({"type": "integer"}, 1, True),
        ({"type": "integer"}, 2.0, True),
        ({"type": "integer"}, 2.5, False),
        ({"type": "integer"}, True, False),
        ({"type": "number"}, 1, True),
        ({"type": "number"}, False, False),
        ({"type": "boolean"}, 0, False),
        ({"type": "string"}, None, False),
        ({"type": ["string", "null"]}, None, True),
        ({"type": "array"}, {}, False),
        ({"type": "object"}, {}, True),
        ({"enum": ["a", 1]}, 1, True),
        ({"enum": ["a", 1]}, "1", False),
        ({"type": "string", "enum": ["a"]}, "b", False),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, None, True),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "x", False),
        ({}, object, True),
    ],
)
def test_a_type(schema: dict[str, Any], value: Any, is_right: bool) -> None:
    value = "anything" if value is object else value
    tool = ToolSpec(name="f", parameters={"type": "object", "properties": {"x": schema}})
    turn = ParsedTurn(calls=(ToolCall(name="f", arguments={"x": value}),), call_spans=((3, 9),))
    expected = [] if is_right else [("wrong_type", 3, 9)]
    assert [(e.kind, e.start, e.end) for e in validate(turn, [tool])] == expected


def test_a_tool_may_allow_other_arguments() -> None:
    turn = ParsedTurn(calls=(ToolCall(name="f", arguments={"x": 1}),))
    for allowed, kinds in ((True, []), ({"type": "string"}, []), (False, ["extra_argument"])):
        tool = ToolSpec(name="f", parameters={"type": "object", "additionalProperties": allowed})
        assert [error.kind for error in validate(turn, [tool])] == kinds


OFFSETS = [(0, 2), (2, 4), (4, 4), (4, 7)]


@pytest.mark.parametrize(
    ("span", "tokens"),
    [
        ((0, 7), (0, 4)),
        ((0, 2), (0, 1)),
        ((1, 3), (0, 2)),
        ((3, 4), (1, 2)),
        ((4, 7), (3, 4)),
        ((2, 2), (1, 2)),
        ((7, 7), (3, 4)),
        ((90, 95), (3, 4)),
    ],
)
def test_a_span_is_mapped_to_tokens(span: tuple[int, int], tokens: tuple[int, int]) -> None:
    assert token_ranges([span], OFFSETS) == (tokens,)


def test_no_tokens_is_an_empty_range() -> None:
    assert token_ranges([(0, 1)], []) == ((0, 0),)
