"""Calls in tags: the edge cases on which public parsers disagree, and what ours makes of each."""

from __future__ import annotations

import pytest

from journeyman.templates import get_template
from journeyman.types import Message, ParsedTurn, ToolCall, ToolSpec

PROPERTIES = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "flag": {"type": "boolean"},
    "meta": {"type": "object"},
}
TOOLS = (ToolSpec(name="note", parameters={"type": "object", "properties": PROPERTIES}),)


def qwen(body: str) -> ParsedTurn:
    text = f"<tool_call>\n<function=note>\n{body}</function>\n</tool_call>"
    return get_template("qwen3_coder").parse(text, TOOLS)


def parameter(key: str, value: str) -> str:
    return f"<parameter={key}>\n{value}\n</parameter>\n"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("text", "\n  x = 1\n\n", "\n  x = 1\n\n"),
        ("text", "a</parameter>b", "a</parameter>b"),
        ("text", "a</function>b", "a</function>b"),
        ("text", "a</tool_call>b", "a</tool_call>b"),
        ("text", "null", "null"),
        ("flag", "True", True),
        ("flag", "false", False),
        ("count", "2.0", 2),
        ("meta", '{"a": [1]}', {"a": [1]}),
        ("unknown", "6", "6"),
    ],
)
def test_value(key: str, text: str, value: object) -> None:
    turn = qwen(parameter(key, text))
    assert turn.calls == (ToolCall(name="note", arguments={key: value}),)
    assert turn.errors == ()


@pytest.mark.parametrize(
    ("body", "arguments", "kind"),
    [
        ("<parameter=text>\na\n", {"text": "a"}, "unclosed_argument"),
        (parameter("text", "a") * 2, {"text": "a"}, "duplicate_argument"),
        (parameter("count", "six"), {"count": "six"}, "wrong_type"),
        (parameter("meta", "{'a': 1}"), {"meta": {"a": 1}}, "bad_json"),
        ("hello\n" + parameter("text", "a"), {"text": "a"}, "text_in_call"),
    ],
)
def test_fault_is_reported_and_the_call_kept(
    body: str, arguments: dict[str, object], kind: str
) -> None:
    turn = qwen(body)
    assert [call.arguments for call in turn.calls] == [arguments]
    assert [error.kind for error in turn.errors] == [kind]


def test_unclosed_last_call_is_recovered() -> None:
    text = "Hi.\n<tool_call>\n<function=note>\n<parameter=text>\nhalf a li"
    turn = get_template("qwen3_coder").parse(text, TOOLS)
    assert turn.content == "Hi."
    assert turn.calls == (ToolCall(name="note", arguments={"text": "half a li"}),)
    assert {error.kind for error in turn.errors} == {"unclosed_argument", "unclosed_call"}
    assert turn.call_spans == ((4, len(text)),)


def test_call_without_its_opener_is_recovered() -> None:
    text = f"<function=note>\n{parameter('text', 'a')}</function>\n</tool_call>"
    turn = get_template("qwen3_coder").parse(text, TOOLS)
    assert turn.calls == (ToolCall(name="note", arguments={"text": "a"}),)
    assert [error.kind for error in turn.errors] == ["unopened_call"]


def test_text_after_a_call_is_reported_where_it_stands() -> None:
    text = f"<tool_call>\n<function=note>\n{parameter('text', 'a')}</function>\n</tool_call>\nDone."
    turn = get_template("qwen3_coder").parse(text, TOOLS)
    (error,) = turn.errors
    assert (error.kind, text[error.start : error.end]) == ("text_after_call", "Done.")


def test_string_streams_as_it_arrives() -> None:
    parser = get_template("qwen3_coder").stream(TOOLS)
    parser.feed("<tool_call>\n<function=note>\n<parameter=text>\n")
    events = parser.feed("one two")
    assert [(event.kind, event.text) for event in events] == [("arguments", "one two")]


