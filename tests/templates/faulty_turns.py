"""Turns that break a rule of their template or of their tools, with the exact text that does.

`«` and `»` mark the offending part; they are no part of the turn.
"""
# ruff: noqa: RUF001

from __future__ import annotations

from typing import NamedTuple

from journeyman.types import ToolSpec

TOOLS = (
    ToolSpec(
        name="note",
        parameters={
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "count": {"type": "integer"},
                "kind": {"enum": ["a", "b"]},
                "items": {"type": "array"},
            },
            "required": ["text"],
        },
    ),
    ToolSpec(name="look"),
)


class Faulty(NamedTuple):
    template: str
    kind: str
    text: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.template}-{self.kind}-{self.start}"


def _faulty(template: str, kind: str, marked: str) -> Faulty:
    start, end = marked.index("«"), marked.index("»") - 1
    return Faulty(template, kind, marked.replace("«", "").replace("»", ""), start, end)


FAULTY = tuple(
    _faulty(template, kind, marked)
    for template, kind, marked in (
        # Which tool, and which arguments: the span is the call's.
        (
            "hermes",
            "unknown_tool",
            'é\n«<tool_call>\n{"name": "fly", "arguments": {}}\n</tool_call>»',
        ),
        (
            "hermes",
            "missing_argument",
            '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>\n'
            '«<tool_call>\n{"name": "note", "arguments": {"count": 1}}\n</tool_call>»',
        ),
        (
            "hermes",
            "wrong_type",
            '«<tool_call>\n{"name": "note", "arguments": {"text": 1}}\n</tool_call>»',
        ),
        (
            "hermes",
            "extra_argument",
            '«<tool_call>\n{"name": "look", "arguments": {"at": 1}}\n</tool_call>»',
        ),
        (
            "qwen3_coder",
            "unknown_tool",
            "«<tool_call>\n<function=fly>\n</function>\n</tool_call>»",
        ),
        (
            "qwen3_coder",
            "missing_argument",
            "I note.\n«<tool_call>\n<function=note>\n<parameter=count>\n1\n</parameter>\n"
            "</function>\n</tool_call>»",
        ),
        (
            "qwen3_coder",
            "extra_argument",
            "«<tool_call>\n<function=look>\n<parameter=at>\nx\n</parameter>\n"
            "</function>\n</tool_call>»",
        ),
        ("toolace", "missing_argument", "[look(), «note(count=1)»]"),
        ("toolace", "wrong_type", "«[note(text=None)», look()]"),
        ("llama4_json", "extra_argument", '«{"name": "look", "parameters": {"at": "🌊"}}»'),
        (
            "kimik2",
            "unknown_tool",
            "<|tool_calls_section_begin|>«<|tool_call_begin|>functions.fly:0"
            "<|tool_call_argument_begin|>{}<|tool_call_end|>»<|tool_calls_section_end|>",
        ),
        (
            "deepseekv31",
            "wrong_type",
            '<｜tool▁calls▁begin｜>«<｜tool▁call▁begin｜>note<｜tool▁sep｜>{"text": ["🌊"]}'
            "<｜tool▁call▁end｜>»<｜tool▁calls▁end｜>",
        ),
        ("mistral3", "missing_argument", "[TOOL_CALLS]look[ARGS]{}«[TOOL_CALLS]note[ARGS]{}»"),
        ("mistral3", "wrong_type", '«[TOOL_CALLS]note[ARGS]{"text": "a", "kind": "c"}»'),
        (
            "harmony_json",
            "unknown_tool",
            "«<|channel|>commentary to=functions.fly <|constrain|>json<|message|>{}»",
        ),
        # A value whose own tags say where it stands: the span is the argument's.
        (
            "qwen3_coder",
            "wrong_type",
            "<tool_call>\n<function=note>\n<parameter=text>\né\n</parameter>\n"
            "«<parameter=count>\nsix\n</parameter>»\n</function>\n</tool_call>",
        ),
        (
            "minimax_m2",
            "wrong_type",
            '</think><minimax:tool_call>\n<invoke name="note">\n<parameter name="text">é</parameter>\n'
            '«<parameter name="count">six</parameter>»\n</invoke>\n</minimax:tool_call>',
        ),
        (
            "glm46",
            "wrong_type",
            "<tool_call>note\n<arg_key>text</arg_key>\n<arg_value>é</arg_value>\n"
            "«<arg_key>count</arg_key>\n<arg_value>six</arg_value>»\n</tool_call>",
        ),
        (
            "qwen3_coder",
            "duplicate_argument",
            "<tool_call>\n<function=note>\n<parameter=text>\na\n</parameter>\n"
            "«<parameter=text>\nb\n</parameter>»\n</function>\n</tool_call>",
        ),
        # Syntax: the span is the part that is not in the template's syntax.
        (
            "hermes",
            "bad_json",
            '<tool_call>\n{"name": «\'»look\', "arguments": {}}\n</tool_call>',
        ),
        (
            "qwen3_coder",
            "text_in_call",
            "<tool_call>\n<function=look>\n«hello»\n</function>\n</tool_call>",
        ),
        ("toolace", "bad_syntax", "[look(), note(text='a', items=[1, «true»])]"),
        (
            "kimik2",
            "bad_syntax",
            "<|tool_calls_section_begin|>«<|tool_call_begin|>look<|tool_call_argument_begin|>»{}"
            "<|tool_call_end|><|tool_calls_section_end|>",
        ),
        # Text behind the calls, where the template has none.
        (
            "hermes",
            "text_after_call",
            '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>\n«Done. 🌊»\n',
        ),
        (
            "hermes",
            "text_after_call",
            '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>\n«And»\n'
            '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>',
        ),
        ("llama4_json", "text_after_call", '{"name": "look", "parameters": {}} «Done.»'),
        ("toolace", "text_after_call", "[look()]\n«Done.»"),
        ("mistral3", "text_after_call", "[TOOL_CALLS]look[ARGS]{} «Done.»"),
        (
            "deepseekv3",
            "text_after_call",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n{}\n```"
            "<｜tool▁call▁end｜><｜tool▁calls▁end｜> «Done.»",
        ),
        ("qwen3_coder", "text_after_end", "Done.<|im_end|>\n«More. 🌊»\n"),
        ("mistral3", "text_after_end", "[TOOL_CALLS]look[ARGS]{}</s>«More»"),
        # A part is missing.
        ("hermes", "missing_name", 'Hi.\n«<tool_call>\n{"arguments": {}}»\n</tool_call>'),
        ("qwen3_coder", "unopened_call", "«<function=»look>\n</function>\n</tool_call>"),
        (
            "minimax_m2",
            "unopened_call",
            '</think>«<invoke name=»"look">\n</invoke>\n</minimax:tool_call>',
        ),
        (
            "qwen3_coder",
            "unclosed_argument",
            "<tool_call>\n<function=note>\n«<parameter=text>\na»\n</function>\n</tool_call>",
        ),
        ("deepseekr1", "unclosed_reasoning", "«<think>\nHm, a»"),
        ("qwen3_coder", "unclosed_call", "Hi.\n«<tool_call>\n<function=look>\n</function>\n»"),
    )
)
