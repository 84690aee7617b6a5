"""Encoded documents in files: written part by part, read back one at a time, never all in memory.

A folder holds `tokens.bin` (32-bit ids), `flags.bin` (a byte a token: trained on or not), `ends.bin`
(64-bit: where each document's tokens end) and `sources.bin` (16-bit: which name of `parts.jsonl`).
A part counts once its line is in `parts.jsonl`; what a killed writer left behind it is cut off. Numbers
are little-endian.

    with TokenStoreWriter(folder) as writer:
        for name in names[writer.num_parts:]:
            writer.add(encoded_documents_of(name))
    documents = TokenStore(folder)          # a sequence of `Encoded`, with `lengths` and `highest_id`
"""

from __future__ import annotations

import mmap
import os
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

from journeyman.errors import JourneymanError
from journeyman.runs import append_jsonl, read_jsonl
from journeyman.runs.storage import explain_storage
from journeyman.train.documents.encode import Encoded

__all__ = ["TokenStore", "TokenStoreWriter"]

_FILES = {"tokens.bin": 4, "flags.bin": 1, "ends.bin": 8, "sources.bin": 2}
"""Bytes of an entry."""
_PARTS = "parts.jsonl"
_NOTHING: dict[str, Any] = {"documents": 0, "tokens": 0, "highest_id": 0, "sources": []}


class TokenStoreWriter:
    """Appends parts to a folder; one that was left unfinished goes on behind its last whole part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with explain_storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._parts: list[dict[str, Any]] = (
                read_jsonl(folder / _PARTS) if (folder / _PARTS).exists() else []
            )
            last = self._parts[-1] if self._parts else _NOTHING
            sizes = _sizes(last["documents"], last["tokens"])
            for name, size in sizes.items():
                if size and (folder / name).stat().st_size < size:
                    raise _torn(folder / name)
            self._files = {name: (folder / name).open("ab") for name in _FILES}
            for name, file in self._files.items():
                file.truncate(sizes[name])
        self._num_documents: int = last["documents"]
        self._num_tokens: int = last["tokens"]
        self._highest: int = last["highest_id"]
        self._sources: list[str] = list(last["sources"])

    @property
    def num_parts(self) -> int:
        """Whole parts so far."""
        return len(self._parts)

    def add(self, documents: Iterable[Encoded], **about: Any) -> None:
        """Append a part; `about` is kept with it. Raises `ValueError` for figures beside the tokens."""
        with explain_storage(self._folder):
            for document in documents:
                if document.columns:
                    raise ValueError(f"a store has no place for {sorted(document.columns)}")
                self._append(document)
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            record = {
                "documents": self._num_documents,
                "tokens": self._num_tokens,
                "highest_id": self._highest,
                "sources": list(self._sources),
                "about": about,
            }
            append_jsonl(self._folder / _PARTS, record)
        self._parts.append(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()

    def _append(self, document: Encoded) -> None:
        self._num_documents += 1
        self._num_tokens += len(document)
        self._highest = max(self._highest, max(document.token_ids, default=0))
        if document.source not in self._sources:
            self._sources.append(document.source)
        self._files["tokens.bin"].write(_little(array("i", document.token_ids)))
        self._files["flags.bin"].write(bytes(document.is_trained))
        self._files["ends.bin"].write(_little(array("q", [self._num_tokens])))
        number = self._sources.index(document.source)
        self._files["sources.bin"].write(_little(array("H", [number])))


class TokenStore(Sequence[Encoded]):
    """The documents of a folder, read from disk when they are asked for."""

    def __init__(self, folder: Path) -> None:
        if not (folder / _PARTS).is_file():
            raise JourneymanError(
                f"no encoded documents in {folder}", "journeyman data encode --help"
            )
        self.parts: list[dict[str, Any]] = read_jsonl(folder / _PARTS)
        """A record a part: counts up to its end, and what was said about it."""
        last = self.parts[-1] if self.parts else _NOTHING
        self.num_tokens: int = last["tokens"]
        self.highest_id: int = last["highest_id"]
        self._names: list[str] = last["sources"]
        sizes = _sizes(last["documents"], last["tokens"])
        self._ends: array[int] = array("q", _read(folder / "ends.bin", sizes["ends.bin"]))
        self._sources: array[int] = array("H", _read(folder / "sources.bin", sizes["sources.bin"]))
        if sys.byteorder == "big":
            self._ends.byteswap()
            self._sources.byteswap()
        self._tokens = _map(folder / "tokens.bin", sizes["tokens.bin"])
        self._flags = _map(folder / "flags.bin", sizes["flags.bin"])

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each document; no token is read for it."""
        starts = (0, *self._ends[:-1])
        return [end - start for start, end in zip(starts, self._ends, strict=False)]

    def sources(self) -> Counter[str]:
        """Return how many documents there are of each source."""
        return Counter({self._names[it]: count for it, count in Counter(self._sources).items()})

    @overload
    def __getitem__(self, index: int) -> Encoded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoded]: ...
    def __getitem__(self, index: int | slice) -> Encoded | list[Encoded]:
        if isinstance(index, slice):
            return [self[it] for it in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        start, end = self._ends[number - 1] if number else 0, self._ends[number]
        tokens: array[int] = array("i", bytes(self._tokens[4 * start : 4 * end]))
        if sys.byteorder == "big":
            tokens.byteswap()
        flags = bytearray(self._flags[start:end])
        return Encoded(tokens, flags, self._names[self._sources[number]])


def _sizes(num_documents: int, num_tokens: int) -> dict[str, int]:
    entries = {"tokens.bin": num_tokens, "flags.bin": num_tokens}
    return {name: size * entries.get(name, num_documents) for name, size in _FILES.items()}


def _little(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def _read(path: Path, size: int) -> bytes:
    return bytes(_map(path, size))


def _map(path: Path, size: int) -> mmap.mmap | bytes:
    with explain_storage(path, "read"), path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < size:
            raise _torn(path)
        return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""


def _torn(path: Path) -> JourneymanError:
    return JourneymanError(
        f"{path} is shorter than parts.jsonl beside it says",
        "encode the documents again into another folder",
    )
