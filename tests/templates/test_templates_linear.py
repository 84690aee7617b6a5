"""Reading takes time in proportion to the text, whatever the text is, and no depth overflows the stack.

Nothing here is timed: work is counted. Calls of functions (Python's and C's), characters that the
search for delimiters runs over, and characters that are copied out of the text are added up; each
further stretch of text may need no more of it than the one before. While streaming, what is held
back is bounded, so that what one piece costs is bounded, too.
"""

from __future__ import annotations

import cProfile
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, SupportsIndex

import pytest

from journeyman.templates import ToolTemplate, get_template, list_templates
from journeyman.templates.core import json_whole
from journeyman.templates.core.coercion import MAX_DEPTH, is_too_deep
from journeyman.templates.core.cursor import Cursor, Marks
from journeyman.templates.core.turn import TurnBuilder
from journeyman.types import Message, ParsedTurn, ToolCall, ToolSpec

TOOLS = (
    ToolSpec(
        name="note",
        parameters={
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "count": {"type": "integer"},
                "ratio": {"type": "number"},
                "items": {"type": "array"},
                "meta": {"type": "object"},
            },
        },
    ),
    ToolSpec(name="look"),
)
MARKER = "VALUE"
LENGTH = 700
MAX_HELD = 640
"""More characters than any delimiter, name, number or look ahead has."""

ANYWHERE = (
    *("<", "{", "[", "(", "</", "\\", "\\u", "'", '"', "9", " ", "\n", "\n<", "x", "é<", "🌊"),
    *('{"name": ', '{"name": "note", "arguments": {', '[{"name": ', "[note(", "[note(text="),
    *("functions.note:0", "```", "<![CDATA["),
)
IN_TEXT = ("<", "</", "{", "[", "(", "'", '"', "\\", "\\u", "\\ud83c", "\n", "\n<", " ", "]]>", "é")
IN_OTHERS = ("[", "{", "(", "9", "-9", "1e", '{"a": ', "[1, ", "[], ", "'a' ", "[1+", "[not ", "1_")


def call_with(template: ToolTemplate, key: str) -> tuple[str, str]:
    """Return what a template writes before and behind an argument's value."""
    value = ToolCall(name="note", arguments={key: MARKER})
    text = template.render_turn(Message(role="assistant", tool_calls=(value,)))
    head, _, tail = text.partition(MARKER)
    return head, tail


def delimiters(template: ToolTemplate) -> list[str]:
    """Return the pieces of a template's own syntax."""
    written = "".join(call_with(template, "text"))
    found = re.findall(r"<[^<>]{0,60}>|\[[^\]]{0,20}\]", written)
    return sorted({*found, *template.stop, *template.delimiters, "<think>", "</think>"})


