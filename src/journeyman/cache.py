"""Folders of a cache: each is whole or absent, made once, and swept if its maker died half way.

A folder is filled beside its place, under a lock that the system frees when its holder dies, and
then renamed. Whoever next makes a folder there removes those that nobody holds.

    >>> fill_once(cache_folder("trees") / "5c1d", build)  # doctest: +SKIP
    PosixPath('…/trees/5c1d')
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["fill_once", "fill_once_waiting", "sweep"]

_PREFIX = ".new-"


def fill_once(place: Path, fill: Callable[[Path], None]) -> Path:
    """Return `place`, which `fill` fills if it is not there; its parent folder must be.

    Where several fill it at once, the first to end wins. What `fill` raises leaves nothing behind.
    """
    if place.exists():
        return place
    sweep(place.parent)
    with _unfinished(place.parent) as scratch:
        fill(scratch)
        _put(scratch, place)
    return place


async def fill_once_waiting(place: Path, fill: Callable[[Path], Awaitable[None]]) -> Path:
    """Do the same with a `fill` that waits, such as for a sandbox."""
    if place.exists():
        return place
    sweep(place.parent)
    with _unfinished(place.parent) as scratch:
        await fill(scratch)
        _put(scratch, place)
    return place


def _put(scratch: Path, place: Path) -> None:
    scratch.chmod(0o755)
    try:
        scratch.rename(place)
    except OSError:
        if not place.exists():
            raise


def sweep(folder: Path) -> list[str]:
    """Remove the unfinished folders in `folder` whose makers are gone; return their names."""
    removed = []
    for path in sorted(folder.glob(f"{_PREFIX}*")):
        try:
            handle = _hold(path)
        except OSError:
            continue
        try:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(handle)
        removed.append(path.name)
    return removed


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Make a folder that is held as long as the block lasts, and is gone after it if not renamed."""
    path, handle = _make(folder)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _make(folder: Path) -> tuple[Path, int | None]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        try:
            return path, _hold(path)
        except (BlockingIOError, FileNotFoundError):
            continue  # A sweeper came before the lock did: this folder is lost to it.
        except OSError:
            return path, None  # No locks on this file system, so no sweeper gets one either.


def _hold(path: Path) -> int:
    """Lock a folder and return the handle that holds it; `OSError` if that cannot be, now or ever."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), os.lstat(path)):
            raise FileNotFoundError(path)
    except BaseException:
        os.close(handle)
        raise
    return handle
