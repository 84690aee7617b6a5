"""A run's folder: everything one command wrote, enough to read it, resume it and repeat it.

It appears under its name only when it is complete: it is filled under a hidden name and renamed.
One driver at a time holds it, by a lock that the kernel drops when the process dies. It is not the
place that says what is owed or done; that is the ledger inside it.

    run = RunFolder.create(Path("runs"), "rollout", "toolz", config=config, argv=sys.argv)
    run.append("events", {"kind": "started"})
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shlex
import shutil
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from journeyman.config import Config, differing_keys, digest, to_toml
from journeyman.errors import JourneymanError
from journeyman.runs.ledger import Ledger
from journeyman.runs.provenance import describe_run
from journeyman.runs.storage import (
    JsonlWriter,
    Record,
    explain_storage,
    read_jsonl,
    write_atomic,
)

__all__ = ["RunFolder", "open_ledger", "slug"]

_LOCK = ".driver"


def slug(text: str, length: int = 80) -> str:
    """Make a text safe as one part of a file name, still readable."""
    clean = re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-.")
    return clean[:length] or "x"


class RunFolder:
    """One command's output folder, held by this process until `close`."""

    def __init__(self, path: Path, lock: int, *, is_resumed: bool = False) -> None:
        self.path = path
        self.is_resumed = is_resumed
        self._lock = lock
        self._writers: dict[str, JsonlWriter] = {}
        self._ledger: Ledger | None = None

    @classmethod
    def create(
        cls,
        root: Path,
        verb: str,
        what: str,
        *,
        config: Config,
        argv: Sequence[str],
        name: str | None = None,
        resume: bool = False,
        clean: bool = False,
        digests: Mapping[str, str] | None = None,
        seeds: Mapping[str, int] | None = None,
    ) -> RunFolder:
        """Make a new run under `root`, or take up an old one.

        Without a name a new one is made, or with `resume` the newest of that verb and what is taken
        up. An existing name needs `resume` or `clean`. Resuming refuses a config that differs, and
        names the keys.
        """
        if resume and clean:
            raise JourneymanError("--resume and --clean exclude each other", "choose one of them")
        if resume:
            return cls._resume(_find(root, name, f"{slug(verb)}--{slug(what)}--"), config)
        path = root / (_checked(name) if name else _new_name(verb, what, config))
        if clean and path.exists():
            _remove(path)
        if path.exists():
            raise _exists(path)
        lock_record = describe_run(config, digests or {}, seeds or {}, Path.cwd())
        return cls._build(path, config, argv, lock_record)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Take up an existing run as it is, whatever its config; its driver must have ended."""
        return cls(path, _hold(path), is_resumed=True)

    @classmethod
    def _resume(cls, path: Path, config: Config) -> RunFolder:
        old = _with_defaults(_read_config(path), type(config))
        new = tomllib.loads(to_toml(config))
        free = config.resume_may_change
        if changed := [key for key in differing_keys(old, new) if key.split(".")[0] not in free]:
            raise JourneymanError(
                f"{path} was started with another config; these keys differ: {', '.join(changed)}",
                "give the old values, or start a run under another name",
            )
        return cls(path, _hold(path), is_resumed=True)

    @classmethod
    def _build(
        cls, path: Path, config: Config, argv: Sequence[str], lock_record: Mapping[str, Any]
    ) -> RunFolder:
        hidden = path.parent / f".{path.name}.{os.getpid()}.new"
        lock = -1
        try:
            with explain_storage(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                for part in ("", "artifacts", "logs"):
                    (hidden / part).mkdir()
                lock = _lock_file(hidden)
                _fill(hidden, config, argv, lock_record)
                _rename_new(hidden, path)
        except BaseException:
            if lock >= 0:
                os.close(lock)
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        _point_latest(path)
        return cls(path, lock)

    @property
    def name(self) -> str:
        """The folder's own name: the run's identifier, and the owner of its sandboxes."""
        return self.path.name

    @property
    def ledger(self) -> Ledger:
        """The run's ledger, opened at first use: a file of its own, or what its config names."""
        if self._ledger is None:
            self._ledger = open_ledger(self.path)
        return self._ledger

    def append(self, stream: str, record: Record) -> None:
        """Append one record to `<stream>.jsonl`."""
        if stream not in self._writers:
            self._writers[stream] = JsonlWriter(self.path / f"{stream}.jsonl")
        self._writers[stream].append(record)

    def read(self, stream: str) -> list[Any]:
        """Return the whole records of `<stream>.jsonl`."""
        return read_jsonl(self.path / f"{stream}.jsonl")

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the run at once."""
        write_atomic(self.path / name, text)
        return self.path / name

    def artifacts(self, rollout_id: str) -> Path:
        """Return (and make) the folder of one rollout's files."""
        if slug(rollout_id, 255) != rollout_id:
            raise ValueError(f"not a rollout id: {rollout_id!r}")
        folder = self.path / "artifacts" / rollout_id
        with explain_storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def remember(
        self, *, digests: Mapping[str, str] | None = None, seeds: Mapping[str, int] | None = None
    ) -> None:
        """Add to `lock.json`; a digest that is there already must be the same.

        Raises `JourneymanError` naming what has changed since the run began.
        """
        path = self.path / "lock.json"
        known = json.loads(path.read_text(encoding="utf-8"))
        for name, value in (digests or {}).items():
            if known["digests"].setdefault(name, value) != value:
                raise JourneymanError(
                    f"the {name} have changed since {self.path} began",
                    "restore them, or start a run under another name",
                )
        known["seeds"].update(seeds or {})
        write_atomic(path, json.dumps(known, indent=2) + "\n")

    def set_status(self, state: str, **details: Any) -> None:
        """Write `status.json`: the state, when and by whom, and the caller's details."""
        record = {"state": state, "updated_at": time.time(), "pid": os.getpid(), **details}
        write_atomic(self.path / "status.json", json.dumps(record, indent=2) + "\n")

    def close(self) -> None:
        """Close every file and let another driver in. Safe to call twice."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(path: Path) -> Ledger:
    """Open the ledger of the run in a folder, wherever its config says that it is."""
    url = str(_read_config(path).get("ledger", ""))
    if not url:
        return Ledger(path / "ledger.sqlite")
    from journeyman.runs.postgres import PostgresDatabase  # not installed everywhere

    return Ledger(PostgresDatabase(url, path.name))


def _fill(
    folder: Path, config: Config, argv: Sequence[str], lock_record: Mapping[str, Any]
) -> None:
    (folder / "command.txt").write_text(shlex.join(argv) + "\n")
    (folder / "config.toml").write_text(to_toml(config))
    (folder / "lock.json").write_text(json.dumps(lock_record, indent=2) + "\n")
    status = {"state": "created", "updated_at": time.time(), "pid": os.getpid()}
    (folder / "status.json").write_text(json.dumps(status, indent=2) + "\n")
    (folder / "events.jsonl").touch()
    (folder / "rollouts.jsonl").touch()
    if not getattr(config, "ledger", ""):
        Ledger(folder / "ledger.sqlite").close()


def _new_name(verb: str, what: str, config: Config) -> str:
    """Name a run so that a reader knows it and two of the same config never meet."""
    moment = f"{digest(config)} {time.time_ns()} {secrets.token_hex(4)}"
    return f"{slug(verb)}--{slug(what)}--{digest(moment)[:8]}"


def _checked(name: str) -> str:
    if slug(name, 200) != name or name == "latest":
        raise JourneymanError(f"{name!r} cannot name a run", "use letters, digits, dots and dashes")
    return name


def _find(root: Path, name: str | None, prefix: str) -> Path:
    """Return the named run, or the newest of the same command."""
    if name:
        found = [root / name] if (root / name / "config.toml").is_file() else []
    else:
        found = sorted(root.glob(f"{prefix}*/config.toml"), key=lambda it: it.stat().st_mtime_ns)
        found = [path.parent for path in found]
    if not found:
        what = f"no run {name!r}" if name else f"no run {prefix}* to resume"
        raise JourneymanError(f"{what} in {root}", f"see what is there: ls {root}")
    return found[-1].resolve()


def _exists(path: Path) -> JourneymanError:
    return JourneymanError(
        f"the run {path} exists already",
        "add --resume to go on with it, --clean to start it anew, or give another name",
    )


def _rename_new(hidden: Path, path: Path) -> None:
    try:
        os.rename(hidden, path)
    except OSError:
        if path.exists():
            raise _exists(path) from None
        raise


def _remove(path: Path) -> None:
    """Take an old run away at once, so that no half of it is ever seen under its name."""
    os.close(_hold(path))
    trash = path.parent / f".{path.name}.{os.getpid()}.old"
    with explain_storage(path):
        os.rename(path, trash)
        shutil.rmtree(trash)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JourneymanError(
            f"{path / 'config.toml'} cannot be read: {error}", "start a run under another name"
        ) from None


def _with_defaults(old: dict[str, Any], kind: type[Config]) -> dict[str, Any]:
    """Give keys that are newer than the run their defaults: what it did without knowing them."""
    try:
        return tomllib.loads(to_toml(kind.model_validate(old)))
    except ValidationError:
        return old


def _hold(path: Path) -> int:
    """Take the run's lock, or say who has it."""
    with explain_storage(path):
        if not path.is_dir():
            raise JourneymanError(f"no run at {path}", f"see what is there: ls {path.parent}")
        try:
            return _lock_file(path)
        except BlockingIOError:
            holder = _read_holder(path)
            raise JourneymanError(
                f"another process{holder} is driving {path}",
                "wait until it ends, or stop it with Ctrl-C",
            ) from None


def _lock_file(folder: Path) -> int:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _read_holder(folder: Path) -> str:
    with contextlib.suppress(OSError):
        if pid := (folder / _LOCK).read_text().strip():
            return f" ({pid})"
    return ""


def _point_latest(path: Path) -> None:
    """Aim `latest` at the run; a file system without links only loses the convenience."""
    temporary = path.parent / f".latest.{os.getpid()}"
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(path.name)
        os.replace(temporary, path.parent / "latest")
