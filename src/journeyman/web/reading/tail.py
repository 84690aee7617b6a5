"""Follows an append-only file: the whole lines since last time, whatever a writer is doing to it.

A torn last line is not there yet. A file that was replaced or cut is read anew, and `generation`
says so.

    tail = Tail(run / "rollouts.jsonl")
    for start, line in tail.read(): ...
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Line", "Tail"]

_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line, without its end, and where it begins in the file."""

    start: int
    data: bytes


class Tail:
    """Reads one file forward."""

    def __init__(self, path: Path, *, offset: int = 0, inode: int = 0) -> None:
        self.path = path
        self.offset = offset
        """Where the next line begins."""
        self.inode = inode
        self.generation = 0
        """How often the file was replaced or cut since this tail began."""
        self.num_torn_bytes = 0
        """Bytes behind the last whole line."""

    def read(self, most_bytes: int | None = None) -> list[Line]:
        """Return the whole lines that are new, about `most_bytes` of them where that is given."""
        try:
            with open(self.path, "rb") as file:
                status = os.fstat(file.fileno())
                self._follow(status)
                file.seek(self.offset)
                data = file.read(most_bytes if most_bytes is not None else -1)
                while most_bytes is not None and data and b"\n" not in data:
                    more = file.read(_BLOCK)
                    if not more:
                        break
                    data += more
        except (FileNotFoundError, NotADirectoryError):
            return []
        end = data.rfind(b"\n") + 1
        self.num_torn_bytes = status.st_size - self.offset - end
        return self._split(data[:end])

    @property
    def is_behind(self) -> bool:
        """Whether the file holds more than was read; true also of a torn line."""
        try:
            return os.stat(self.path).st_size > self.offset
        except OSError:
            return False

    def _follow(self, status: os.stat_result) -> None:
        if self.inode and (status.st_ino != self.inode or status.st_size < self.offset):
            self.offset = 0
            self.generation += 1
        self.inode = status.st_ino

    def _split(self, data: bytes) -> list[Line]:
        lines = []
        for line in data.split(b"\n")[:-1] if data else []:
            if line.strip():
                lines.append(Line(self.offset, line))
            self.offset += len(line) + 1
        return lines
