"""Captured turns as a file: one line a turn, appended as it ends, so that a crash loses none.

journal = Journal(Path("turns.jsonl"))
gateway = Gateway(model, template, on_turn=journal.write)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.gateway.record import CapturedTurn

__all__ = ["Journal", "read_journal"]


class Journal:
    """An append-only file of turns."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", errors="replace")
        except OSError as error:
            raise JourneymanError(
                f"cannot write {path}: {error.strerror}", "choose another --capture"
            ) from None

    def write(self, turn: CapturedTurn) -> None:
        """Append one turn."""
        self._file.write(turn.model_dump_json(exclude_defaults=True) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> dict[str, list[CapturedTurn]]:
    """Return the turns of every session; a torn last line is passed over. Raises `JourneymanError`."""
    found: dict[str, list[CapturedTurn]] = {}
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            turn = CapturedTurn.model_validate_json(line)
        except ValidationError as error:
            if number == len(lines):
                break
            reason = error.errors()[0]["msg"]
            raise JourneymanError(f"{path}:{number}: {reason}", "remove that line") from None
        found.setdefault(turn.session, []).append(turn)
    return found
