"""Compiled files of an environment, kept beside it: of its tests, its sources and what they import.

They are written by the run that records what each test reaches, into a folder of the sandbox's own, and
are only read afterwards. A compiled file counts as long as its source has the same digest, or the same
size and time, so that a changed source is compiled anew.

    keep_bytecode(place, [await collect_bytecode(sandbox)], newest=time.time())
"""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from journeyman.cache import fill_once
from journeyman.config import cache_folder, digest
from journeyman.sandbox import Sandbox
from journeyman.types import Environment

__all__ = ["BYTECODE_VARIABLES", "bytecode_folder", "collect_bytecode", "keep_bytecode"]

_FOLDER = "/tmp/journeyman-bytecode"  # noqa: S108 - inside a sandbox
BYTECODE_VARIABLES = {"PYTHONPYCACHEPREFIX": _FOLDER, "PYTHONDONTWRITEBYTECODE": ""}
"""What lets a run write compiled files."""

_RECIPE = 1
_MAX_BYTES = 256 << 20
_HEADER_BYTES = 16
_CHECKED_DIGEST = 3
"""Flags of a compiled file that counts as long as its source has the same digest (PEP 552)."""
_SURE_S = 2


def bytecode_folder(environment: Environment, folder: Path) -> Path:
    """Return where the compiled files of an environment are, or would be."""
    # Times of the tree's files stand in them, so another copy of the tree needs others.
    copy = (folder / "environment.json").stat().st_mtime_ns
    key = digest([_RECIPE, environment.digest, str(folder.resolve()), copy])
    return cache_folder("bytecode") / key[:24]


async def collect_bytecode(sandbox: Sandbox) -> bytes:
    """Return an archive of what a run with `BYTECODE_VARIABLES` has compiled."""
    archive = f"{_FOLDER}.tar"
    await sandbox.execute(f"tar -cf {archive} -C {_FOLDER} .", timeout_s=120)
    try:
        return await sandbox.read(archive)
    except OSError:
        return b""


def keep_bytecode(place: Path, archives: Sequence[bytes], *, newest: float) -> Path:
    """Unpack archives into `place`, if it is not there.

    What was compiled of a source that had been written shortly before `newest`, in seconds since the
    epoch, is left out: a later change of it might not show in its time.
    """

    def fill(scratch: Path) -> None:
        for archive in archives:
            _unpack(archive, scratch, newest - _SURE_S)

    return fill_once(place, fill)


def _unpack(archive: bytes, target: Path, before: float) -> None:
    if not archive:
        return
    left = _MAX_BYTES
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for entry in files:
            path = PurePosixPath(entry.name)
            stream = files.extractfile(entry) if entry.isreg() else None
            if stream is None or path.suffix != ".pyc" or ".." in path.parts or path.is_absolute():
                continue
            left -= entry.size
            if left < 0:
                return
            data = stream.read()
            if _is_sure(data, before):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                with open(target / path, "wb") as written:
                    shutil.copyfileobj(io.BytesIO(data), written)


def _is_sure(data: bytes, before: float) -> bool:
    """Tell whether a compiled file holds its source's digest, or a time that no change will have."""
    flags, changed = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:12], "little")
    is_known = flags == _CHECKED_DIGEST or (flags == 0 and changed < before)
    return len(data) > _HEADER_BYTES and is_known
