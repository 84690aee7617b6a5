"""The compilers and runners of this machine, that sandboxes see read-only.

What lies under the system's own folders is there already; what was installed elsewhere, e.g. by rustup,
is mounted where it lies.

    >>> find_toolchain(profile_of("go")).version  # doctest: +SKIP
    'go version go1.19.8 linux/amd64'
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.languages.profile import Profile
from journeyman.types import Data

__all__ = ["Toolchain", "find_toolchain", "missing_programs"]

_SYSTEM = ("/usr/", "/bin/", "/opt/environment/")
_MORE_PLACES = ("/usr/local/go/bin", "/usr/share/dotnet")


class Toolchain(Data):
    """What one language is built with here."""

    version: str
    prefixes: tuple[str, ...] = ()
    """Folders beside the system's that hold it."""
    paths: tuple[str, ...] = ()
    """Folders of programs that come first on the path."""


def missing_programs(profile: Profile) -> list[str]:
    """Name the programs of a language that this machine lacks."""
    return [name for name in profile.programs if _find(name) is None]


def find_toolchain(profile: Profile) -> Toolchain:
    """Return the toolchain of a language. Raises `JourneymanError` where a program is missing."""
    missing = missing_programs(profile)
    if missing:
        raise JourneymanError(
            f"{profile.title} needs {', '.join(missing)}, which this machine lacks",
            f"apt-get install {' '.join(profile.packages)}",
        )
    prefix = _sysroot() if "rustc" in profile.programs else None
    is_own = prefix is not None and not f"{prefix}/".startswith(_SYSTEM)
    paths = (f"{prefix}/bin",) if is_own else ()
    environment = {**os.environ, "PATH": os.pathsep.join([*paths, os.environ.get("PATH", "")])}
    done = subprocess.run(
        ["sh", "-c", profile.version_command],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    version = (done.stdout.strip().splitlines() or [""])[0]
    return Toolchain(version=version, prefixes=(str(prefix),) if is_own else (), paths=paths)


def _find(name: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), *_MORE_PLACES])
    return shutil.which(name, path=path)


def _sysroot() -> Path | None:
    """Ask the compiler of Rust, which may be rustup's shim, where it really lies."""
    done = subprocess.run(
        ["rustc", "--print", "sysroot"], cwd="/", capture_output=True, text=True, check=False
    )
    place = Path(done.stdout.strip())
    return place if done.returncode == 0 and (place / "bin/rustc").exists() else None
