"""Conversations as other programs write them."""

from __future__ import annotations

import pytest

from journeyman.errors import JourneymanError
from journeyman.templates.core.wire import read_conversation, read_tool
from journeyman.types import ToolCall

OPENAI = {
    "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"text": "brief."}]},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
            ],
        },
        {"role": "tool", "content": "ok", "tool_call_id": "c1"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": None}}],
}


def test_openai_conversation_is_read() -> None:
    messages, tools = read_conversation(OPENAI)
    assert [message.role for message in messages] == ["system", "assistant", "tool"]
    assert messages[0].content == "Be brief."
    assert messages[1].tool_calls == (ToolCall(name="f", arguments={"a": 1}, id="c1"),)
    assert messages[1].reasoning == "hm"
    assert tools[0].name == "f"


def test_own_records_are_read_back() -> None:
    messages, tools = read_conversation(OPENAI)
    dumped = {
        "messages": [message.model_dump() for message in messages],
        "tools": [tool.model_dump() for tool in tools],
    }
    assert read_conversation(dumped) == (messages, tools)


def test_anthropic_tool_is_read() -> None:
    tool = read_tool({"name": "f", "input_schema": {"type": "object"}})
    assert tool.parameters == {"type": "object"}


@pytest.mark.parametrize(
    "data",
    [
        None,
        "hello",
        {"messages": "hello"},
        [1],
        [{"role": "robot", "content": ""}],
        [{"role": "user", "content": "", "tool_calls": [{"name": 1}]}],
        [{"role": "user", "content": "", "tool_calls": [{"name": "f", "arguments": "{"}]}],
        {"messages": [], "tools": [{"description": "nameless"}]},
        {"messages": [], "tools": [{"name": "f", "parameters": 1}]},
    ],
)
def test_anything_else_is_refused_with_a_hint(data: object) -> None:
    with pytest.raises(JourneymanError) as caught:
        read_conversation(data)
    assert caught.value.hint
