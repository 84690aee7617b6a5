"""One run's folder, read forward: its rollouts as rows, what its events add up to, its metrics.

Reads only what is new since last time, and never writes to the folder. Whatever is missing, torn,
unknown or of another version becomes a line of `notices`, not an error.

    run = RunReader(Path("runs/first"))
    run.refresh()
    print(len(run.rows), run.state)
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import tomllib
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from journeyman.runs import slug
from journeyman.web.reading.memory import recall, remember
from journeyman.web.reading.rows import COLUMNS, Row, make_row
from journeyman.web.reading.tail import Line, Tail
from journeyman.web.reading.tally import Tally

__all__ = ["RunReader", "is_run", "page_key"]

_EVENTS_AT_ONCE = 1 << 21
_WORTH_KEEPING = 500
_STALE_S = 30.0
_ID, _KEY = COLUMNS.index("id"), COLUMNS.index("key")


def is_run(folder: Path) -> bool:
    """Whether a folder looks like a run of any version."""
    names = ("rollouts.jsonl", "metrics.jsonl", "config.toml", "status.json", "lock.json")
    return any((folder / name).is_file() for name in names[:2]) or (
        sum((folder / name).is_file() for name in names[2:]) >= 2
    )


def page_key(name: str) -> str:
    """Return the name of something's page: its own where that is safe as a file's, else a digest."""
    if name and slug(name, 200) == name:
        return name
    return "x" + hashlib.sha256(name.encode(errors="replace")).hexdigest()[:16]


class RunReader:
    """What a viewer knows of one run; methods may be called from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.key = page_key(path.name)
        self._lock = threading.RLock()
        self._begin()

    def _begin(self) -> None:
        """Know nothing yet but what an earlier viewer kept."""
        rollouts, events = self.path / "rollouts.jsonl", self.path / "events.jsonl"
        kept = recall(rollouts, "rows") or {}
        self.rows: list[Row] = kept.get("rows", [])
        self._spans: list[list[int]] = kept.get("spans", [])
        self._rollouts = Tail(rollouts, offset=kept.get("offset", 0))
        self._places = {str(row[_KEY] or row[_ID]): at for at, row in enumerate(self.rows)}
        self.num_unreadable: dict[str, int] = dict(kept.get("unreadable", {}))
        known = recall(events, "tally") or {}
        self.tally = Tally(known)
        self._events = Tail(events, offset=known.get("offset", 0))
        self.metrics: list[dict[str, Any]] = []
        self._metrics = Tail(self.path / "metrics.jsonl")
        self._num_kept = len(self.rows)
        self._events_kept = self._events.offset

    # --- reading -----------------------------------------------------------------------------

    def refresh(self, *, events_s: float | None = None) -> None:
        """Read what is new; at most about `events_s` seconds of events where that is given."""
        with self._lock:
            generations = self.generation
            self._read_rollouts()
            self._read_metrics()
            self._read_events(events_s)
            if self.generation != generations:
                self._read_anew()
            self._keep()

    @property
    def generation(self) -> int:
        """Grows whenever a file was replaced, so that what was shown before no longer holds."""
        return self._rollouts.generation + self._metrics.generation + self._events.generation

    @property
    def num_event_bytes(self) -> int:
        """How much of the events was read."""
        return self._events.offset

    def _read_anew(self) -> None:
        tails = (self._rollouts, self._metrics, self._events)
        past = [tail.generation for tail in tails]
        self.rows, self._spans, self.metrics, self._places = [], [], [], {}
        self.tally, self.num_unreadable = Tally(), {}
        for tail, generation in zip(tails, past, strict=True):
            tail.offset, tail.inode, tail.generation = 0, 0, generation
        self._read_rollouts()
        self._read_metrics()
        self._read_events(None)

    def _read_rollouts(self) -> None:
        for line in self._rollouts.read():
            record = self._parse(line, "rollouts.jsonl")
            if record is None:
                continue
            if not isinstance(record.get("rollout_id"), str):
                self._note_unreadable("rollouts.jsonl")
                continue
            key = page_key(record["rollout_id"])
            row = make_row(record, "" if key == record["rollout_id"] else key)
            self._places[key] = len(self.rows)
            self.rows.append(row)
            self._spans.append([line.start, len(line.data)])

    def _read_metrics(self) -> None:
        for line in self._metrics.read():
            record = self._parse(line, "metrics.jsonl")
            if record is not None:
                self.metrics.append(record)

    def _read_events(self, seconds: float | None) -> None:
        deadline = None if seconds is None else time.monotonic() + seconds
        while lines := self._events.read(_EVENTS_AT_ONCE):
            for line in lines:
                record = self._parse(line, "events.jsonl")
                if record is not None:
                    self.tally.add(record)
            if deadline is not None and time.monotonic() > deadline:
                return

    def _parse(self, line: Line, name: str) -> dict[str, Any] | None:
        try:
            record = from_json(line.data)
        except ValueError:
            record = None
        if isinstance(record, dict):
            return record
        self._note_unreadable(name)
        return None

    def _note_unreadable(self, name: str) -> None:
        self.num_unreadable[name] = self.num_unreadable.get(name, 0) + 1

    def _keep(self) -> None:
        if len(self.rows) - self._num_kept >= _WORTH_KEEPING:
            state = {"rows": self.rows, "spans": self._spans, "unreadable": self.num_unreadable}
            remember(self._rollouts.path, "rows", state, self._rollouts.offset)
            self._num_kept = len(self.rows)
        if self._events.offset - self._events_kept >= _EVENTS_AT_ONCE:
            remember(self._events.path, "tally", self.tally.state(), self._events.offset)
            self._events_kept = self._events.offset

    # --- what a page asks --------------------------------------------------------------------

    def find(self, key: str) -> Row | None:
        """Return the row whose page is called `key`."""
        at = self._places.get(key)
        return None if at is None else self.rows[at]

    def record(self, key: str) -> dict[str, Any] | None:
        """Return a rollout's whole line, read again from the file."""
        at = self._places.get(key)
        if at is None:
            return None
        start, length = self._spans[at]
        try:
            with open(self._rollouts.path, "rb") as file:
                file.seek(start)
                record = from_json(file.read(length))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def artifacts(self, rollout_id: str) -> Path | None:
        """Return the folder of a rollout's files, if it has one under a name that is safe."""
        if not rollout_id or slug(rollout_id, 255) != rollout_id:
            return None
        folder = self.path / "artifacts" / rollout_id
        return folder if folder.is_dir() else None

    def text(self, name: str) -> str:
        """Return one of the run's small files; empty where there is none."""
        try:
            return (self.path / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    @property
    def config(self) -> dict[str, Any]:
        """The run's settings; empty where they cannot be read."""
        try:
            return tomllib.loads(self.text("config.toml"))
        except tomllib.TOMLDecodeError:
            return {}

    @property
    def lock(self) -> dict[str, Any]:
        """What the run remembers to be repeated; empty where it cannot be read."""
        return _json(self.text("lock.json"))

    @property
    def status(self) -> dict[str, Any]:
        """The run's `status.json`; empty where it cannot be read."""
        return _json(self.text("status.json"))

    @property
    def state(self) -> str:
        """`running`, `draining`, `finished`, `interrupted`, `failed`, `stalled` or `unknown`."""
        status = self.status
        state = str(status.get("state", "unknown"))
        state = {"done": "finished", "created": "running"}.get(state, state)
        if state in ("running", "draining") and not _is_alive(status):
            return "stalled"
        return state

    @property
    def taskset(self) -> Path | None:
        """The folder of the tasks that were worked on, if it is still there."""
        named = self.config.get("taskset")
        found = [self.path / "taskset"] if not isinstance(named, str) else [Path(named)]
        found.append(self.path / "taskset")
        return next((it for it in found if (it / "tasks.jsonl").is_file()), None)

    @property
    def is_training(self) -> bool:
        """Whether the run trained a model."""
        return (self.path / "metrics.jsonl").is_file()

    def notices(self) -> list[str]:
        """What a reader should know before believing the page."""
        found = []
        for name, count in self.num_unreadable.items():
            lines = "one line" if count == 1 else f"{count} lines"
            found.append(
                f"{lines} of {name} could not be read and {'is' if count == 1 else 'are'} left out: "
                "written by another version, or damaged. Mend or remove what is not JSON."
            )
        if self._rollouts.num_torn_bytes and self.state not in ("running", "draining"):
            found.append(
                "The last line of rollouts.jsonl is torn: the writer was killed in the middle of "
                "it. That rollout is owed; the run's command with --resume does it again."
            )
        if self.state == "stalled":
            found.append(
                "Nobody is driving this run any more, and it did not end. "
                "The run's command with --resume goes on with it."
            )
        if not (self.path / "config.toml").is_file():
            found.append(
                "There is no config.toml: this is no run of Journeyman's, or a part is lost."
            )
        return found


def _is_alive(status: dict[str, Any]) -> bool:
    """Whether the writer said something a short while ago, or is a process of this machine."""
    updated = status.get("updated_at")
    if isinstance(updated, int | float) and time.time() - updated < _STALE_S:
        return True
    pid = status.get("pid")
    return isinstance(pid, int) and pid > 0 and Path(f"/proc/{pid}").exists()


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
