"""How a namespace sandbox is put together: what the zygote mounts before it becomes `bwrap`.

That happens in a user namespace of its own, where overlayfs may be mounted without privileges
(bubblewrap has no overlays before 0.11); `bwrap` builds everything else. Nothing here runs anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from journeyman.sandbox.base import WORKSPACE, SandboxSpec
from journeyman.sandbox.settings import AGENT_HOME, system_settings

__all__ = ["launch_request"]

_AGENT_ID = "1000"

# Runs as process 1: it reaps orphans, cannot be killed from inside, and ends when the pipe from
# Journeyman closes. It drops the log, which lies on the host, before any command can reach it.
_KEEPER = (
    "trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE TSTP; exec 2> /dev/null; echo ready; "
    "exec > /dev/null; while read -r _; do :; done"
)


def launch_request(spec: SandboxSpec, folder: Path) -> dict[str, Any]:
    """Describe to the zygote how to start the sandbox whose state folder is `folder`."""
    return {
        "folder": str(folder),
        "scratch": f"size={spec.limits.disk_bytes},mode=755",
        "folders": [
            ("upper", 0o755),
            ("work", 0o755),
            ("home", 0o755),
            ("tmp", 0o1777),
            ("shm", 0o1777),
        ],
        "overlay": _overlay(spec),
        "arguments": ["bwrap", *_arguments(spec)],
        "variables": {"PATH": os.environ.get("PATH", os.defpath)},
    }


def _overlay(spec: SandboxSpec) -> str:
    """Overlay the layers, named by short relative links so that any path and number fits."""
    if not spec.workspace_layers:
        return ""
    lower = ":".join(f"l{index}" for index in reversed(range(len(spec.workspace_layers))))
    return f"userxattr,lowerdir={lower},upperdir=scratch/upper,workdir=scratch/work"


def _arguments(spec: SandboxSpec) -> Iterator[str]:
    yield from (["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"])
    yield from (["--unshare-cgroup-try", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"])
    yield from ("--uid", _AGENT_ID, "--gid", _AGENT_ID, "--hostname", "sandbox")
    yield from ("--info-fd", "3")
    if spec.network != "open":
        yield "--unshare-net"
    yield from _system()
    if spec.network == "open":
        yield from ("--ro-bind-try", os.path.realpath("/etc/resolv.conf"), "/etc/resolv.conf")
    yield from ("--bind", "scratch/tmp", "/tmp", "--bind", "scratch/home", AGENT_HOME)  # noqa: S108
    for mount in spec.mounts:
        kind = "--bind" if mount.is_writable else "--ro-bind"
        yield from (kind, str(mount.source), mount.target)
    yield from ("--bind", "merged", WORKSPACE, "--remount-ro", "/", "--chdir", "/")
    yield from ("/bin/sh", "-c", _KEEPER)


def _system() -> Iterator[str]:
    """The host's programs and libraries read-only, and devices and processes of its own."""
    yield from ("--ro-bind", "/usr", "/usr")
    for path in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)
    yield from ("--ro-bind", str(system_settings()), "/etc")
    yield from ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev")
    yield from ("--bind", "scratch/shm", "/dev/shm", "--remount-ro", "/dev")  # noqa: S108
