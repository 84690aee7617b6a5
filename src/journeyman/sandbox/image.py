"""Images for the container engine: an environment's folders in layers over a base image.

A chain of images, each from a generated Dockerfile: the base with a user, then one for each folder that
the sandbox mounts read-only (interpreter, toolchain), then the workspace's bottom layer. An image is
named by the digest of all that is in it, so environments which share an interpreter share its image,
and its build log is kept. What is built is what the namespace sandbox uses, file by file (but for what
the interpreter itself has installed, which no environment sees); no index is asked for anything.
"""

from __future__ import annotations

import asyncio
import io
import os
import shlex
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from journeyman.config import cache_folder, digest
from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox.base import WORKSPACE, SandboxSpec
from journeyman.sandbox.engine import LABEL, Engine, spawn
from journeyman.sandbox.keeper import KEEPER_FILE
from journeyman.sandbox.layout import own_packages
from journeyman.sandbox.process import wait
from journeyman.sandbox.settings import AGENT_HOME

__all__ = ["DEFAULT_BASE", "dockerfile", "find_image"]

DEFAULT_BASE = "buildpack-deps:stable"
"""Has Git, a compiler and the libraries that interpreters are linked to."""

_RECIPE = 3
_BUILD_TIMEOUT_S = 1800.0
_TOOLS = ("bash", "git", "tar")
_PYTHON_CHECK = "import ctypes, hashlib, sqlite3, ssl, zlib"


@dataclass(frozen=True)
class Part:
    """A folder or file of the host and where the image has it."""

    source: Path
    target: str
    owner: str = "0:0"


_built: dict[tuple[object, ...], str] = {}
_locks: dict[str, asyncio.Lock] = {}


async def find_image(engine: Engine, base: str, spec: SandboxSpec) -> str:
    """Return the name of the image for `spec`, built where there is none.

    Raises `JourneymanError` where the base image cannot be had or cannot run the environment.
    """
    parts = list(_parts(spec))
    for part in parts:
        if not part.source.exists():
            raise AttributedError("environment_missing", f"no {part.source}")
    key = (engine.program, base, *(_identity(part) for part in parts))
    if key not in _built:
        _built[key] = await _chain(engine, base, parts)
    return _built[key]


async def _chain(engine: Engine, base: str, parts: list[Part]) -> str:
    name = digest([_RECIPE, await _base_id(engine, base)])[:24]
    image = await _build_once(engine, dockerfile(base, None), None, name)
    for part in parts:
        content = await asyncio.to_thread(_fingerprint, part)
        name = digest([name, content])[:24]
        image = await _build_once(engine, dockerfile(image, part), part, name, base)
    return image


def dockerfile(base: str, part: Part | None) -> str:
    """Return the Dockerfile of one link of the chain; the part lies in its context as `part`."""
    if part is None:
        folder = os.path.dirname(KEEPER_FILE)
        install = "apt-get update && apt-get install --yes --no-install-recommends bash git tar"
        return (
            f"FROM {base}\n"
            "RUN command -v bash git tar >/dev/null || "
            f"({install} && rm -rf /var/lib/apt/lists/*)\n"
            "RUN (grep -q '^agent:' /etc/passwd || "
            f"echo 'agent:x:1000:1000:agent:{AGENT_HOME}:/bin/bash' >>/etc/passwd) && "
            f"mkdir -p {AGENT_HOME} {WORKSPACE} && chown 1000:1000 {AGENT_HOME} {WORKSPACE}\n"
            f"RUN mkdir -p -m 0711 {folder} && cp -L /bin/cat {KEEPER_FILE} && "
            f"chmod 0711 {KEEPER_FILE}\n"
        )
    target = shlex.quote(part.target)
    folders = [str(folder) for folder in Path(part.target).parents]
    opened = " ".join(shlex.quote(path) for path in folders if path not in ("/", "/usr", "/opt"))
    lines = [f"FROM {base}", f"COPY --chown={part.owner} part {target}"]
    lines += [f"RUN chmod a+rx {opened}"] if opened else []
    return "\n".join([*lines, ""])


def _parts(spec: SandboxSpec) -> Iterator[Part]:
    for mount in spec.mounts:
        if not mount.is_writable:
            yield Part(mount.source.absolute(), mount.target)
    if spec.workspace_layers:
        yield Part(spec.workspace_layers[0].absolute(), WORKSPACE, owner="1000:1000")


def _identity(part: Part) -> tuple[object, ...]:
    """Tell a folder from others within this process; a layer is never written to."""
    stat = part.source.stat()
    return str(part.source), part.target, stat.st_ino, stat.st_mtime_ns


