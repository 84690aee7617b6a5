"""The `/etc` of every sandbox: what programs need of the host's, in one folder that is mounted once.

A mount costs far more than the copy of a few small files that is made when they change. Never the
host's accounts, keys or secrets.
"""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

from journeyman.cache import fill_once
from journeyman.config import cache_folder, digest

__all__ = ["AGENT_HOME", "BASE_VARIABLES", "system_settings"]

AGENT_HOME = "/home/agent"

BASE_VARIABLES = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": AGENT_HOME,
    "USER": "agent",
    "LOGNAME": "agent",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "TMPDIR": "/tmp",  # noqa: S108
}
"""What every command finds in its environment."""

_TAKEN = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "fonts",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "maven",
    "mime.types",
    "nsswitch.conf",
    "perl",
    "php",
    "pki",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "services",
    "ssl",
    "terminfo",
    "timezone",
)
_WRITTEN = {
    "passwd": (
        "root:x:0:0:root:/root:/bin/bash\n"
        f"agent:x:1000:1000:agent:{AGENT_HOME}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "group": "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "resolv.conf": "",
}
_RECIPE = 1


@functools.cache
def system_settings() -> Path:
    """Return the folder, made anew where the host's files have changed."""
    present = [Path("/etc", name) for name in _TAKEN if os.path.exists(f"/etc/{name}")]
    facts = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in present]
    root = cache_folder("etc")
    place = root / digest([_RECIPE, facts, _WRITTEN])[:24]
    return fill_once(place, lambda folder: _fill(folder, present))


def _fill(folder: Path, present: list[Path]) -> None:
    for path in present:
        if path.is_symlink():
            (folder / path.name).symlink_to(os.readlink(path))
        elif path.is_dir():
            shutil.copytree(path, folder / path.name, symlinks=True, ignore=_unreadable)
        else:
            shutil.copyfile(path, folder / path.name)
    for name, text in _WRITTEN.items():
        (folder / name).write_text(text, encoding="utf-8")
    folder.chmod(0o755)


def _unreadable(folder: str, names: list[str]) -> list[str]:
    """Leave out what not everyone may read, such as private keys."""
    return [
        name
        for name in names
        if not os.path.islink(path := os.path.join(folder, name))
        and not os.stat(path).st_mode & 0o004
    ]
