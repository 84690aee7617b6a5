"""Tokens that are one to three bytes of UTF-8, for models that have no vocabulary of their own.

A text has many tokenisations, and a token may hold half a character, as with a real vocabulary. So
whoever turns text into tokens a second time gets other tokens, and is found out.

    >>> decode(encode("hello"))
    b'hello'
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

__all__ = ["decode", "encode", "sample"]

_PAIRS = 256
_TRIPLES = _PAIRS + 256**2
_LONGEST = 3


def encode(text: str) -> tuple[int, ...]:
    """Return the tokens of `text`, each as long as can be."""
    data = text.encode()
    return tuple(_token(data[start : start + _LONGEST]) for start in range(0, len(data), _LONGEST))


def sample(text: str, chance: Random) -> tuple[int, ...]:
    """Return tokens of `text` as a model may draw them: of random lengths, and never `encode`'s."""
    data = text.encode()
    tokens, start = [], 0
    while start < len(data):
        end = start + chance.randint(1, _LONGEST - 1)
        tokens.append(_token(data[start:end]))
        start = end
    return tuple(tokens)


def decode(token_ids: Iterable[int]) -> bytes:
    """Return the bytes that the tokens stand for."""
    return b"".join(map(_bytes, token_ids))


def _token(data: bytes) -> int:
    return int.from_bytes(data, "big") + (0, 0, _PAIRS, _TRIPLES)[len(data)]


def _bytes(token: int) -> bytes:
    if token < _PAIRS:
        return token.to_bytes(1, "big")
    if token < _TRIPLES:
        return (token - _PAIRS).to_bytes(2, "big")
    return (token - _TRIPLES).to_bytes(3, "big")
