"""The state folder of a sandbox: who owns it, and its removal once the owner is gone.

Every live sandbox has a folder under `cache_folder("sandboxes")` whose `owner.json` names the
process that owes its clean-up. A process is named by its id, its start time and the machine's boot,
so a recycled id is never mistaken for the owner.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from journeyman.config import cache_folder
from journeyman.errors import AttributedError
from journeyman.sandbox import cgroups

__all__ = [
    "claim",
    "is_marked_by_the_living",
    "own_mark",
    "reap",
    "reap_own",
    "remove",
    "sandboxes_folder",
]


def sandboxes_folder() -> Path:
    """Return the folder that holds the state of every live sandbox of this user."""
    return cache_folder("sandboxes")


def process_identity(pid: int) -> dict[str, Any] | None:
    """Name a process so that no other can be mistaken for it; None where it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return {"pid": pid, "start_time": fields[19], "boot": boot}


def own_mark() -> str:
    """Name this process in a word that is safe in a file's name; see `is_marked_by_the_living`."""
    return _mark(process_identity(os.getpid()))


def claim(name: str, owner: str, group: str = "", engine: str = "") -> Path:
    """Make the state folder `name`, owned by this process; a dead owner's one is removed first.

    `group` names its control groups and `engine` the program that holds its container, if it is one:
    they will be removed with it.

    Raises `AttributedError("sandbox_unavailable")` where a living process holds that name.
    """
    root = sandboxes_folder()
    process = process_identity(os.getpid())
    fresh = Path(tempfile.mkdtemp(prefix=f".new-{_mark(process)}-", dir=root))
    record: dict[str, Any] = {"name": name, "owner": owner, "group": group, "engine": engine}
    record["process"] = process
    (fresh / "owner.json").write_text(json.dumps(record), encoding="utf-8")
    folder = root / name
    for is_last in (False, True):
        try:
            fresh.rename(folder)
            return folder
        except OSError:
            if is_last or _is_owned(folder):
                shutil.rmtree(fresh, ignore_errors=True)
                raise AttributedError("sandbox_unavailable", f"{name} is already open") from None
            remove(folder)
    raise AssertionError("unreachable")


def reap(owner: str | None = None, keep: Collection[str] = ()) -> list[str]:
    """Remove every sandbox whose owner process is dead; return their names, sorted.

    With `owner`, only sandboxes opened for it; names in `keep` are left alone.
    """
    reaped = []
    for folder in sorted(sandboxes_folder().iterdir()):
        if folder.name in keep or _is_owned(folder):
            continue
        if owner is not None and _record(folder).get("owner") != owner:
            continue
        remove(folder)
        reaped.append(folder.name)
    _reap_groups()
    return reaped


def reap_own(
    owner: str, keep: Collection[str], suspects: Collection[str]
) -> tuple[list[str], set[str]]:
    """Remove what this process opened for `owner`, works in no more, and did not close.

    `keep` are the names of its sandboxes that work. Only `suspects`, which is what an earlier look
    returned second, are removed: what is being closed just now is left to end. Returns the names that
    were removed and those to suspect next time. Where there are no control groups, a leaked sandbox's
    processes live until this one ends.
    """
    own = process_identity(os.getpid())
    found = set()
    for folder in sandboxes_folder().iterdir():
        record = _record(folder)
        if record.get("owner") == owner and record.get("process") == own:
            found.add(folder.name)
    found.difference_update(keep)
    removed = sorted(found.intersection(suspects))
    for name in removed:
        remove(sandboxes_folder() / name)
    return removed, found.difference(removed)


def _reap_groups() -> None:
    """Remove groups that nobody's folder names yet and whose maker is gone."""
    for name in cgroups.names():
        if not is_marked_by_the_living(name):
            cgroups.remove(name)


def remove(folder: Path, *, has_container: bool = True) -> None:
    """End what still runs in a sandbox and delete its cgroups, its folder and its container, if any."""
    record = _record(folder)
    cgroups.remove(record.get("group") or folder.name)
    if record.get("engine") and has_container:
        words = [str(record["engine"]), "rm", "--force", "--volumes", f"journeyman-{folder.name}"]
        subprocess.run(words, capture_output=True, check=False, timeout=60)
    delete_tree(folder)


def delete_tree(folder: Path) -> None:
    """Delete a folder whatever permissions were set inside it."""

    def unlock(function: Callable[..., Any], path: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(path), 0o700)
            if os.path.isdir(path) and not os.path.islink(path):
                os.chmod(path, 0o700)
                shutil.rmtree(path, ignore_errors=True)
            else:
                function(path)

    for _ in range(2):
        if folder.exists():
            shutil.rmtree(folder, onerror=unlock)


def _record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / "owner.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _is_owned(folder: Path) -> bool:
    process = _record(folder).get("process")
    if isinstance(process, dict):
        return process_identity(process["pid"]) == process
    return is_marked_by_the_living(folder.name.removeprefix(".new-"))


def _mark(process: dict[str, Any] | None) -> str:
    """Name a maker in the thing's own name: it may die before it can write `owner.json`."""
    named = process or {"pid": 0, "start_time": "0", "boot": ""}
    return f"{named['pid']}-{named['start_time']}-{named['boot'][:8]}"


def is_marked_by_the_living(name: str) -> bool:
    """Tell whether a name that begins with a mark is of a process that still lives."""
    found = re.match(r"(\d+)-\d", name)
    process = process_identity(int(found[1])) if found else None
    return process is not None and name.startswith(f"{_mark(process)}-")
