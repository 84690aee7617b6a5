"""Bytes on disk that survive a kill: whole lines, whole files, and errors a person can act on.

A line of JSONL is one `write` to a descriptor opened for appending, and a file is written beside
its place and renamed into it, so a process that dies at any moment leaves whole lines, at most one
torn line at the very end, and whole files. Nothing here calls `fsync` unless told to: the death of
a process loses nothing, while a loss of power may lose the last seconds, which `--resume` finds
missing and does again.

    >>> append_jsonl(path, {"a": 1})    # doctest: +SKIP
    >>> read_jsonl(path)                # doctest: +SKIP
    [{'a': 1}]
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from journeyman.errors import JourneymanError

__all__ = [
    "JsonLines",
    "JsonlWriter",
    "append_jsonl",
    "explain_storage",
    "read_jsonl",
    "scan_jsonl",
    "write_atomic",
]

Record = Mapping[str, Any] | BaseModel

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class JsonLines:
    """What a JSONL file holds: its whole records, and what a kill cut off at its end."""

    records: list[Any]
    num_bytes: int
    """Length of the whole lines; what follows is torn."""
    torn: bytes = b""
    """The torn last line: work owed. Empty where the file ends well."""


class JsonlWriter:
    """Appends records to one file, which it keeps open; a torn last line is cut off first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with explain_storage(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            _cut_torn_line(self._descriptor)

    def append(self, record: Record) -> None:
        """Write one record as one whole line, or leave the file as it was and raise."""
        with explain_storage(self.path):
            _write_line(self._descriptor, _encode(record))

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def append_jsonl(path: Path, record: Record) -> None:
    """Append one record to a file that is opened for this line alone."""
    writer = JsonlWriter(path)
    try:
        writer.append(record)
    finally:
        writer.close()


def read_jsonl(path: Path) -> list[Any]:
    """Return a file's whole records; a missing file is empty, a torn last line is not a record.

    Raises `JourneymanError` naming the file and the line for any other line that is broken.
    """
    return scan_jsonl(path).records


def scan_jsonl(path: Path) -> JsonLines:
    """Read a file as `read_jsonl` does, and tell what is torn at its end."""
    try:
        with explain_storage(path, "read"):
            data = path.read_bytes()
    except FileNotFoundError:
        return JsonLines([], 0)
    num_bytes = data.rfind(b"\n") + 1
    records = [
        _decode(line, path, number)
        for number, line in enumerate(data[:num_bytes].splitlines(), start=1)
        if line.strip()
    ]
    return JsonLines(records, num_bytes, data[num_bytes:])


def write_atomic(path: Path, data: str | bytes, *, is_durable: bool = False) -> None:
    """Replace a file at once: readers see the old content or the new, never a part.

    `is_durable` waits for the disk before the rename, for what must outlive a loss of power.
    """
    content = data.encode() if isinstance(data, str) else data
    with explain_storage(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                if is_durable:
                    os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise


@contextlib.contextmanager
def explain_storage(path: Path, verb: str = "write") -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into a `JourneymanError`.

    A missing file stays a `FileNotFoundError` when reading: what that means, the caller knows.
    """
    try:
        yield
    except OSError as error:
        if verb == "read" and isinstance(error, FileNotFoundError):
            raise
        raise storage_error(path, error, verb) from error


def storage_error(path: Path, error: OSError, verb: str = "write") -> JourneymanError:
    """Describe what the system refused, and what a person can do about it."""
    if error.errno in _FULL:
        hint = "free some space, then give the same command with --resume"
        return JourneymanError(f"no space left on the disk that holds {path}", hint)
    reason = error.strerror or str(error)
    hint = "choose a folder that you may write to" if verb == "write" else "check the path"
    return JourneymanError(f"cannot {verb} {path}: {reason}", hint)


def _encode(record: Record) -> bytes:
    if isinstance(record, BaseModel):
        return record.model_dump_json().encode() + b"\n"
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _decode(line: bytes, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise JourneymanError(
            f"{path}, line {number} is not valid JSON: {error}", "mend or remove that line"
        ) from None


def _write_line(descriptor: int, line: bytes) -> None:
    start = os.fstat(descriptor).st_size
    view = memoryview(line)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, start)
        raise


def _cut_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    block, end = 1 << 16, size
    while end:
        start = max(0, end - block)
        at = os.pread(descriptor, end - start, start).rfind(b"\n")
        if at >= 0:
            os.ftruncate(descriptor, start + at + 1)
            return
        end = start
    os.ftruncate(descriptor, 0)