def texts(template: ToolTemplate, times: int) -> Iterator[tuple[str, str]]:
    """Yield hostile texts of about `times` the length, each with its name."""
    head, tail = call_with(template, "text")
    whole = head + "x" + tail
    own = delimiters(template)

    def repeat(unit: str) -> str:
        return unit * (times * max(1, LENGTH // len(unit)))

    for unit in (*ANYWHERE, *own, *(mark[:-1] for mark in own), whole, head, tail):
        yield f"{unit!r} again and again", repeat(unit)
    yield "delimiters in turn", repeat("".join(own))
    for unit in (*IN_TEXT, *own, *(mark[:-1] for mark in own), whole):
        yield f"{unit!r} in a text", head + repeat(unit) + tail
    for unit in ("\n<", "[", "\\", *own):
        yield f"{unit!r} in an open text", head + repeat(unit)
    for key in ("count", "items"):
        before, behind = call_with(template, key)
        before, behind = before.rstrip("'\""), behind.lstrip("'\"")
        for unit in IN_OTHERS:
            yield f"{unit!r} in {key}", before + repeat(unit) + behind


class CountedText(str):
    """Text that counts the characters which are copied out of it or compared."""

    __slots__ = ()
    num_copied = 0

    def __radd__(self, other: str) -> CountedText:
        return self if not other else CountedText(other + str(self))

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        piece = super().__getitem__(key)
        CountedText.num_copied += len(piece)
        return piece


class Work:
    """Counts what is done inside a `with` block."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.num_calls = self.num_searched = 0
        CountedText.num_copied = 0
        find, decode = Marks.find, json_whole._decode

        def counted_find(marks: Marks, text: str, at: int) -> re.Match[str] | None:
            match = find(marks, text, at)
            self.num_searched += (match.end() if match else len(text)) - at
            return match

        def counted_decode(text: str, at: int) -> tuple[Any, int]:
            self.num_searched += len(text) - at
            value, end = decode(text, at)
            self.num_searched -= len(text) - end
            return value, end

        patch.setattr(Marks, "find", counted_find)
        patch.setattr(json_whole, "_decode", counted_decode)

    def __enter__(self) -> Work:
        self._profile = cProfile.Profile()
        self._profile.enable()
        return self

    def __exit__(self, *error: object) -> None:
        self._profile.disable()
        counts = [(entry.callcount, entry.reccallcount) for entry in self._profile.getstats()]
        self.num_calls = sum(map(sum, counts))

    @property
    def total(self) -> int:
        """Calls and characters."""
        return self.num_calls + self.num_searched + CountedText.num_copied


def work_of(read: Callable[[str], object], text: str) -> int:
    with pytest.MonkeyPatch.context() as patch, Work(patch) as work:
        read(text)
    return work.total


def streamed(template: ToolTemplate, text: str, size: int) -> ParsedTurn:
    parser = template.stream(TOOLS)
    for start in range(0, len(text), size):
        parser.feed(text[start : start + size])
    return parser.close()[1]


@pytest.mark.parametrize("way", ["whole", "streamed"])
@pytest.mark.parametrize("name", list_templates())
def test_work_grows_with_the_text_and_no_faster(name: str, way: str) -> None:
    template = get_template(name)

    def read(text: str) -> object:
        if way == "whole":
            return template.parse(CountedText(text), TOOLS)
        return streamed(template, text, 5)

    for same in zip(*(texts(template, times) for times in (1, 2, 3)), strict=True):
        read(same[0][1])  # so that patterns are compiled and caches filled
        first, second, third = (work_of(read, text) for _, text in same)
        # What grows with the square of the length would take five thirds as much for the last part.
        assert third - second <= 1.2 * (second - first) + 300, (
            f"{same[0][0]}: {first, second, third}"
        )


@pytest.mark.parametrize("name", list_templates())
def test_what_is_held_back_is_bounded(name: str) -> None:
    template = get_template(name)
    for case, text in texts(template, 4):
        cursor, turn = Cursor(), TurnBuilder({tool.name: tool for tool in TOOLS})
        reader = template.read(cursor, turn)
        for start in range(0, len(text), 5):
            cursor.push(text[start : start + 5])
            if next(reader, "done") == "done":
                break
            assert len(cursor.text) - cursor.at <= MAX_HELD, case


@pytest.mark.parametrize("name", list_templates())
@pytest.mark.parametrize("unit", ["[", "{", "(", '{"a": ', "[{'a': (", "<a>", "[note(text="])
def test_no_depth_overflows_the_stack(name: str, unit: str) -> None:
    template = get_template(name)
    for key in ("text", "items"):
        head, tail = call_with(template, key)
        for before in (head.rstrip("'\""), ""):
            text = before + unit * 4000 + tail
            turn = template.parse(text, TOOLS)
            assert streamed(template, text, 1000) == turn
            for call in turn.calls:
                assert not any(map(is_too_deep, call.arguments.values()))
                assert json.loads(json.dumps(call.arguments)) == call.arguments


def test_depth_is_counted_as_it_is_written() -> None:
    deepest: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        deepest = [deepest]
    assert not is_too_deep(deepest)
    assert is_too_deep([deepest])
