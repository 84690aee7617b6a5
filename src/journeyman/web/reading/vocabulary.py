"""What a token id stands for, read from a model's own files without any library.

A vocabulary comes from a `tokenizer.json` or from the head of a GGUF file. Byte-level pieces are given
back as the bytes they stand for.

    vocabulary = load_vocabulary(Path("model.gguf"))
    vocabulary[42]
"""

from __future__ import annotations

import json
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["load_vocabulary", "spell"]

_SIZES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST_ITEMS = 4_000_000


@lru_cache(maxsize=4)
def load_vocabulary(path: Path) -> tuple[bytes, ...]:
    """Return the bytes of every token id; empty where the file tells none or cannot be read."""
    try:
        if path.is_dir():
            return _from_json(path / "tokenizer.json")
        return _from_gguf(path) if path.suffix == ".gguf" else _from_json(path)
    except (OSError, ValueError, KeyError, TypeError, IndexError, struct.error, MemoryError):
        return ()


def spell(piece: bytes) -> str:
    r"""Return a token's text; bytes that are no whole character are written `\xE2`.

    >>> spell(b"\xe2\x82")
    '\\xE2\\x82'
    """
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "".join(chr(it) if 32 <= it < 127 else f"\\x{it:02X}" for it in piece)


def _from_json(path: Path) -> tuple[bytes, ...]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = record["model"]["vocab"]
    known = {int(index): _piece(text) for text, index in vocabulary.items()}
    for added in record.get("added_tokens", ()):
        known[int(added["id"])] = str(added["content"]).encode(errors="replace")
    return tuple(known.get(index, b"") for index in range(max(known) + 1))


def _from_gguf(path: Path) -> tuple[bytes, ...]:
    with open(path, "rb") as file:
        if file.read(4) != b"GGUF":
            return ()
        _number(file, "I")
        _number(file, "Q")
        for _ in range(_number(file, "Q")):
            name = _string(file)
            value = _value(file, _number(file, "I"))
            if name == b"tokenizer.ggml.tokens":
                return tuple(_piece(it.decode(errors="replace")) for it in value)
    return ()


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _number(file, _SIZES[kind])
    inner, count = _number(file, "I"), _number(file, "Q")
    if count > _MOST_ITEMS:
        raise ValueError("an array of that length is no vocabulary")
    if inner in _SIZES:
        return file.read(struct.calcsize(_SIZES[inner]) * count)
    return [_value(file, inner) for _ in range(count)]


def _string(file: BinaryIO) -> bytes:
    return file.read(_number(file, "Q"))


def _number(file: BinaryIO, code: str) -> Any:
    return struct.unpack(f"<{code}", file.read(struct.calcsize(code)))[0]


@lru_cache(maxsize=1)
def _bytes_of_letters() -> dict[str, int]:
    """Return the byte that each letter of byte-level BPE stands for (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(it): it for it in plain}
    others = [it for it in range(256) if it not in set(plain)]
    return table | {chr(256 + at): it for at, it in enumerate(others)}


def _piece(text: str) -> bytes:
    """Return what a piece stands for: bytes in byte-level vocabularies, else its text."""
    table = _bytes_of_letters()
    if all(letter in table for letter in text):
        return bytes(table[letter] for letter in text)
    return text.replace("\u2581", " ").encode(errors="replace")
