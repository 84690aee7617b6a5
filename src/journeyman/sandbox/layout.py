"""How a namespace sandbox's file system is put together: steps that the zygote takes one by one.

Paths without a leading slash lie in the sandbox's scratch space; `root` there becomes its `/`. A step
is a tuple of a word of `zygote.STEPS` and its arguments. Nothing here runs anything.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from journeyman.sandbox.base import WORKSPACE, Mount, SandboxSpec
from journeyman.sandbox.settings import AGENT_HOME, system_settings

__all__ = ["Step", "first_steps", "last_steps", "own_packages"]

Step = tuple[Any, ...]

_SCRATCH = {
    "empty": 0o755,
    "upper": 0o755,
    "work": 0o755,
    "home": 0o755,
    "tmp": 0o1777,
    "shm": 0o1777,
}
_INSTALLED = (
    "/usr/lib/python3/dist-packages",
    "/usr/lib/python3.*/site-packages",
    "/usr/local/lib/python3.*/dist-packages",
    "/usr/local/lib/python3.*/site-packages",
)
_PARTS = ("", "/usr", "/etc", "/proc", "/tmp", "/home", AGENT_HOME, WORKSPACE)  # noqa: S108
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


def first_steps() -> list[Step]:
    """What is the same in every sandbox, so that it can be done ahead."""
    return [*_skeleton(), *_system(), *_devices()]


def last_steps(spec: SandboxSpec) -> list[Step]:
    """What makes it the sandbox of `spec`."""
    # Scratch lies in memory: full, it must leave the sandbox enough to run `rm` in.
    size = min(spec.limits.disk_bytes, spec.limits.memory_bytes * 3 // 4)
    return [("resize", size), *_content(spec), ("seal", "root")]


def _skeleton() -> Iterator[Step]:
    for name, mode in _SCRATCH.items():
        yield "folder", name, mode
    yield "folder", "root", 0o755
    yield "bind", "root", "root", True, False
    for path in _PARTS[1:]:
        yield "folder", f"root{path}", 0o755
    for name, path in (("tmp", "/tmp"), ("home", AGENT_HOME)):  # noqa: S108
        yield "bind", name, f"root{path}", True, False


def _system() -> Iterator[Step]:
    """The host's programs and libraries, read-only."""
    yield "bind", "/usr", "root/usr", False, False
    for path in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            yield "link", os.readlink(path), f"root{path}"
        elif os.path.isdir(path):
            yield "folder", f"root{path}", 0o755
            yield "bind", path, f"root{path}", False, False

    for pattern in _INSTALLED:
        for folder in glob.glob(pattern):
            yield from _emptied(folder)


def _emptied(path: str) -> Iterator[Step]:
    """Hide what an interpreter itself has installed, for the task's own project may be among it."""
    yield "bind", "empty", f"root{path}", False, False


def _devices() -> Iterator[Step]:
    for path in ("", "/shm", "/pts"):
        yield "folder", f"root/dev{path}", 0o755
    for name in _DEVICES:
        yield "file", f"root/dev/{name}"
        yield "bind", f"/dev/{name}", f"root/dev/{name}", True, True
    for name, goal in _DEVICE_LINKS.items():
        yield "link", goal, f"root/dev/{name}"
    yield "mount", "devpts", "root/dev/pts", "newinstance,ptmxmode=0666,mode=620"
    yield "bind", "shm", "root/dev/shm", True, False


def _content(spec: SandboxSpec) -> Iterator[Step]:
    yield "bind", str(system_settings()), "root/etc", False, False
    if spec.network == "open":
        resolver = os.path.realpath("/etc/resolv.conf")
        if os.path.exists(resolver):
            yield "bind", resolver, "root/etc/resolv.conf", False, False
    for mount in spec.mounts:
        yield from _mounted(mount)
    if not spec.workspace_layers:
        yield "bind", "upper", f"root{WORKSPACE}", True, False
        return
    # Named by short relative links, so that any path and number of layers fits into the options.
    for index, layer in enumerate(spec.workspace_layers):
        yield "link", str(layer.absolute()), f"l{index}"
    lower = ":".join(f"l{index}" for index in reversed(range(len(spec.workspace_layers))))
    options = f"userxattr,lowerdir={lower},upperdir=upper,workdir=work"
    yield "mount", "overlay", f"root{WORKSPACE}", options


def _mounted(mount: Mount) -> Iterator[Step]:
    target = f"root{os.path.normpath('/' + mount.target.lstrip('/'))}"
    yield "target", target, mount.source.is_dir()
    yield "bind", str(mount.source.absolute()), target, mount.is_writable, False
    for folder in own_packages(mount.source):
        yield from _emptied(f"{target.removeprefix('root')}/{folder.relative_to(mount.source)}")


def own_packages(prefix: Path) -> list[Path]:
    """Return where the interpreter at `prefix`, if one is, has packages that no environment sees."""
    if not (prefix / "bin/python3").exists() or (prefix / "pyvenv.cfg").exists():
        return []
    return sorted(prefix.glob("lib/python3.*/site-packages"))
