"""Texts that our parsers and the public ones are asked to read, well-formed and damaged.

Well-formed texts are what a template writes, which other tests hold to the genuine format. Damaged
ones are made of them by the same few operations for every template.
"""

from __future__ import annotations

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
            },
            "required": ["text"],
        },
    ),
    ToolSpec(name="look", description="Look around."),
)
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
    """A string argument that holds a whole call in the template's own syntax, if that can be."""
    inner = _written(template, "", (note(text="inner"),)).strip()
    message = Message(role="assistant", tool_calls=(note(text=f"a {inner} b"),))
    if template.can_write(message, TOOLS):
        yield Case("a call in a string", template.render_turn(message))


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
    if template.max_calls > 1:
        two = _written(template, "", (note(text="one"), note(text="two")))
        second = template.parse(two, TOOLS).call_spans[1][0]
        yield Case("text between calls", f"{two[:second]} and {two[second:]}")
        yield Case("ends in the second call", two[: two.index("two") + 1])
