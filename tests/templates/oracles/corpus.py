"""Texts that our parsers and the public ones are asked to read, well-formed and damaged.

Well-formed texts are what a template writes, which other tests hold to the genuine format. Damaged
ones are made of them by the same few operations for every template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from journeyman.templates import ToolTemplate
from journeyman.types import Message, ToolCall, ToolSpec

TOOLS = (
    ToolSpec(
        name="note",
        description="Note something.",
        parameters={
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "What"},
                "count": {"type": "integer", "description": "How often"},
                "ratio": {"type": "number", "description": "How much"},
                "flag": {"type": "boolean", "description": "Whether"},
                "items": {"type": "array", "description": "Which"},
                "meta": {"type": "object", "description": "How"},
                "maybe": {"type": ["integer", "null"], "description": "Perhaps"},
                "kind": {"enum": ["a", "b"], "description": "Of which kind"},
            },
            "required": ["text"],
        },
    ),
    ToolSpec(name="look", description="Look around."),
    ToolSpec(
        name="files.read_all",
        description="Read.",
        parameters={"type": "object", "properties": {"path": {"type": "string"}}},
    ),
)
_DELIMITER = re.compile(r"<[^<>\s][^<>]*>|\[[A-Z_]{3,}\]")
CODE = "def f(x):\n\treturn \"<b>\" if x < 3 else '\\\\n'  # naïve\n"


class Case(NamedTuple):
    name: str
    text: str


def note(**arguments: object) -> ToolCall:
    return ToolCall(name="note", arguments=arguments)


LOOK = ToolCall(name="look")
TURNS: dict[str, tuple[str, tuple[ToolCall, ...]]] = {
    "text": ("There is nothing to do.", ()),
    "markup in text": ("If a < b & c > d, then <b>bold</b> and {braces} and [brackets].", ()),
    "one call": ("", (note(text="hello", count=2),)),
    "text and a call": ("Let me see.", (note(text="hello"),)),
    "two calls": ("", (note(text="one"), note(text="two"))),
    "three calls of two tools": ("First.", (note(text="one"), LOOK, note(text="two"))),
    "unicode": ("Größe 🌊:", (note(text="naïve 日本語 🌊 \u202eabc e\u0301"),)),
    "nested": ("", (note(text="x", meta={"a": {"b": [1, {"c": "}]"}]}}, items=[[], {}, ["y"]]),)),
    "no arguments": ("", (LOOK,)),
    "empty string": ("", (note(text=""),)),
    "empty object and array": ("", (note(text="x", meta={}, items=[]),)),
    "code": ("", (note(text=CODE),)),
    "space around a string": ("", (note(text="  two\n\n lines \n"),)),
    "a string like JSON": ("", (note(text='{"a": [1, null]}'),)),
    "a string like a number": ("", (note(text="12"),)),
    "a string like null": ("", (note(text="null"),)),
    "numbers": ("", (note(text="x", count=-3, ratio=2.5),)),
    "a large number": ("", (note(text="x", count=12345678901234567890, ratio=1e-7),)),
    "booleans": ("", (note(text="x", flag=True), note(text="x", flag=False))),
    "null inside": ("", (note(text="x", items=[None, True, 1.5]),)),
    "markup in a string": ("", (note(text="<a href='x'>&amp;</a> </b> <!-- -->"),)),
    "null": ("", (note(text="x", maybe=None),)),
    "one of a list": ("", (note(text="x", kind="b"),)),
    "name with a dot": ("", (ToolCall(name="files.read_all", arguments={"path": "/"}),)),
    "unknown tool": ("", (ToolCall(name="fly", arguments={"text": "x"}),)),
    "missing argument": ("", (note(count=1),)),
    "extra argument": ("", (note(text="x", more="y"),)),
    "wrong integer": ("", (note(text="x", count="six"),)),
    "wrong boolean": ("", (note(text="x", flag="perhaps"),)),
}
"""Content and calls of the turns that a template writes itself, if it can."""


def cases(template: ToolTemplate) -> Iterator[Case]:
    """Yield every text for a template."""
    for name, (content, calls) in TURNS.items():
        if len(calls) > template.max_calls:
            continue
        yield Case(name, _written(template, content, calls))
    yield from _with_delimiters(template)
    yield from _damaged(template)


def _written(template: ToolTemplate, content: str, calls: tuple[ToolCall, ...]) -> str:
    beside = content if template.keeps_text_with_calls or not calls else ""
    return template.render_turn(Message(role="assistant", content=beside, tool_calls=calls))


def _with_delimiters(template: ToolTemplate) -> Iterator[Case]:
    """Strings that hold a whole call, or single delimiters, where the template can write that."""
    inner = _written(template, "", (note(text="inner"),)).strip()
    delimiters = dict.fromkeys(_DELIMITER.findall(inner))
    held = [mark for mark in delimiters if _can_hold(template, f"a {mark} b")]
    for name, text in (("a call", f"a {inner} b"), ("delimiters", f"a {' b '.join(held)} c")):
        if _can_hold(template, text):
            yield Case(f"{name} in a string", _written(template, "", (note(text=text),)))


def _can_hold(template: ToolTemplate, text: str) -> bool:
    return template.can_write(Message(role="assistant", tool_calls=(note(text=text),)), TOOLS)


def _damaged(template: ToolTemplate) -> Iterator[Case]:
    one = _written(template, "", (note(text="one two three", count=2),))
    start, end = template.parse(one, TOOLS).call_spans[0]
    inside = one.index("two") + 1
    yield Case("ends in a string", one[:inside])
    yield Case("ends in a number", one[: one.index("2", inside) + 1])
    yield Case("last character missing", one[:-1])
    yield Case("text behind the call", f"{one}\nDone.")
    yield Case("text right behind the call", f"{one}Done.")
    mention = f"Use {one[start : start + 8]} to call."
    yield Case("opening delimiter begun", _written(template, mention, ()))
    yield Case("first character missing", one[:start] + one[start + 1 :])
    before, _, behind = _written(template, "", (note(text="x", flag=True),)).rpartition("true")
    if before:
        yield Case("Python's True", f"{before}True{behind}")
    if '"' in one[start:end]:
        yield Case("single quotes", one[:start] + one[start:end].replace('"', "'") + one[end:])
    literal = note(text="x", meta="{'a': None}")
    yield Case("Python's literal for an object", _written(template, "", (literal,)))
    yield Case("2.0 for an integer", _written(template, "", (note(text="x", count=2.0),)))
    yield Case("an argument twice", _twice(template))
    if template.max_calls > 1:
        two = _written(template, "", (note(text="one"), note(text="two")))
        second = template.parse(two, TOOLS).call_spans[1][0]
        yield Case("text between calls", f"{two[:second]} and {two[second:]}")
        yield Case("ends in the second call", two[: two.index("two") + 1])


def _twice(template: ToolTemplate) -> str:
    """Return a call with an argument that is given two times, with two values."""
    without, one, other = (
        _written(template, "", (note(text="x", **more),))
        for more in ({}, {"count": 1}, {"count": 2})
    )
    pairs = enumerate(zip(without, one, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), len(without))
    size = len(one) - len(without)
    return one[: start + size] + other[start:]
