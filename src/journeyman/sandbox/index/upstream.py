"""Where packages come from: the indexes that the user's own uv, pip and npm are set up with.

No index is named here: where nothing is configured, the tools are asked for their default. An
address may carry the user's credentials, so it is never shown to a sandbox.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from journeyman.config import read_toml
from journeyman.errors import JourneymanError
from journeyman.programs import find_uv

__all__ = ["certificates", "find_npm_registry", "find_python_index"]

_PYTHON_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_CONFIG_VARIABLES = ("UV_CONFIG_FILE", "PIP_CONFIG_FILE", "XDG_CONFIG_HOME", "HOME", "PATH")
_NPM_VARIABLES = ("npm_config_registry", "NPM_CONFIG_REGISTRY")
_CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
_ASK_S = 60.0


def find_python_index() -> str:
    """Return the address of the user's default Python index, without a slash at its end.

    By precedence: the variables of uv and pip, uv's settings, pip's settings, the tool's default.
    Raises `JourneymanError` where there is none that speaks HTTP.
    """
    named = next((os.environ[name] for name in _PYTHON_VARIABLES if os.environ.get(name)), "")
    found = named or _configured(*(os.environ.get(name) for name in _CONFIG_VARIABLES))
    if not found:
        raise JourneymanError("no Python package index is configured", "set PIP_INDEX_URL")
    return _checked(found, "Python package index")


@functools.cache
def _configured(*_settings: str | None) -> str:
    """Ask the tools, which takes seconds; once for the same settings."""
    return next(filter(None, _python_candidates()), "")


def _python_candidates() -> Iterator[str]:
    for path in _uv_settings():
        if path.is_file():
            yield _from_uv(read_toml(path))
    pip = _pip()
    if pip:
        said = _say([*pip, "config", "list"])
        for section in ("install", "global"):
            yield _found(said, rf"(?m)^{section}\.index-url='(.*)'$")
    uv = find_uv()
    if uv:
        said = _say([uv, "help", "--no-pager", "pip", "install"])
        yield _found(said, r"(?s)--default-index\b.*?by\s+default:\s+<([^>\s]+)>")
    if pip:
        said = _say([*pip, "download", "--help"])
        yield _found(said, r"\(default\s+(https?://[^)\s]+)\)")


def _uv_settings() -> Iterator[Path]:
    if named := os.environ.get("UV_CONFIG_FILE"):
        yield Path(named)
        return
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    yield from (Path(config, "uv", "uv.toml"), Path("/etc/uv/uv.toml"))


def _from_uv(settings: Mapping[str, Any]) -> str:
    for index in settings.get("index", []):
        if index.get("default"):
            return str(index.get("url", ""))
    pip = settings.get("pip", {})
    return str(settings.get("index-url") or pip.get("index-url") or "")


def _pip() -> list[str]:
    if found := shutil.which("pip") or shutil.which("pip3"):
        return [found]
    own = [sys.executable, "-m", "pip"]
    return own if _say([*own, "--version"]) else []


def find_npm_registry() -> str:
    """Return the address of the user's npm registry, without a slash at its end.

    Raises `JourneymanError` where npm is absent and no variable names one.
    """
    named = next((os.environ[name] for name in _NPM_VARIABLES if os.environ.get(name)), "")
    found = named or _npm_registry(os.environ.get("HOME"), os.environ.get("PATH"))
    if not found:
        raise JourneymanError("no npm registry is configured", "set npm_config_registry")
    return _checked(found, "npm registry")


@functools.cache
def _npm_registry(*_settings: str | None) -> str:
    npm = shutil.which("npm")
    return _say([npm, "config", "get", "registry"]) if npm else ""


def certificates() -> ssl.SSLContext:
    """Return the authorities that the user's tools trust, besides the system's."""
    context = ssl.create_default_context()
    for name in _CERTIFICATE_VARIABLES:
        path = os.environ.get(name, "")
        if os.path.isfile(path):
            context.load_verify_locations(path)
    return context


def _say(command: list[str]) -> str:
    """Run one of the user's tools away from any project; return what it said, "" if it failed."""
    try:
        done = subprocess.run(
            command, cwd=Path.home(), capture_output=True, text=True, timeout=_ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _found(said: str, pattern: str) -> str:
    found = re.search(pattern, said)
    return found[1] if found else ""


def _checked(address: str, what: str) -> str:
    if not address.startswith(("http://", "https://")):
        raise JourneymanError(
            f"the {what} is not reached over HTTP, so it tells no upload times",
            "set UV_DEFAULT_INDEX or npm_config_registry to one that does",
        )
    return address.rstrip("/")
