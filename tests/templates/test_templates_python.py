"""Calls written as Python, and other calls that no tag announces."""

from __future__ import annotations

import ast
import json

import pytest

from journeyman.templates import get_template
from journeyman.types import Message, ToolCall

LITERALS = [
    r"'it\'s \x41\u00e9\U0001F30A\N{BULLET}\101\a'",
    r'"a" "b"' + " 'c'",
    "'''two\n\"lines\"'''",
    '"""a \\\nb"""',
    r"r'\d\''",
    r"'\d'",
    "''",
    "[-1, +2, 1_000, 0x1f, .5, 5., 1e-7]",
    "(1, 'a', None, (), [True, False,],)",
    "{'a': {'b': [1]}, 'c': {}}",
]


@pytest.mark.filterwarnings("ignore:invalid escape:DeprecationWarning")
@pytest.mark.parametrize("literal", LITERALS)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_literal_means_what_python_says(literal: str, size: int) -> None:
    text = f"[note(value={literal})]"
    parser = get_template("llama4_pythonic").stream()
    for at in range(0, len(text), size):
        parser.feed(text[at : at + size])
    turn = parser.close()[1]
    meant = json.loads(json.dumps(ast.literal_eval(literal)))
    assert turn.calls == (ToolCall(name="note", arguments={"value": meant}),)
    assert turn.errors == ()


@pytest.mark.parametrize(
    ("text", "arguments", "kind"),
    [
        ("[note(a=true)]", {"a": True}, "bad_syntax"),
        ("[note(a=1, a=2)]", {"a": 2}, "duplicate_argument"),
        ("[note(a=1, 2)", {"a": 1}, "bad_syntax"),
        ("[note(a='half a li", {"a": "half a li"}, "unclosed_call"),
        ("[note(a=[1, {'b': 2", {"a": [1, {"b": 2}]}, "unclosed_call"),
    ],
)
def test_damaged_python_is_recovered(text: str, arguments: dict[str, object], kind: str) -> None:
    turn = get_template("toolace").parse(text)
    assert [call.arguments for call in turn.calls] == [arguments]
    assert kind in {error.kind for error in turn.errors}


@pytest.mark.parametrize("text", ["See [f](x).", "a[i(j)]", "[1, 2]", "[f(x)]"])
def test_prose_with_brackets_is_no_call(text: str) -> None:
    turn = get_template("llama4_pythonic").parse(text)
    assert (turn.content, turn.calls, turn.errors) == (text, (), ())


def test_json_calls_may_be_parted_by_a_semicolon() -> None:
    text = 'Hi. {"name": "a", "parameters": {}}; {"name": "b", "arguments": {"x": 1}}<|eot|>'
    turn = get_template("llama4_json").parse(text)
    assert turn.content == "Hi."
    assert [(call.name, call.arguments) for call in turn.calls] == [("a", {}), ("b", {"x": 1})]
    assert turn.errors == ()


def test_kimi_reads_the_singular_section_and_dotted_names() -> None:
    text = (
        "<|tool_call_section_begin|><|tool_call_begin|>functions.mcp.get:1"
        '<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|><|tool_call_section_end|>'
    )
    turn = get_template("kimik2").parse(text)
    assert turn.calls == (ToolCall(name="mcp.get", arguments={"a": 1}, id="functions.mcp.get:1"),)
    assert turn.errors == ()


def test_mistral_reads_ids_of_the_older_generation() -> None:
    turn = get_template("mistral3").parse('[TOOL_CALLS]get[CALL_ID]abcdefghi[ARGS]{"a": 1}</s>')
    assert turn.calls == (ToolCall(name="get", arguments={"a": 1}, id="abcdefghi"),)
    assert turn.errors == ()


@pytest.mark.parametrize("name", ["toolace", "llama4_pythonic"])
def test_texts_stand_between_double_quotes_whatever_they_hold(name: str) -> None:
    """Whoever writes a token at a time does not know yet which quotes a text will need."""
    template = get_template(name)
    values = {"a": "it's", "b": 'say "x"', "c": ["it's", {"d": None}], "e": True, "f": "a\nb\\c"}
    message = Message(role="assistant", tool_calls=(ToolCall(name="g", arguments=values),))
    written = template.render_turn(message)
    assert written == (
        r"""[g(a="it's", b="say \"x\"", c=["it's", {"d": None}], e=True, f="a\nb\\c")]"""
    )
    assert template.parse(written).calls == message.tool_calls
