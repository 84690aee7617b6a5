"""Installing a project's toolchain: a virtual environment made inside a build sandbox.

The project's build code runs in that sandbox and nowhere else. Packages come from the index that
the user's `uv` is set up with, none newer than the project's commit where that resolves.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from journeyman.config import cache_folder
from journeyman.errors import JourneymanError
from journeyman.interpreter import Interpreter, find_uv
from journeyman.sandbox import ENVIRONMENT_PATH, Limits, Mount, Sandbox, SandboxSpec, opened
from journeyman.tasks.environment.registries import (
    REGISTRY_CACHE,
    registry_mounts,
    registry_variables,
)
from journeyman.tasks.environment.requirements import Requirements
from journeyman.tasks.sdist import IndexUnreachableError, find_sdist
from journeyman.types import Data

__all__ = [
    "HARVEST",
    "NODE_MODULES",
    "Installed",
    "Workshop",
    "install",
    "install_more",
    "install_node_packages",
    "is_index_reachable",
    "list_packages",
    "open_workshop",
]

NODE_MODULES = f"{ENVIRONMENT_PATH}/node_modules"
"""Where a Python project's Node packages are installed."""
_UV = "/opt/uv"
_UV_CACHE = "/opt/uv-cache"
_UV_SETTINGS = "/opt/uv.toml"
_BYPRODUCTS = "/opt/byproducts"
_PYTHON = f"{ENVIRONMENT_PATH}/bin/python"
_TIMEOUT_S = 600.0

# How long after the commit a package may have been published; the last rung has no bound.
_MARGINS = (timedelta(days=1), timedelta(days=180), timedelta(days=1095), None)

_PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")
_TRUE = ("1", "on", "t", "true", "y", "yes")
_PASSED_ON_PREFIXES = (
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX",
    "UV_HTTP",
    "UV_INDEX",
    "UV_INSECURE",
    "UV_NATIVE",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

# How uv says that it got no connection at all, or was told not to try.
_OFFLINE_SIGNS = (
    "client error (Connect)",
    "dns error",
    "tcp connect error",
    "Network connectivity is disabled",
    "network was disabled",
    "Network is unreachable",
)
_LOCKED = "/tmp/locked.txt"  # noqa: S108 - a path inside the sandbox
_TAIL_CHARACTERS = 8000

HARVEST = f"""\
cd /testbed && find . -newer /tmp/.started -type f \
  -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -not -path './build/*' -not -name '*.pyc' \
  -print0 | tar --create --null --files-from=- | tar --extract --directory {_BYPRODUCTS}"""


class Installed(Data):
    """How the installation that worked was made."""

    way: Literal["editable", "path", "bare"]
    """As a package; as a folder on the path beside its dependencies; or that with nothing beside."""
    newest: str
    """ISO 8601 bound on the packages' dates; empty where there was none."""
    has_test_requirements: bool
    is_locked: bool = False
    """Whether the versions are those of the project's own lock file."""
    is_offline: bool = False
    """Whether the index could not be reached, or was not to be: the cache alone was installed from."""


class Workshop(Data):
    """Where one environment is being put together, and what for."""

    folder: Path
    """Holds `repository/`, `toolchain/`, `byproducts/` and `build.log`."""
    interpreter: Interpreter
    created_at: str
    version: str
    """What the project's version is taken to be where it would ask Git."""
    has_node_packages: bool = False
    """Whether the packages of the project's `package.json` are installed as well."""


@asynccontextmanager
async def open_workshop(workshop: Workshop, backend: str) -> AsyncIterator[Sandbox]:
    """Open a build sandbox with the network and a writable toolchain folder."""
    for name in ("toolchain", "byproducts"):
        (workshop.folder / name).mkdir(exist_ok=True)
    limits = Limits(memory_bytes=8 << 30, disk_bytes=8 << 30, num_processes=2048)
    spec = SandboxSpec(
        workspace_layers=(workshop.folder / "repository",),
        mounts=tuple(_mounts(workshop)),
        variables=_variables(workshop),
        network="open",
        limits=limits,
        owner="build",
    )
    async with opened(spec, backend=backend) as sandbox:
        yield sandbox


async def install(sandbox: Sandbox, workshop: Workshop, requirements: Requirements) -> Installed:
    """Make the virtual environment; each way that fails is logged and the next one tried."""
    await _run(sandbox, workshop, "touch /tmp/.started && sleep 0.01")
    base = shlex.quote(str(workshop.interpreter.executable))
    if not await _run(
        sandbox, workshop, f"cd / && {_UV} venv --clear --python {base} {ENVIRONMENT_PATH}"
    ):
        raise _failed(workshop, "making a virtual environment failed")
    is_offline = _is_told_offline()
    for attempt in _attempts(workshop.created_at, has_lock=bool(requirements.locked)):
        prefix = "export UV_OFFLINE=1; " if is_offline else ""
        if await _run(sandbox, workshop, prefix + _install_command(attempt, requirements)):
            await _run(sandbox, workshop, HARVEST)
            return attempt.model_copy(update={"is_offline": is_offline})
        is_offline = is_offline or _is_index_unreachable(workshop)
    if not is_offline:
        raise _failed(workshop, "installing the project and its test requirements failed")
    return await _install_bare(sandbox, workshop, requirements)


async def _install_bare(
    sandbox: Sandbox, workshop: Workshop, requirements: Requirements
) -> Installed:
    """Put the project on the path and nothing beside it: all that is left without an index."""
    if requirements.dependencies or not await _run(sandbox, workshop, _put_on_path()):
        raise IndexUnreachableError(
            "the package index cannot be reached, and what the project needs is not in the cache",
            "try again with a network, or use --project bundled",
        )
    await _run(sandbox, workshop, HARVEST)
    return Installed(way="bare", newest="", has_test_requirements=False, is_offline=True)


async def install_more(
    sandbox: Sandbox, workshop: Workshop, installed: Installed, requirements: list[str]
) -> bool:
    """Install further requirements into the environment, under the same bound on dates."""
    listed = " ".join(shlex.quote(text) for text in requirements)
    return await _run(sandbox, workshop, f"{_pip(installed.newest)} {listed}")


async def install_node_packages(sandbox: Sandbox, workshop: Workshop) -> None:
    """Install what the project's `package.json` and its lock name beside the Python packages."""
    copied = f"cp /testbed/package.json /testbed/package-lock.json {ENVIRONMENT_PATH}/"
    npm = "npm ci --no-audit --no-fund --loglevel=error"
    if not await _run(sandbox, workshop, f"{copied} && cd {ENVIRONMENT_PATH} && {npm}"):
        raise _failed(workshop, "installing the Node packages failed")


def is_index_reachable() -> bool:
    """Tell whether the user's index answers now, by asking it for what every environment needs."""
    try:
        find_sdist("pytest")
    except IndexUnreachableError:
        return False
    except JourneymanError:
        return True
    return True


async def list_packages(sandbox: Sandbox) -> tuple[str, ...]:
    """List what is installed beside the project, `name==version`, sorted."""
    command = (
        f"cd / && {_UV} pip list --quiet --python {_PYTHON} --format freeze --exclude-editable"
    )
    done = await sandbox.execute(command, timeout_s=60)
    return tuple(sorted(done.stdout.decode().split()))


def _attempts(created_at: str, *, has_lock: bool) -> Iterator[Installed]:
    moment = datetime.fromisoformat(created_at)
    bounds = [
        (moment + margin).strftime("%Y-%m-%dT%H:%M:%SZ") if margin else "" for margin in _MARGINS
    ]
    if has_lock:
        yield Installed(way="editable", newest="", has_test_requirements=True, is_locked=True)
    for newest in bounds:
        for is_full in (True, False):
            yield Installed(way="editable", newest=newest, has_test_requirements=is_full)
    for newest in (bounds[0], ""):
        yield Installed(way="path", newest=newest, has_test_requirements=True)


def _install_command(attempt: Installed, requirements: Requirements) -> str:
    wanted = list(requirements.wanted) if attempt.has_test_requirements else ["pytest"]
    if attempt.way == "editable":
        extras = ",".join(requirements.extras) if attempt.has_test_requirements else ""
        target = f"/testbed[{extras}]" if extras else "/testbed"
        words = ["--editable", target, *wanted]
        if attempt.is_locked:
            listed = shlex.join(requirements.locked)
            keep = f"printf '%s\\n' {listed} > {_LOCKED}"
            return f"{keep} && {_pip('')} --constraint {_LOCKED} {shlex.join(words)}"
        return f"{_pip(attempt.newest)} {shlex.join(words)}"
    listed = shlex.join([*requirements.dependencies, *wanted])
    return f"{_pip(attempt.newest)} {listed} && {_put_on_path()}"


def _put_on_path() -> str:
    lines = r"/testbed/src\n/testbed\n"
    place = f"$({_PYTHON} -c 'import site; print(site.getsitepackages()[0])')"
    return f'printf "{lines}" > "{place}/testbed.pth"'


def _pip(newest: str) -> str:
    bound = f" --exclude-newer {newest}" if newest else ""
    return f"cd / && {_UV} pip install --python {_PYTHON} --compile-bytecode{bound}"


async def _run(sandbox: Sandbox, workshop: Workshop, command: str) -> bool:
    """Run one step of the build and append what it said to the log."""
    done = await sandbox.execute(command, timeout_s=_TIMEOUT_S)
    outcome = "timed out" if done.is_timed_out else f"exit {done.exit_code}"
    with (workshop.folder / "build.log").open("ab") as log:
        log.write(f"$ {command}\n".encode() + done.stdout + done.stderr)
        log.write(f"[{outcome} after {done.duration_s:.1f} s]\n\n".encode())
    return done.exit_code == 0 and not done.is_timed_out


def _is_told_offline() -> bool:
    """Tell whether the user's `uv` is told not to use the network."""
    return os.environ.get("UV_OFFLINE", "").lower() in _TRUE


def _is_index_unreachable(workshop: Workshop) -> bool:
    """Tell from the end of the log whether the last step met a missing network."""
    tail = (workshop.folder / "build.log").read_text(errors="replace")[-_TAIL_CHARACTERS:]
    return any(sign in tail.rpartition("\n$ ")[2] for sign in _OFFLINE_SIGNS)


def _failed(workshop: Workshop, what: str) -> JourneymanError:
    lines = (workshop.folder / "build.log").read_text(errors="replace").splitlines()
    causes = [
        line.strip()
        for line in lines
        if line.lower().lstrip().startswith(("error", "\u00d7 ", "cause", "npm err"))
    ]
    return JourneymanError(
        f"{what}: {causes[-1] if causes else 'see the log'}",
        "see {log}",
    )


def _mounts(workshop: Workshop) -> Iterator[Mount]:
    prefix = workshop.interpreter.prefix
    if not prefix.is_relative_to("/usr") and prefix != Path("/"):
        yield Mount(source=prefix, target=str(prefix))
    folder = workshop.folder
    yield Mount(source=folder / "toolchain", target=ENVIRONMENT_PATH, is_writable=True)
    yield Mount(source=folder / "byproducts", target=_BYPRODUCTS, is_writable=True)
    yield Mount(source=find_uv(), target=_UV)
    yield Mount(source=cache_folder("uv"), target=_UV_CACHE, is_writable=True)
    settings = _user_settings()
    if settings:
        yield Mount(source=settings, target=_UV_SETTINGS)
    if workshop.has_node_packages:
        yield from registry_mounts()
    for name in _PASSED_ON:
        path = os.environ.get(name, "")
        is_seen = path.startswith(("/usr/", "/etc/ssl/"))
        if path and not is_seen and Path(path).exists():
            yield Mount(source=Path(path), target=path)


def _user_settings() -> Path | None:
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    named = os.environ.get("UV_CONFIG_FILE", "")
    for path in (Path(named), Path(config, "uv", "uv.toml"), Path("/etc/uv/uv.toml")):
        if path.is_file():
            return path
    return None


def _variables(workshop: Workshop) -> dict[str, str]:
    passed = {
        key: value
        for key, value in os.environ.items()
        if key in _PASSED_ON or key.startswith(_PASSED_ON_PREFIXES) or key.lower() in _PROXIES
    }
    settings = {"UV_CONFIG_FILE": _UV_SETTINGS} if _user_settings() else {}
    told = {"UV_OFFLINE": "1"} if _is_told_offline() else {}
    npm: dict[str, str] = {}
    if workshop.has_node_packages:
        npm = {**registry_variables(), "npm_config_cache": f"{REGISTRY_CACHE}/npm"}
    return {
        **passed,
        **npm,
        **settings,
        **told,
        "PATH": f"{ENVIRONMENT_PATH}/bin:/usr/local/bin:/usr/bin:/bin",
        "UV_CACHE_DIR": _UV_CACHE,
        "UV_LINK_MODE": "copy",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        # Without a .git folder, tools that take the version from Git are told it.
        "SETUPTOOLS_SCM_PRETEND_VERSION": workshop.version,
        "PBR_VERSION": workshop.version,
        "POETRY_DYNAMIC_VERSIONING_BYPASS": workshop.version,
    }