def test_glm_is_read_with_and_without_line_breaks() -> None:
    lines = "<tool_call>note\n<arg_key>text</arg_key>\n<arg_value> a\n</arg_value>\n</tool_call>"
    dense = "<tool_call>note<arg_key>text</arg_key><arg_value> a\n</arg_value></tool_call>"
    for text in (lines, dense):
        turn = get_template("glm46").parse(text, TOOLS)
        assert turn.calls == (ToolCall(name="note", arguments={"text": " a\n"}),)
        assert turn.errors == ()


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_minimax_is_read_with_any_quotes(quote: str) -> None:
    text = (
        f"</think><minimax:tool_call>\n<invoke name={quote}note{quote}>\n"
        f"<parameter name={quote}text{quote}>a</parameter>\n</invoke>\n</minimax:tool_call>"
    )
    turn = get_template("minimax_m2").parse(text, TOOLS)
    assert turn.calls == (ToolCall(name="note", arguments={"text": "a"}),)
    assert turn.errors == ()


def test_dsml_types_by_its_own_attribute() -> None:
    call = ToolCall(name="strange", arguments={"a": "1", "b": 1, "c": None, "d": {"e": []}})
    template = get_template("deepseekv32")
    message = Message(role="assistant", tool_calls=(call,))
    assert template.parse(template.render_turn(message)).calls == (call,)


def test_cline_reads_declared_names_only() -> None:
    text = "<b>bold</b>\n<note>\n<text>a</text>\n</note>"
    turn = get_template("xml_cline").parse(text, TOOLS)
    assert turn.content == "<b>bold</b>"
    assert turn.calls == (ToolCall(name="note", arguments={"text": "a"}),)
    assert get_template("xml_cline").parse(text).calls == ()


def test_aone_writes_every_string() -> None:
    text = "]]></text></arguments></tool_call><![CDATA[ ]]>"
    template = get_template("xml_aone")
    message = Message(
        role="assistant", tool_calls=(ToolCall(name="note", arguments={"text": text}),)
    )
    assert template.can_write(message, TOOLS)
    assert template.parse(template.render_turn(message), TOOLS).calls == message.tool_calls


def test_harmony_takes_the_recipient_before_or_behind_the_channel() -> None:
    body = '<|message|><parameter name="text">a</parameter>'
    for head in (
        " to=functions.note<|channel|>commentary <|constrain|>xml",
        "<|channel|>commentary to=functions.note <|constrain|>xml",
    ):
        turn = get_template("harmony_xml").parse(head + body, TOOLS)
        assert turn.calls == (ToolCall(name="note", arguments={"text": "a"}),)
        assert turn.errors == ()


def test_the_two_forms_of_harmony_are_told_apart_before_the_first_call() -> None:
    asked = [Message(role="user", content="Go on.")]
    as_json, as_xml = (
        get_template(name).render(asked, TOOLS) for name in ("harmony_json", "harmony_xml")
    )
    assert as_xml != as_json
    assert '<parameter name="NAME">VALUE</parameter>' in as_xml
    assert "<parameter" not in as_json
    assert get_template("harmony_xml").render(asked, []) == get_template("harmony_json").render(
        asked, []
    )


def test_what_a_format_cannot_hold_is_refused() -> None:
    cut = "a</parameter>\n</function>\n</tool_call>"
    message = Message(
        role="assistant", tool_calls=(ToolCall(name="note", arguments={"text": cut}),)
    )
    assert not get_template("qwen3_coder").can_write(message, TOOLS)
    wrong = Message(role="assistant", tool_calls=(ToolCall(name="note", arguments={"count": "6"}),))
    assert not get_template("qwen3_coder").can_write(wrong, TOOLS)


IN_TAGS = (
    "qwen3_coder", "qwen3_xml_mixed", "glm46", "minimax_m2", "seed_oss", "xml_cline", "xml_aone"
)  # fmt: skip


@pytest.mark.parametrize("name", IN_TAGS)
def test_a_text_cut_in_its_last_delimiters_keeps_the_last_value(name: str) -> None:
    template = get_template(name)
    call = ToolCall(name="note", arguments={"text": "a", "count": 2})
    text = template.render_turn(Message(role="assistant", tool_calls=(call,)))
    value_end = text.index(">", text.rindex("2")) + 1
    for cut in range(value_end, len(text)):
        turn = template.parse(text[:cut], TOOLS)
        assert turn.calls == (call,), text[value_end:cut]
        assert "unclosed_call" in {error.kind for error in turn.errors}
