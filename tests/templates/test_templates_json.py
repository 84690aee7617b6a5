"""JSON calls are read in two ways, by the C parser and by our own scanner, with one result.

Whole texts go through the C parser where they are well-formed; streamed ones always through ours.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.templates import StreamEvent, get_template
from journeyman.templates.core.cursor import Cursor
from journeyman.templates.core.json_whole import take_object
from journeyman.types import ParsedTurn

NAMES = ("hermes", "kimik2", "deepseekv31", "mistral3", "harmony_json", "llama4_json", "xlam_qwen")
CALLS = {
    "hermes": '<tool_call>\n{"name": "note", "arguments": %s}\n</tool_call>',
    "kimik2": "<|tool_calls_section_begin|><|tool_call_begin|>functions.note:0"
    "<|tool_call_argument_begin|>%s<|tool_call_end|><|tool_calls_section_end|>",
    "deepseekv31": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>note<｜tool▁sep｜>%s"  # noqa: RUF001
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",  # noqa: RUF001
    "mistral3": "[TOOL_CALLS]note[ARGS]%s",
    "harmony_json": "<|channel|>commentary to=functions.note <|constrain|>json<|message|>%s",
    "llama4_json": '{"name": "note", "parameters": %s}',
    "xlam_qwen": '[{"name": "note", "arguments": %s}]',
}


def streamed(name: str, text: str, size: int) -> ParsedTurn:
    parser, events = get_template(name).stream(()), list[StreamEvent]()
    for start in range(0, len(text), size):
        events += parser.feed(text[start : start + size])
    rest, turn = parser.close()
    for index, call in enumerate(turn.calls):
        own = [e.text for e in events + rest if e.kind == "arguments" and e.call == index]
        assert json.loads("".join(own)) in (call.arguments, json.dumps(call.arguments))
    return turn


def nested(depth: int, value: str = "1") -> str:
    """An object so many containers deep, the innermost a list."""
    return '{"a": ' + "[" * (depth - 1) + value + "]" * (depth - 1) + "}"


OBJECTS = {
    "empty": "{}",
    "compact": '{"a":1,"b":[true,null],"c":{"d":"e"}}',
    "spread": ' {\n\t"a" :\r\n [ 1 , 2 ] , "b" : { } }',
    "escapes": r'{"a": "\"\\\/\b\f\n\r\t\u00e9\u0000"}',
    "pair": r'{"a": "\ud83c\udf0a"}',
    "half pair": r'{"a": "\ud83c x"}',
    "late half pair": r'{"a": "\udf0a"}',
    "escaped backslash": r'{"a": "\\ud83c"}',
    "delete": '{"a": "\x7f\u2028é🌊"}',
    "duplicate": '{"a": 1, "b": 2, "a": 3}',
    "duplicate hides half a pair": r'{"a": "\ud83c", "a": 3}',
    "duplicate hides depth": nested(101)[:-1] + ', "a": 3}',
    "half pair as key": r'{"\ud83c": 1}',
    "half pair after much": '{"a": [' + "1, " * 100 + '1], "b": "\\udf0a"}',
    "numbers": '{"a": [0, -0, -0.0, 1e5, 1E+10, 2.50, 1e-7, 123456789012345678901234567890]}',
    "bad numbers": '{"a": [01, 1]}',
    "long integer": '{"a": %s}' % ("9" * 401),
    "longer integer": '{"a": %s}' % ("9" * 402),
    "far longer integer": '{"a": %s}' % ("9" * 5000),
    "long fraction": '{"a": 0.%s}' % ("3" * 509),
    "longer fraction": '{"a": 0.%s}' % ("3" * 511),
    "far longer fraction": '{"a": 0.%s}' % ("3" * 600),
    "infinite": '{"a": 1e309}',
    "largest": '{"a": 1.7e308}',
    "long exponent": '{"a": 1e0005}',
    "constants": '{"a": [NaN, Infinity, -Infinity]}',
    "foreign digits": '{"a": 1٣}',
    "control": '{"a": "x\ny\x01"}',
    "deep": nested(100),
    "too deep": nested(101),
    "far too deep": nested(3000),
    "deep, not well-formed": nested(100, "1,"),
    "many brackets": '{"a": [%s1]}' % ("[], " * 300),
    "trailing comma": '{"a": [1, 2,],}',
    "python": "{'a': True, 'b': None}",
    "cut": '{"a": "b',
    "string": '"{\\"a\\": 1}"',
    "list": '[{"a": 1}]',
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", OBJECTS)
def test_both_ways_read_the_same(name: str, case: str) -> None:
    text = CALLS[name] % OBJECTS[case]
    whole = get_template(name).parse(text, ())
    assert len(whole.calls) == 1
    for size in (1, 7, 10_000):
        assert streamed(name, text, size) == whole


@pytest.mark.parametrize(
    "case",
    ["empty", "compact", "spread", "escapes", "delete", "pair", "numbers", "deep", "many brackets"],
)
def test_the_c_parser_is_what_reads_well_formed_objects(case: str) -> None:
    cursor = Cursor()
    cursor.push(OBJECTS[case].lstrip() + " rest")
    assert take_object(cursor) == json.loads(OBJECTS[case])
    assert cursor.text[cursor.at :] == " rest"


def test_after_a_refusal_the_c_parser_is_not_asked_again() -> None:
    cursor = Cursor()
    cursor.push('{"a": [1,]}')
    assert take_object(cursor) is None
    cursor.push('{"a": 1}')
    assert take_object(cursor) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, database=None)
@given(
    value=st.dictionaries(st.text(max_size=3), JSON, max_size=3),
    is_ascii=st.booleans(),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]),
    at=st.floats(0, 1),
    junk=st.sampled_from(["", '"', "\\", "\\u", "d", "e", "0", "-", ",", ":", "[", "{", "'", "\n"]),
    name=st.sampled_from(NAMES),
)
def test_both_ways_read_damaged_objects_the_same(
    value: object, is_ascii: bool, separators: tuple[str, str], at: float, junk: str, name: str
) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, separators=separators)
    text = text.replace("%", "") or "{}"
    place = int(at * len(text))
    text = CALLS[name] % (text[:place] + junk + text[place:])
    whole = get_template(name).parse(text, ())
    assert streamed(name, text, 1) == whole
    assert streamed(name, text, len(text)) == whole
