"""A layer for overlayfs as what it does: the paths it hides and an archive of the files it lays."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

__all__ = ["archive_of"]

_OWNER = 1000


def archive_of(layer: Path) -> tuple[bytes, bytes]:
    """Return the paths to delete, each ended by a null byte, and a tar archive to unpack after.

    A character device 0/0 hides what lies below it; a file or link replaces whatever was there.
    """
    gone: list[bytes] = []
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _walk(layer):
            name = path.relative_to(layer)
            info = os.lstat(path)
            if stat.S_ISCHR(info.st_mode):
                gone.append(os.fsencode(name))
                continue
            if not stat.S_ISDIR(info.st_mode):
                gone.append(os.fsencode(name))
            entry = archive.gettarinfo(path, arcname=str(name))
            entry.uid = entry.gid = _OWNER
            entry.uname = entry.gname = ""
            if entry.isreg():
                entry.type, entry.linkname = tarfile.REGTYPE, ""
                with open(path, "rb") as file:
                    archive.addfile(entry, file)
            else:
                archive.addfile(entry)
    return b"".join(path + b"\0" for path in gone), buffer.getvalue()


def _walk(folder: Path) -> list[Path]:
    """List everything below a folder, parents first, without following links."""
    found: list[Path] = []
    todo = [folder]
    while todo:
        for entry in sorted(os.scandir(todo.pop()), key=lambda entry: entry.name):
            found.append(Path(entry.path))
            if entry.is_dir(follow_symlinks=False):
                todo.append(Path(entry.path))
    return found
