"""Fill in the middle: a hole is cut into a text, and the model writes what was there, last.

Two orders, in Qwen's special tokens (Bavarian et al. 2022, arXiv 2207.14255, section 3): `psm` puts
prefix, suffix, middle; `spm` puts the suffix first, so that prefix and middle are contiguous. Holes are
between characters, as in that paper, or between whole lines, as an editor asks for.

    >>> fill_in_middle(Holed("a = ", "1", ""), order="psm").text
    '<|fim_prefix|>a = <|fim_suffix|><|fim_middle|>1<|endoftext|>'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Literal

from journeyman.train.documents.document import (
    END_OF_TEXT,
    FIM_MIDDLE,
    FIM_PREFIX,
    FIM_SUFFIX,
    Document,
    Span,
)

__all__ = [
    "Holed",
    "Order",
    "fill_in_middle",
    "hole_between_characters",
    "hole_between_lines",
    "hole_in_line",
    "window",
]

Order = Literal["psm", "spm"]
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Holed:
    """A text in three parts, of which the middle is to be written."""

    prefix: str
    middle: str
    suffix: str


def hole_between_characters(text: str, draw: Random) -> Holed:
    """Cut at two places drawn uniformly among all places between characters, ends included."""
    start, end = sorted(draw.randint(0, len(text)) for _ in range(2))
    return Holed(text[:start], text[start:end], text[end:])


def hole_between_lines(text: str, draw: Random) -> Holed:
    """Take out a run of whole lines: uniform over all runs of at least one, nothing if there is none."""
    lines = text.splitlines(keepends=True)
    if not lines:
        return Holed("", "", "")
    start, end = sorted(draw.sample(range(len(lines) + 1), 2))
    return Holed("".join(lines[:start]), "".join(lines[start:end]), "".join(lines[end:]))


def hole_in_line(text: str, draw: Random) -> Holed:
    """Take out a run of one to four words or signs of one line, as an editor's completion does."""
    places = [it.span() for it in _WORD.finditer(text)]
    if not places:
        return Holed(text, "", "")
    first = draw.randrange(len(places))
    last = first
    while last + 1 < len(places) and last < first + 3 and draw.random() < 0.5:
        if "\n" in text[places[last][1] : places[last + 1][0]]:
            break
        last += 1
    start, end = places[first][0], places[last][1]
    return Holed(text[:start], text[start:end], text[end:])


def window(text: str, most_characters: int, draw: Random) -> str:
    """Return a run of whole lines of at most so many characters, drawn uniformly; short texts whole."""
    if len(text) <= most_characters:
        return text
    start = draw.randrange(len(text) - most_characters)
    start = text.find("\n", start) + 1
    end = text.rfind("\n", start, start + most_characters) + 1
    return text[start:end] if end > start else text[start : start + most_characters]


def fill_in_middle(
    holed: Holed,
    *,
    order: Order = "psm",
    context: Document | None = None,
    trains_on_context: bool = True,
) -> Document:
    """Write a text with its hole as a document that ends with the middle.

    `context` goes before it, e.g. the other files of its repository. In mid-training everything is
    trained on; with `trains_on_context` false only the middle and the end of the text are.
    """

    def special(token: str) -> Span:
        return Span.special(token, is_trained=trains_on_context)

    prefix = Span(holed.prefix, is_trained=trains_on_context)
    suffix = Span(holed.suffix, is_trained=trains_on_context)
    if order == "psm":
        head = (special(FIM_PREFIX), prefix, special(FIM_SUFFIX), suffix, special(FIM_MIDDLE))
    else:
        head = (special(FIM_PREFIX), special(FIM_SUFFIX), suffix, special(FIM_MIDDLE), prefix)
    before: tuple[Span, ...] = ()
    if context is not None:
        before = (context if trains_on_context else context.as_context()).spans
    return Document(
        (*before, *head, Span(holed.middle), Span.special(END_OF_TEXT)),
        source=f"fill_in_middle_{order}",
    )
