"""Source distributions: find, download, check and unpack one without running any of its code.

The index is whatever the user's `uv` is set up with; no index is named here.

    >>> find_sdist("toolz")  # doctest: +SKIP
    Sdist(name='toolz', version='1.0.0', url='…', sha256='…', uploaded_at='2024-10-04T16:17:01Z')
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.error
import urllib.request
import zipfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.programs import find_uv
from journeyman.types import Data

__all__ = ["IndexUnreachableError", "Sdist", "download", "find_sdist", "unpack"]

_OFFLINE_SIGNS = ("Failed to fetch", "network was disabled", "error sending request", "dns error")
_MAX_BYTES = 512 << 20


class IndexUnreachableError(JourneymanError):
    """The package index cannot be reached from here; a caller may fall back to what is local."""


class Sdist(Data):
    """A source distribution on an index."""

    name: str
    version: str
    url: str
    sha256: str
    uploaded_at: str = ""
    """ISO 8601, UTC; empty where the index does not tell."""


def find_sdist(name: str) -> Sdist:
    """Ask the user's index for the newest source distribution of `name` that this Python can use."""
    with tempfile.TemporaryDirectory(prefix="journeyman-") as folder:
        settings = _inherited_settings()
        # Static metadata keeps uv from building the distribution (running its code) to learn it.
        settings += f'\ndependency-metadata = [{{ name = "{name}", requires-dist = [] }}]\n'
        Path(folder, "uv.toml").write_text(settings)
        done = _compile(name, Path(folder))
    if done.returncode != 0:
        raise _explain(name, done.stderr)
    return _read_lock(name, done.stdout)


def _compile(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        *(find_uv() or "uv", "pip", "compile", "--quiet", "--format", "pylock.toml", "--no-deps"),
        *("--python", sys.executable, "--no-binary", name, "-"),
    ]
    env = {"UV_HTTP_RETRIES": "1", **os.environ}
    env.pop("UV_CONFIG_FILE", None)
    try:
        return subprocess.run(
            command, cwd=folder, env=env, input=name, text=True, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise JourneymanError("uv is not installed", "journeyman doctor") from None


def _inherited_settings() -> str:
    """Return the text of the file that `UV_CONFIG_FILE` names: it would hide our own settings."""
    path = os.environ.get("UV_CONFIG_FILE", "")
    return Path(path).read_text() if path and Path(path).is_file() else ""


def _explain(name: str, complaint: str) -> JourneymanError:
    if any(sign in complaint for sign in _OFFLINE_SIGNS):
        return IndexUnreachableError(
            "the package index cannot be reached",
            "use --project bundled, or --repo PATH for a repository on this machine",
        )
    if "was not found in the" in complaint:
        return JourneymanError(
            f"no project {name!r} on the package index", "check the spelling, or give a path or URL"
        )
    lines = [line.strip() for line in complaint.splitlines() if line.strip()] or ["no message"]
    return JourneymanError(
        f"no source distribution of {name!r}: {lines[-1].removeprefix('cause: ')}",
        "give the path or URL of its Git repository instead",
    )


def _read_lock(name: str, text: str) -> Sdist:
    try:
        package: dict[str, Any] = tomllib.loads(text)["packages"][0]
        sdist: dict[str, Any] = package["sdist"]
        return Sdist(
            name=package["name"],
            version=package["version"],
            url=sdist["url"],
            sha256=sdist["hashes"]["sha256"],
            uploaded_at=_iso(sdist.get("upload-time")),
        )
    except (tomllib.TOMLDecodeError, KeyError, IndexError):
        raise JourneymanError(
            f"{name!r} has no source distribution on the package index",
            "give the path or URL of its Git repository instead",
        ) from None


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def download(sdist: Sdist, folder: Path) -> Path:
    """Fetch the archive into `folder` and check its hash; nothing is left of a bad download."""
    target = folder / PurePosixPath(sdist.url.partition("#")[0]).name
    try:
        with urllib.request.urlopen(sdist.url, timeout=60) as response:  # noqa: S310
            data = response.read(_MAX_BYTES + 1)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise IndexUnreachableError(
            f"downloading {target.name} failed: {error}", "try again, or use --project bundled"
        ) from None
    if hashlib.sha256(data).hexdigest() != sdist.sha256:
        raise JourneymanError(
            f"the download of {target.name} is corrupt: its hash differs from the index's",
            "try again; behind a proxy, check that it passes files through unchanged",
        )
    target.write_bytes(data)
    return target


def unpack(archive: Path, folder: Path) -> str:
    """Unpack an sdist's single top folder into `folder`; return the newest date of its files.

    Absolute names, `..`, devices and links that leave the folder are a `JourneymanError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if archive.name.endswith(".zip"):
            return _unpack_zip(archive, folder)
        return _unpack_tar(archive, folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise JourneymanError(f"cannot unpack {archive.name}: {error}", "try again") from None


def _unpack_tar(archive: Path, folder: Path) -> str:
    newest = 0.0
    with tarfile.open(archive) as tar:
        for member in tar:
            inner = _inner_name(archive, member.name)
            newest = max(newest, member.mtime)
            if inner is None or member.isdir():
                continue
            target = folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            if member.issym():
                _link(archive, folder, inner, member.linkname)
            elif (stream := tar.extractfile(member)) is not None:
                with stream, target.open("wb") as out:
                    shutil.copyfileobj(stream, out)
                target.chmod(0o755 if member.mode & 0o100 else 0o644)
    return datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unpack_zip(archive: Path, folder: Path) -> str:
    newest = (1980, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            inner = _inner_name(archive, member.filename)
            newest = max(newest, member.date_time)
            if inner is None or member.is_dir():
                continue
            target = folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packed.read(member))
    return datetime(*newest, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _inner_name(archive: Path, name: str) -> PurePosixPath | None:
    """Return a member's path without the archive's top folder, refusing one that escapes."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise JourneymanError(
            f"{archive.name} holds a path that leaves its folder: {name!r}",
            "do not use this distribution",
        )
    parts = [part for part in path.parts if part != "."][1:]
    if re.search(r"(?i)(^|/)\.git(/|$)", "/".join(parts)):
        return None
    return PurePosixPath(*parts) if parts else None


def _link(archive: Path, folder: Path, inner: PurePosixPath, goal: str) -> None:
    landing = os.path.normpath(folder / inner.parent / goal)
    if os.path.isabs(goal) or not Path(landing).is_relative_to(folder):
        raise JourneymanError(
            f"{archive.name} holds a link that leaves its folder: {str(inner)!r}",
            "do not use this distribution",
        )
    (folder / inner).symlink_to(goal)
