"""Every registered template: what is written is read back, however the text is cut."""

from __future__ import annotations

import json

import pytest

from journeyman.templates import get_template, list_templates
from journeyman.types import Message, ToolCall, ToolSpec

PROPERTIES = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "ratio": {"type": "number"},
    "flag": {"type": "boolean"},
    "items": {"type": "array"},
    "meta": {"type": "object"},
    "maybe": {"type": ["integer", "null"]},
}
TOOLS = (
    ToolSpec(name="note", parameters={"type": "object", "properties": PROPERTIES}),
    ToolSpec(name="look", parameters={"type": "object", "properties": {}}),
)
CALL = ToolCall(
    name="note",
    arguments={
        "text": "def f(x):\n    return '<' if x else \"é\"\n",
        "count": -3,
        "flag": True,
        "items": ["a", 1, None],
        "meta": {"a": {"b": [1.5]}},
        "maybe": None,
    },
)


@pytest.mark.parametrize("name", list_templates())
def test_a_turn_survives(name: str) -> None:
    template = get_template(name)
    message = Message(role="assistant", content="Checking.", tool_calls=(CALL,))
    text = template.render_turn(message)
    turn = template.parse(text, TOOLS)
    assert [(call.name, call.arguments) for call in turn.calls] == [("note", CALL.arguments)]
    assert turn.errors == ()
    if template.keeps_text_with_calls:
        assert turn.content == "Checking."


@pytest.mark.parametrize("name", list_templates())
def test_streaming_by_character_equals_parsing(name: str) -> None:
    template = get_template(name)
    message = Message(role="assistant", content="Checking.", tool_calls=(CALL,))
    text = template.render_turn(message)
    parser = template.stream(TOOLS)
    events = [event for character in text for event in parser.feed(character)]
    last, turn = parser.close()
    assert turn == template.parse(text, TOOLS)
    written = "".join(event.text for event in events + last if event.kind == "arguments")
    assert json.loads(written) == CALL.arguments