def _fingerprint(part: Part) -> list[object]:
    """Name a folder's content by its files' names, permissions, sizes, times and links."""
    rows: list[object] = [part.target, part.owner]
    left_out = {str(path) for path in own_packages(part.source)}
    todo = [str(part.source)]
    while todo:
        path = todo.pop()
        if path in left_out:
            continue
        stat = os.lstat(path)
        link = os.readlink(path) if os.path.islink(path) else ""
        is_folder = not link and os.path.isdir(path)
        size, time = (0, 0) if is_folder else (stat.st_size, stat.st_mtime_ns)
        rows.append([path.removeprefix(str(part.source)), stat.st_mode, size, time, link])
        if is_folder:
            todo += sorted(entry.path for entry in os.scandir(path))
    return rows


async def _base_id(engine: Engine, base: str) -> str:
    done = await engine.call("image", "inspect", "--format", "{{.Id}}", base)
    if done.exit_code:
        pulled = await engine.call("pull", "--quiet", base, timeout_s=_BUILD_TIMEOUT_S)
        if pulled.exit_code:
            raise JourneymanError(
                f"the base image {base} is not here and cannot be pulled: {pulled.complaint}",
                f"give one that is here: --sandbox {engine.program}:IMAGE ({engine.program} images)",
            )
        return await engine.ask("image", "inspect", "--format", "{{.Id}}", base)
    return done.stdout.decode().strip()


async def _build_once(
    engine: Engine, recipe: str, part: Part | None, name: str, base: str = ""
) -> str:
    """Build the image `name` unless there is one; return its full name."""
    image = f"journeyman/environment:{name}"
    async with _locks.setdefault(name, asyncio.Lock()):
        if (await engine.call("image", "inspect", image)).exit_code == 0:
            return image
        log = cache_folder("images") / f"{name}.log"
        trial = f"{image}-{os.getpid()}"
        code = await _build(engine, recipe, part, trial, log)
        if code:
            await engine.call("version")  # an engine that died meanwhile says so itself
            lines = log.read_text(errors="replace").strip().splitlines()
            raise JourneymanError(
                f"{engine.program} build failed: {lines[-1] if lines else f'exit code {code}'}",
                f"see {log}",
            )
        try:
            if part is not None:
                await _check(engine, base, trial, part)
            await engine.ask("tag", trial, image)
        finally:
            await engine.call("rmi", "--no-prune", trial)
    return image


async def _build(engine: Engine, recipe: str, part: Part | None, name: str, log: Path) -> int:
    """Build from a context that is streamed; return the exit code."""
    context_read, context_write = os.pipe()
    log.write_text(f"{recipe}\n", encoding="utf-8")
    written = os.open(log, os.O_WRONLY | os.O_APPEND)
    words = [engine.program, "build", "--label", f"{LABEL}=image", "--tag", name, "-"]
    try:
        child = spawn(words, [context_read, written, written])
    finally:
        os.close(context_read)
        os.close(written)
    await asyncio.to_thread(_send_context, context_write, recipe, part)
    if not await wait(child, _BUILD_TIMEOUT_S):
        os.kill(child.pid, 9)
    return child.wait()


def _send_context(descriptor: int, recipe: str, part: Part | None) -> None:
    try:
        with (
            os.fdopen(descriptor, "wb") as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as context,
        ):
            data = recipe.encode()
            header = tarfile.TarInfo("Dockerfile")
            header.size = len(data)
            context.addfile(header, io.BytesIO(data))
            if part is not None:
                _add(context, part)
    except BrokenPipeError:
        return  # the build has failed; its log says why


def _add(context: tarfile.TarFile, part: Part) -> None:
    left_out = {f"part/{path.relative_to(part.source)}" for path in own_packages(part.source)}

    def clean(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return None if entry.ischr() or entry.name in left_out else entry

    context.add(part.source, "part", filter=clean)


async def _check(engine: Engine, base: str, image: str, part: Part) -> None:
    """Refuse a base image on which the environment's programs do not run."""
    script = [f"command -v {tool} >/dev/null || echo 'it has no {tool}'" for tool in _TOOLS]
    if part.source.is_dir() and os.access(part.source / "bin/python3", os.X_OK):
        target = shlex.quote(f"{part.target}/bin/python3")
        script.append(f'{target} -c "{_PYTHON_CHECK}" 2>&1 | tail -n 1')
    words = ["run", "--rm", "--network", "none", "--label", f"{LABEL}=check"]
    done = await engine.call(*words, "--entrypoint", "/bin/sh", image, "-c", "; ".join(script))
    said = done.stdout.decode(errors="replace").strip() or (
        done.complaint if done.exit_code else ""
    )
    if said:
        raise JourneymanError(
            f"the environment does not run on the base image {base}: {said.splitlines()[0]}",
            f"give one with those libraries: --sandbox {engine.program}:IMAGE",
        )
