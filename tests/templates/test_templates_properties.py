"""What every template promises, searched with generated and damaged turns.

Strings are made of pieces of the template's own syntax, so that most of them look like delimiters.
"""

from __future__ import annotations

import json
import re
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyman.templates import StreamEvent, ToolTemplate, get_template, list_templates
from journeyman.types import Message, ParsedTurn, ToolCall, ToolSpec

PROPERTIES = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "ratio": {"type": "number"},
    "flag": {"type": "boolean"},
    "items": {"type": "array"},
    "meta": {"type": "object"},
    "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    "kind": {"enum": ["a", "b", 3]},
    "either": {"type": ["string", "integer"]},
}
TOOLS = (
    ToolSpec(name="note", parameters={"type": "object", "properties": PROPERTIES}),
    ToolSpec(name="look"),
)
SEARCH = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def pieces(template: ToolTemplate) -> st.SearchStrategy[str]:
    """Texts out of the template's own delimiters and what else is special."""
    call = ToolCall(name="note", arguments={"text": "x", "count": 1, "meta": {"a": "b"}})
    written = template.render_turn(
        Message(role="assistant", content="c", tool_calls=(call, ToolCall(name="look")))
    )
    tokens = re.findall(r"<[^<>]{0,60}>|\[[^\]]{0,20}\]|[\n{}\"]", written)
    special = ["<", "</", "\n", "\n\n", " ", "a", "é", "null", "1", "true", "]]>", "<![CDATA["]
    known = sorted({*tokens, *template.stop, *template.delimiters, "<think>", "</think>", *special})
    return st.lists(st.sampled_from(known) | st.text(max_size=3), max_size=8).map("".join)


def messages(text: st.SearchStrategy[str]) -> st.SearchStrategy[Message]:
    """Assistant turns."""
    number = st.floats(allow_nan=False, allow_infinity=False)
    scalar = st.none() | st.booleans() | st.integers() | number | text
    value = st.recursive(
        scalar,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=6,
    )
    arguments = st.fixed_dictionaries(
        {},
        optional={
            "text": text,
            "count": st.integers(),
            "ratio": number,
            "flag": st.booleans(),
            "items": st.lists(value, max_size=3),
            "meta": st.dictionaries(text, value, max_size=3),
            "maybe": st.none() | st.integers(),
            "kind": st.sampled_from(["a", "b", 3]),
            "either": text | st.integers(),
        },
    )
    note = st.builds(lambda given: ToolCall(name="note", arguments=given), arguments)
    calls = st.lists(note | st.just(ToolCall(name="look")), max_size=2).map(tuple)
    return st.builds(
        lambda content, reasoning, calls: Message(
            role="assistant", content=content, reasoning=reasoning, tool_calls=calls
        ),
        text,
        st.just("") | text,
        calls,
    )


def streamed(template: ToolTemplate, text: str, cuts: list[int]) -> ParsedTurn:
    """Parse in pieces, and hold the events to the turn."""
    parser, events, last = template.stream(TOOLS), list[StreamEvent](), 0
    for cut in [*sorted(set(cuts)), len(text)]:
        events += parser.feed(text[last:cut])
        last = cut
    rest, turn = parser.close()
    events += rest
    assert "".join(e.text for e in events if e.kind == "content") == turn.content
    assert "".join(e.text for e in events if e.kind == "reasoning") == turn.reasoning
    for index, call in enumerate(turn.calls):
        own = [e.text for e in events if e.kind == "arguments" and e.call == index]
        assert json.loads("".join(own)) == call.arguments
    return turn


def cuttings(text: str, chance: Random) -> list[list[int]]:
    some = [chance.randrange(len(text) + 1) for _ in range(3)]
    return [list(range(len(text))), some]


@pytest.mark.parametrize("name", list_templates())
def test_what_can_be_written_is_read_back_however_it_is_cut(name: str) -> None:
    template = get_template(name)

    @SEARCH
    @given(messages(pieces(template)), st.randoms(use_true_random=False))
    def search(message: Message, chance: Random) -> None:
        text = template.render_turn(message)
        turn = template.parse(text, TOOLS)
        if template.can_write(message, TOOLS):
            assert turn.errors == ()
            assert (turn.content, turn.reasoning) == (message.content, message.reasoning)
            read = [(call.name, json.dumps(call.arguments)) for call in turn.calls]
            meant = [(call.name, json.dumps(call.arguments)) for call in message.tool_calls]
            assert read == meant
        for cuts in cuttings(text, chance):
            assert streamed(template, text, cuts) == turn

    search()


@pytest.mark.parametrize("name", list_templates())
def test_no_damage_raises_and_streaming_agrees_on_it(name: str) -> None:
    template = get_template(name)

    @SEARCH
    @given(messages(pieces(template)), pieces(template), st.randoms(use_true_random=False))
    def search(message: Message, junk: str, chance: Random) -> None:
        text = template.render_turn(message)
        first, second = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        for damaged in (
            text[:first],
            text[:first] + text[second:],
            text[:second] + text[first:],
            text[:first] + junk + text[first:],
        ):
            turn = template.parse(damaged, TOOLS)
            spans = [(error.start, error.end) for error in turn.errors] + list(turn.call_spans)
            assert all(0 <= start <= end <= len(damaged) for start, end in spans)
            for cuts in cuttings(damaged, chance):
                assert streamed(template, damaged, cuts) == turn

    search()


@pytest.mark.parametrize("name", list_templates())
def test_an_ordinary_turn_with_code_can_be_written(name: str) -> None:
    code = "def f(x):\n    return '<b>' if x < 3 else \"é\"\n"
    call = ToolCall(name="note", arguments={"text": code, "count": 3, "flag": True})
    message = Message(role="assistant", tool_calls=(call,))
    assert get_template(name).can_write(message, TOOLS)
