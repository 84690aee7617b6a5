"""From a document to token ids, with one flag a token: is it trained on?

encoded = encode(document, tokenizer)      # a tokenizer of the `tokenizers` library
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from journeyman.errors import JourneymanError
from journeyman.train.documents.document import Document

__all__ = ["Encoded", "Encoder", "encode"]


class Encoder(Protocol):
    """What is needed of a tokenizer; `train.tokenizer.PlainTokenizer` is one."""

    def plain_ids(self, text: str) -> Sequence[int]:
        """Return the ids of text in which nothing counts as a special token."""
        ...

    def special_id(self, token: str) -> int | None:
        """Return the id of a special token; None if the vocabulary has none of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids and, in parallel, whether each is trained on (0 or 1)."""

    token_ids: array[int]
    is_trained: bytearray
    source: str = ""
    columns: Mapping[str, array[float]] = field(default_factory=dict)
    """More figures of each token, by name: `weight` in the loss, or what an objective asks for, such as
    `advantage`. They follow the token through packing."""

    @classmethod
    def of(
        cls,
        token_ids: Sequence[int],
        is_trained: Sequence[int],
        source: str = "",
        **columns: Sequence[float],
    ) -> Encoded:
        """Make one from any sequences of the same length; `ValueError` if they differ."""
        lengths = {len(it) for it in (token_ids, is_trained, *columns.values())}
        if len(lengths) > 1:
            raise ValueError(f"{len(token_ids)} tokens, {len(is_trained)} flags, and {lengths}")
        figures = {name: array("f", values) for name, values in columns.items()}
        return cls(array("i", token_ids), bytearray(map(bool, is_trained)), source, figures)

    def __len__(self) -> int:
        return len(self.token_ids)


def encode(document: Document, tokenizer: Encoder) -> Encoded:
    """Tokenise each span by itself, so that no token lies across the border of two.

    Raises `JourneymanError` if the vocabulary lacks a special token that the document uses.
    """
    token_ids: array[int] = array("i")
    is_trained = bytearray()
    for span in document.spans:
        if span.is_special:
            found = tokenizer.special_id(span.text)
            if found is None:
                raise JourneymanError(
                    f"the tokenizer has no special token {span.text}",
                    "use the model's own tokenizer, or train one: journeyman model init --help",
                )
            new: Sequence[int] = (found,)
        else:
            new = tokenizer.plain_ids(span.text)
        token_ids.extend(new)
        is_trained.extend(bytes([span.is_trained]) * len(new))
    return Encoded(token_ids, is_trained, document.source)
