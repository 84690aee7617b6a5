"""A preference as two sequences of tokens, of which the answers alone are looked at.

Both carry the number of their pair and which of the two they are, as columns that follow the tokens
through packing, and the weight that makes the weights of a pair add up to 1.

    chosen, rejected = encode_preference(preference, template, tokenizer, number=0)
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import replace

from journeyman.templates import ToolTemplate
from journeyman.train.documents.conversations import TextEncoder, can_render, render_conversation
from journeyman.train.documents.encode import Encoded
from journeyman.train.documents.preference import Preference
from journeyman.types import Message

__all__ = ["MOST_PAIRS", "encode_preference"]

MOST_PAIRS = 2**24
"""Columns are float32, which counts exactly up to here."""


def encode_preference(
    preference: Preference, template: ToolTemplate, tokenizer: TextEncoder, *, number: int
) -> tuple[Encoded, Encoded] | None:
    """Return the chosen and the rejected sequence; None if the template cannot write a turn."""
    answers = (preference.chosen, preference.rejected)
    if not can_render((*preference.messages, *answers), preference.tools, template):
        return None
    sides = [_answered(preference, it, template, tokenizer) for it in answers]
    num_answered = sum(sum(it.is_trained) for it in sides)
    figures = {"weight": 1 / num_answered, "pair": float(number)}
    chosen, rejected = sides
    return _marked(chosen, figures | {"is_chosen": 1.0}), _marked(
        rejected, figures | {"is_chosen": 0.0}
    )


def _marked(side: Encoded, figures: Mapping[str, float]) -> Encoded:
    """Give every token the same figures."""
    columns = {name: array("f", [value] * len(side)) for name, value in figures.items()}
    return replace(side, columns=columns)


def _answered(
    preference: Preference, answer: Message, template: ToolTemplate, tokenizer: TextEncoder
) -> Encoded:
    """Write a conversation with its answer, and take all turns but the last out of the loss."""
    messages = (*preference.messages, answer)
    written = render_conversation(
        messages, preference.tools, template, tokenizer, source=preference.source
    )[-1]
    last = len(written) - 1
    while written.is_trained[last]:
        last -= 1
    flags = bytearray(last + 1) + written.is_trained[last + 1 :]
    return replace(written, is_trained=flags)
