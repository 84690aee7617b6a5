"""What has come of each candidate so far, so that a mining that was ended goes on where it was.

One line for each candidate, appended when it is decided. A torn last line is work owed. The folder is
held by one process at a time.

    with Journal.open(folder, identity) as journal:
        journal.outcome("toolz__toolz-41")
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.tasks.mine.reasons import Refused
from journeyman.types import Task

__all__ = ["Journal"]

_NAME = "outcomes.jsonl"


class Journal:
    """The outcomes of one folder's candidates."""

    def __init__(self, path: Path, outcomes: dict[str, Task | Refused]) -> None:
        self._path = path
        self._outcomes = outcomes

    @classmethod
    @contextmanager
    def open(cls, folder: Path, identity: str) -> Iterator[Journal]:
        """Open the journal of a folder, which is made where it is not there yet.

        `identity` stands for everything that decides what comes of a candidate. Raises
        `JourneymanError` where the folder was begun with another, or is being worked in.
        """
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise JourneymanError(
                    f"another command is mining into {folder}", "wait for it, or give another --out"
                ) from None
            yield cls(folder / _NAME, _read(folder / _NAME, identity))
        finally:
            os.close(handle)

    @property
    def num_decided(self) -> int:
        """How many candidates were decided."""
        return len(self._outcomes)

    def outcome(self, instance_id: str) -> Task | Refused | None:
        """Return what came of a candidate; None where that is still open."""
        return self._outcomes.get(instance_id)

    def write(self, instance_id: str, outcome: Task | Refused) -> None:
        """Keep what came of a candidate."""
        if instance_id in self._outcomes:
            return
        self._outcomes[instance_id] = outcome
        _append(self._path, {"candidate": instance_id, **_plain(outcome)})


def _read(path: Path, identity: str) -> dict[str, Task | Refused]:
    """Read the lines that are whole; the rest of the file is cut off, for the next to be appended."""
    if not path.exists():
        _append(path, {"identity": identity})
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        os.truncate(path, len(whole))
    lines = whole.decode("utf-8", "replace").splitlines()
    try:
        records = [json.loads(line) for line in lines]
        if records and records[0]["identity"] != identity:
            raise JourneymanError(
                f"{path.parent} was begun with other settings or another commit",
                "add --clean to begin anew, or give the same settings",
            )
        if not records:
            _append(path, {"identity": identity})
        return {record["candidate"]: _outcome(record) for record in records[1:]}
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise JourneymanError(f"{path} is damaged: {error}", "add --clean to begin anew") from None


def _plain(outcome: Task | Refused) -> dict[str, Any]:
    if isinstance(outcome, Refused):
        return {"reason": outcome.reason, "example": outcome.example}
    return {"task": outcome.model_dump(mode="json")}


def _outcome(record: dict[str, Any]) -> Task | Refused:
    if "task" in record:
        return Task.model_validate_json(json.dumps(record["task"]))
    return Refused(record["reason"], record["example"])


def _append(path: Path, record: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
