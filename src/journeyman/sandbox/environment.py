"""Environments on disk, and the sandbox that a fresh copy of one needs.

`environments/<digest>/` holds `environment.json`, `repository/` and `toolchain/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox.base import (
    ENVIRONMENT_PATH,
    IndexPolicy,
    Limits,
    Mount,
    Network,
    SandboxSpec,
)
from journeyman.sandbox.own_names import own_names
from journeyman.types import Environment

__all__ = ["environment_spec", "load_environment", "with_mounts"]

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_SYSTEM_PREFIXES = ("/usr", "/bin", "/lib")


def load_environment(folder: Path) -> Environment:
    """Read `environment.json`; an absent one is `AttributedError("environment_missing")`."""
    path = folder / "environment.json"
    try:
        return Environment.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AttributedError("environment_missing", f"no {path}") from None
    except (ValidationError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise JourneymanError(f"{path} is broken: {first}", "build the environment again") from None


def environment_spec(
    environment: Environment,
    folder: Path,
    *,
    extra_layers: Sequence[Path] = (),
    limits: Limits | None = None,
    network: Network = "none",
    forks: Sequence[str] = (),
    owner: str = "",
) -> SandboxSpec:
    """Describe a sandbox that holds a fresh copy of the environment in `folder`.

    The toolchain lies at `ENVIRONMENT_PATH`, its `bin` first on the path; the interpreter that a
    virtual environment points to is mounted where the environment expects it.

    With network `index` it sees the packages of the environment's date, but neither the project under
    the names that its files declare nor `forks`. Raises `JourneymanError` where there is no date.
    """
    folder = folder.absolute()
    variables = {"PATH": f"{ENVIRONMENT_PATH}/bin:{_SYSTEM_PATH}", **environment.variables}
    return SandboxSpec(
        workspace_layers=(folder / "repository", *extra_layers),
        mounts=tuple(_mounts(folder / "toolchain", environment.prefixes)),
        variables=variables,
        network=network,
        index=_index_policy(environment, folder, forks) if network == "index" else None,
        limits=limits or Limits(),
        owner=owner,
    )


def with_mounts(spec: SandboxSpec, mounts: Sequence[Mount]) -> SandboxSpec:
    """Add mounts to a sandbox; what it has at the same target already stays as it is."""
    taken = {mount.target for mount in spec.mounts}
    more = tuple(mount for mount in mounts if mount.target not in taken)
    return spec.model_copy(update={"mounts": (*spec.mounts, *more)})


def _index_policy(environment: Environment, folder: Path, forks: Sequence[str]) -> IndexPolicy:
    try:
        before = datetime.fromisoformat(environment.created_at)
    except ValueError:
        raise JourneymanError(
            f"environment {environment.digest} has no date, so no index can be bound by it",
            "use network none, or build the environment again",
        ) from None
    if before.tzinfo is None:
        before = before.replace(tzinfo=UTC)
    denied = {*own_names(folder / "repository", environment.project), *forks}
    return IndexPolicy(before=before, denied=tuple(sorted(denied)))


def _mounts(toolchain: Path, prefixes: Sequence[str] = ()) -> Iterator[Mount]:
    for name in prefixes:
        if not Path(name).is_dir():
            raise AttributedError("environment_missing", f"no {name}, where its compiler was")
        yield Mount(source=Path(name), target=name)
    if not toolchain.is_dir():
        return
    for prefix in sorted(interpreter_prefixes(toolchain)):
        yield Mount(source=prefix, target=str(prefix))
    yield Mount(source=toolchain, target=ENVIRONMENT_PATH)


def interpreter_prefixes(toolchain: Path) -> set[Path]:
    """Return the installation folders of the interpreters that virtual environments point to."""
    found: set[Path] = set()
    for config in (*toolchain.glob("pyvenv.cfg"), *toolchain.glob("*/pyvenv.cfg")):
        for line in config.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "home":
                home = Path(value.strip())
                found |= {home.parent, home.resolve().parent}
    return {prefix for prefix in found if prefix.is_dir() and not _is_system(prefix)}


def _is_system(prefix: Path) -> bool:
    text = str(prefix)
    return text == "/" or any(
        text == base or text.startswith(f"{base}/") for base in _SYSTEM_PREFIXES
    )
