"""A document as the model sees it: what is trained on stands out from what is only read.

In colour, trained tokens are green and context is dim; without, trained runs stand between ⟦ and ⟧.

    >>> paint(Encoded.of([1, 2, 3], [0, 1, 1]), lambda ids: "".join(map(str, ids)))
    '1⟦23⟧'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from journeyman.train.documents.encode import Encoded

__all__ = ["paint"]

_GREEN, _DIM, _PLAIN = "\x1b[32m", "\x1b[2m", "\x1b[0m"
_BORDER = "·"


def paint(
    document: Encoded,
    decode: Callable[[Sequence[int]], str],
    *,
    is_coloured: bool = False,
    has_borders: bool = False,
) -> str:
    """Write a document's text with its mask; `has_borders` puts a dot between tokens."""
    pairs = zip(document.token_ids, document.is_trained, strict=True)
    parts: list[str] = []
    for flag, run in groupby(pairs, key=lambda pair: pair[1]):
        token_ids = [token for token, _ in run]
        text = _BORDER.join(decode([it]) for it in token_ids) if has_borders else decode(token_ids)
        if is_coloured:
            parts.append(f"{_GREEN if flag else _DIM}{text}{_PLAIN}")
        else:
            parts.append(f"⟦{text}⟧" if flag else text)
    return "".join(parts)
