"""What JSON and Python refuse is reported: the standard library's own parsers are the judges.

Texts are damaged at random, a character or two at a time, with one seed.
"""
# ruff: noqa: RUF001 - tokens are spelt with full-width bars

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from keyword import iskeyword
from random import Random

import pytest

from journeyman.templates import get_template, list_templates
from journeyman.types import Message, ParsedTurn, ToolCall, ToolSpec

ARGUMENTS = r'{"text": "a\nb\u00e9", "count": [1, -2.5e3, null, true], "m": {"k": {}}}'
FRAMES = {
    "deepseekv31": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>note<｜tool▁sep｜>",
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    "hermes": ('<tool_call>\n{"name": "note", "arguments": ', "}\n</tool_call>"),
    "kimik2": (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.note:0"
        "<|tool_call_argument_begin|>",
        "<|tool_call_end|><|tool_calls_section_end|>",
    ),
    "llama4_json": ('{"name": "note", "parameters": ', "}"),
    "mistral3": ("[TOOL_CALLS]note[ARGS]", ""),
    "xlam_qwen": ('[{"name": "note", "arguments": ', "}]"),
}
BITS = ["", *",:{}[]\"'01-+.ex \\\n", "true", "\\u", "\\'", ",,"]


def damaged(text: str, count: int) -> Iterator[str]:
    chance = Random(text)
    for _ in range(count):
        at = chance.randrange(len(text) + 1)
        yield text[:at] + chance.choice(BITS) + text[at + chance.randrange(3) :]


def is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def streamed(name: str, text: str) -> ParsedTurn:
    parser = get_template(name).stream()
    for character in text:
        parser.feed(character)
    return parser.close()[1]


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_an_error_is_reported_exactly_where_json_refuses_the_arguments(name: str) -> None:
    head, tail = FRAMES[name]
    num_good = 0
    for arguments in damaged(ARGUMENTS, 1500):
        turn = get_template(name).parse(head + arguments + tail)
        if is_object(arguments):
            num_good += 1
            assert [call.arguments for call in turn.calls] == [json.loads(arguments)], arguments
            assert turn.errors == (), arguments
        else:
            assert turn.errors, arguments
    assert 100 < num_good < 1400


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("hermes", '<tool_call>\n{"name": "f", "arguments": {},«»}\n</tool_call>'),
        ("hermes", '<tool_call>\n{"name": "f", "arguments": {"a": 1,«»}}\n</tool_call>'),
        ("llama4_json", '{"name": "f", "parameters": {}, «»}'),
        ("xlam_qwen", '[{"name": "f", "arguments": {}},«»]'),
        ("xlam_qwen", '[{"name": "f", "arguments": {} , «»}]'),
        ("mistral3", '[TOOL_CALLS]f[ARGS]{"a": "it«\\\'»s"}'),
    ],
)
def test_what_is_almost_json_is_read_and_reported(name: str, marked: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    turn = get_template(name).parse(text)
    assert len(turn.calls) == 1
    (error,) = turn.errors
    assert error.kind == "bad_json"
    assert (error.start, error.end) == (marked.index("«"), marked.index("»") - 1)
    assert streamed(name, text) == turn


CALLS = r"[note(text='a\n', count=[1, -2.5e3, None, True], m={'k': {}}), look()]"


def is_calls(text: str) -> bool:
    """Whether a text is a Python list of calls with literals by keyword, as Python reads it."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return False
    if not isinstance(tree, ast.List):
        return False
    return all(isinstance(call, ast.Call) and has_literals(call) for call in tree.elts)


def has_literals(call: ast.Call) -> bool:
    try:
        json.dumps([ast.literal_eval(keyword.value) for keyword in call.keywords])
    except (ValueError, TypeError):
        return False
    return not call.args


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_no_python_that_python_refuses_is_read_in_silence() -> None:
    num_silent = 0
    for text in damaged(CALLS, 3000):
        turn = get_template("toolace").parse(text)
        # A tool's name may hold what a Python name may not.
        can_judge = all(c.name.isidentifier() and not iskeyword(c.name) for c in turn.calls)
        if turn.calls and not turn.errors and not turn.content and can_judge:
            num_silent += 1
            assert is_calls(text), text
    assert num_silent > 100


@pytest.mark.parametrize(("number", "is_right"), [("01", False), ("0_1", False), ("01.5", True)])
def test_a_number_with_a_leading_zero(number: str, is_right: bool) -> None:
    turn = get_template("toolace").parse(f"[note(count={number})]")
    assert (turn.errors == ()) is is_right
    assert turn.calls[0].arguments == {"count": 1.5 if is_right else number}


@pytest.mark.parametrize("depth", [1, 98, 99, 100, 101, 102, 5000])
@pytest.mark.parametrize("name", list_templates())
def test_nesting_of_any_depth_is_read_or_reported(name: str, depth: int) -> None:
    """The innermost value marks the place, for each template writes lists and strings its own way."""
    template = get_template(name)
    call = ToolCall(name="note", arguments={"items": ["x"]})
    text = template.render_turn(Message(role="assistant", tool_calls=(call,)))
    start = text.rindex("[", 0, text.rindex("x"))
    end = text.index("]", start) + 1
    text = text[:start] + "[" * (depth - 1) + text[start:end] + "]" * (depth - 1) + text[end:]
    tools = (ToolSpec(name="note", parameters={"properties": {"items": {"type": "array"}}}),)
    turn = template.parse(text, tools)
    parser = template.stream(tools)
    for at in range(0, len(text), 7):
        parser.feed(text[at : at + 7])
    assert parser.close()[1] == turn
    if depth < 99:
        assert turn.errors == ()
        assert json.dumps(turn.calls[0].arguments["items"]).count("[") == depth
    if depth > 101:
        assert turn.errors
