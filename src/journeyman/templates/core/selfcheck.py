"""Checks that a template keeps the promises that all templates make, without a test suite.

For whoever writes a template of their own: what is rendered is read back, streaming agrees with
whole-text parsing however the text is cut, and no damage to the text raises. The project's tests
search the same properties far wider.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from journeyman.templates.core.samples import CONVERSATION, TOOLS, TURNS
from journeyman.templates.core.template import ToolTemplate
from journeyman.types import Check, ParsedTurn, ToolCall

__all__ = ["check_template"]

_CUTS = (1, 2, 3, 7, 64)
_NUM_DAMAGES = 60


def check_template(template: ToolTemplate) -> list[Check]:
    """Return one check per promise, the first breach in its detail."""
    texts = {
        name: template.render_turn(turn)
        for name, turn in TURNS.items()
        if template.can_write(turn, TOOLS)
    }
    return [
        _check("renders a conversation", _rendering(template)),
        _check("reads back what it writes", _round_trips(template, texts)),
        _check("streams as it parses", _streams(template, texts)),
        _check("survives damaged text", _damages(template, texts)),
    ]


def _check(name: str, breaches: Iterator[str]) -> Check:
    first = next(breaches, "")
    return Check(name=name, is_ok=not first, detail=first)


def _rendering(template: ToolTemplate) -> Iterator[str]:
    rendered = template.render(CONVERSATION, TOOLS)
    for message in (CONVERSATION[0], CONVERSATION[1], CONVERSATION[-1]):
        if message.content not in rendered:
            yield f"the {message.role} message is not in the text"


def _round_trips(template: ToolTemplate, texts: dict[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        parsed, meant = template.parse(text, TOOLS), TURNS[name]
        if parsed.errors:
            yield f"{name}: {parsed.errors[0].message}"
        elif _essence(parsed) != (meant.content, meant.reasoning, _calls(meant.tool_calls)):
            yield f"{name}: read back as {_essence(parsed)!r}"


def _essence(turn: ParsedTurn) -> tuple[str, str, list[tuple[str, dict[str, object]]]]:
    return turn.content, turn.reasoning, _calls(turn.calls)


def _calls(calls: Sequence[ToolCall]) -> list[tuple[str, dict[str, object]]]:
    return [(call.name, call.arguments) for call in calls]


def _streams(template: ToolTemplate, texts: dict[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        whole = template.parse(text, TOOLS)
        for size in _CUTS:
            if _streamed(template, text, size) != whole:
                yield f"{name}: pieces of {size} characters give another turn"


def _streamed(template: ToolTemplate, text: str, size: int) -> ParsedTurn:
    parser = template.stream(TOOLS)
    for start in range(0, len(text), size):
        parser.feed(text[start : start + size])
    return parser.close()[1]


def _damages(template: ToolTemplate, texts: dict[str, str]) -> Iterator[str]:
    chance = random.Random(template.name)  # noqa: S311
    for name, text in texts.items():
        for _ in range(_NUM_DAMAGES):
            damaged = _damage(text, chance)
            try:
                if _streamed(template, damaged, 5) != template.parse(damaged, TOOLS):
                    yield f"{name}: streaming disagrees on {damaged!r}"
            except Exception as error:
                yield f"{name}: {type(error).__name__} on {damaged!r}"


def _damage(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    end = min(len(text), start + chance.randrange(12))
    kind = chance.randrange(4)
    if kind == 0:
        return text[:start]
    if kind == 1:
        return text[:start] + text[end:]
    if kind == 2:
        return text[:end] + text[start:]
    return text[:start] + chance.choice("<>{}[]\"'\\,:\n |") + text[end:]
