"""Sessions of the assistant as files: one line about the session, then a line a message.

Lines are appended as messages come, so that a crash loses none; a torn last line is passed over.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.types import Message

__all__ = ["Kept", "SessionFile", "find_session", "list_sessions", "sessions_folder"]

_TITLE_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as it is listed."""

    id: str
    folder: str
    model: str
    started_at: float
    """Unix time, seconds."""
    title: str = ""
    """How the first thing that was asked begins."""
    num_messages: int = 0


class SessionFile:
    """One session's file, appended to."""

    def __init__(self, path: Path, about: Kept) -> None:
        self.path = path
        self.about = about

    @classmethod
    def begin(cls, folder: Path, model: str) -> SessionFile:
        """Begin a new session; its file is there once something is said."""
        made = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        about = Kept(id=made, folder=str(folder), model=model, started_at=time.time())
        return cls(sessions_folder() / f"{made}.jsonl", about)

    def append(self, message: Message) -> None:
        """Keep a message."""
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.open("a", encoding="utf-8", errors="replace") as file:
            if is_new:
                self.path.chmod(0o600)
                file.write(json.dumps(asdict(self.about)) + "\n")
            file.write(message.model_dump_json(exclude_defaults=True) + "\n")

    def messages(self) -> list[Message]:
        """Return what was said so far."""
        return _read(self.path)[1] if self.path.exists() else []


def sessions_folder() -> Path:
    """Return where sessions are kept."""
    return Path(platformdirs.user_data_dir("journeyman"), "code")


def list_sessions(folder: Path | None = None) -> list[Kept]:
    """Return the sessions, latest first; of one folder alone where that is given."""
    found = []
    for path in sorted(sessions_folder().glob("*.jsonl"), reverse=True):
        try:
            about, messages = _read(path)
        except (OSError, ValueError, TypeError):
            continue
        asked = next((it.content for it in messages if it.role == "user"), "")
        title = " ".join(asked.split())[:_TITLE_CHARACTERS]
        if folder is None or about.folder == str(folder):
            about = Kept(**{**asdict(about), "title": title, "num_messages": len(messages)})
            found.append(about)
    return found


def find_session(wanted: str, folder: Path) -> SessionFile:
    """Open the session whose identifier begins with `wanted`; "" opens the folder's latest.

    Raises `JourneymanError` where there is none, or several.
    """
    known = list_sessions(folder if not wanted else None)
    found = [it for it in known if it.id.startswith(wanted)][: 1 if not wanted else None]
    if len(found) != 1:
        what = f"begins with {wanted!r}" if wanted else f"was held in {folder}"
        count = "several sessions" if found else "no session"
        raise JourneymanError(f"{count} {what}", "journeyman code --list")
    return SessionFile(sessions_folder() / f"{found[0].id}.jsonl", found[0])


def _read(path: Path) -> tuple[Kept, list[Message]]:
    first, *lines = path.read_text(encoding="utf-8").split("\n")
    messages = []
    for line in filter(None, lines):
        try:
            messages.append(Message.model_validate_json(line))
        except ValidationError:
            break
    return Kept(**json.loads(first)), messages
