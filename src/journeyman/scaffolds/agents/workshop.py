"""The build sandbox of agent programs: an open network, and the user's own package indexes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from journeyman.config import cache_folder
from journeyman.errors import JourneymanError
from journeyman.interpreter import find_interpreter, find_uv
from journeyman.sandbox import Limits, Mount, SandboxSpec
from journeyman.sandbox.index.upstream import find_npm_registry
from journeyman.scaffolds.agents.agent import NODE_PATH

__all__ = ["NODE_INSTALL", "UV", "build_spec"]

UV = "/opt/uv"
NODE_INSTALL = (
    f"{NODE_PATH}/bin/node {NODE_PATH}/lib/node_modules/npm/bin/npm-cli.js install "
    "--no-audit --no-fund --no-update-notifier --loglevel error"
)
_UV_CACHE = "/opt/uv-cache"
_UV_SETTINGS = "/opt/uv.toml"
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC", "NODE_EXTRA_CA_CERTS")
_PASSED_ON = (
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX",
    "UV_HTTP",
    "UV_INDEX",
    "UV_INSECURE",
    "UV_NATIVE",
    "UV_OFFLINE",
    "npm_config_",
    "NPM_CONFIG_",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def build_spec(mounts: tuple[Mount, ...]) -> SandboxSpec:
    """Describe a sandbox that installs into the writable ones of `mounts`."""
    return SandboxSpec(
        mounts=(*mounts, *_dedupe(_tools(), {mount.target for mount in mounts})),
        variables=_variables(),
        network="open",
        limits=Limits(memory_bytes=6 << 30, disk_bytes=4 << 30, num_processes=2048),
        owner="build",
    )


def _dedupe(mounts: Iterator[Mount], taken: set[str]) -> Iterator[Mount]:
    for mount in mounts:
        if mount.target not in taken:
            taken.add(mount.target)
            yield mount


def _tools() -> Iterator[Mount]:
    yield Mount(source=find_uv(), target=UV)
    yield Mount(source=cache_folder("uv"), target=_UV_CACHE, is_writable=True)
    for requires in ("", "<3.13"):
        prefix = find_interpreter(requires).prefix
        if prefix != Path("/") and not prefix.is_relative_to("/usr"):
            yield Mount(source=prefix, target=str(prefix))
    settings = _user_settings()
    if settings is not None:
        yield Mount(source=settings, target=_UV_SETTINGS)
    for name in _CERTIFICATES:
        path = os.environ.get(name, "")
        if path and not path.startswith(("/usr/", "/etc/ssl/")) and Path(path).exists():
            yield Mount(source=Path(path), target=path)


def _user_settings() -> Path | None:
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    named = os.environ.get("UV_CONFIG_FILE", "")
    for path in (Path(named), Path(config, "uv", "uv.toml"), Path("/etc/uv/uv.toml")):
        if path.is_file():
            return path
    return None


def _variables() -> dict[str, str]:
    passed = {
        key: value
        for key, value in os.environ.items()
        if key in _CERTIFICATES or key.startswith(_PASSED_ON) or key.lower() in _PROXIES
    }
    settings = {"UV_CONFIG_FILE": _UV_SETTINGS} if _user_settings() is not None else {}
    return {
        **_registry(),
        **passed,
        **settings,
        "PATH": f"{NODE_PATH}/bin:/usr/local/bin:/usr/bin:/bin",
        "UV_CACHE_DIR": _UV_CACHE,
        "UV_LINK_MODE": "copy",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "npm_config_cache": "/tmp/npm",  # noqa: S108 - inside the sandbox
    }


def _registry() -> dict[str, str]:
    """The user's own registry, where npm or a variable tells it; npm's default is as good."""
    try:
        return {"npm_config_registry": find_npm_registry()}
    except JourneymanError:
        return {}
