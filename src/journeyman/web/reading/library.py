"""The runs that a viewer was opened on: one, or a folder of them.

library = Library(Path("runs"))
[run.name for run in library.runs()]
"""

from __future__ import annotations

import threading
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.web.reading.run import RunReader, is_run

__all__ = ["Library"]


class Library:
    """Finds runs, and keeps what was read of them."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise JourneymanError(f"no such folder: {path}", f"see what is there: ls {path.parent}")
        if not path.is_dir():
            raise JourneymanError(f"{path} is a file, not a run", "give the folder of a run")
        self.root = path.resolve()
        self._lock = threading.Lock()
        self._runs: dict[str, RunReader] = {}
        self.is_single = is_run(self.root)
        if not self.is_single and not self._folders():
            raise JourneymanError(
                f"{path} is no run, and holds none",
                "a run has config.toml and rollouts.jsonl or metrics.jsonl; "
                "journeyman quickstart makes one",
            )

    def _folders(self) -> list[Path]:
        if self.is_single:
            return [self.root]
        return [
            it
            for it in sorted(self.root.iterdir())
            if it.is_dir() and not it.is_symlink() and not it.name.startswith(".") and is_run(it)
        ]

    def runs(self) -> list[RunReader]:
        """Return every run, the newest first; nothing of them has been refreshed."""
        folders = sorted(self._folders(), key=_moment, reverse=True)
        with self._lock:
            for folder in folders:
                if folder.name not in self._runs:
                    self._runs[folder.name] = RunReader(folder)
            return [self._runs[folder.name] for folder in folders]

    def run(self, key: str) -> RunReader | None:
        """Return the run whose pages are under `key`."""
        return next((it for it in self.runs() if it.key == key), None)


def _moment(folder: Path) -> float:
    try:
        return (folder / "config.toml").stat().st_mtime
    except OSError:
        return folder.stat().st_mtime
