"""How a namespace sandbox is put together: the script that mounts its layers and starts `bwrap`.

The script runs in a user namespace of its own, where overlayfs may be mounted without privileges
(bubblewrap has no overlays before 0.11), and then becomes `bwrap`, which builds everything else.
Nothing here runs anything.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from journeyman.sandbox.base import WORKSPACE, SandboxSpec

__all__ = ["AGENT_HOME", "launch_script"]

AGENT_HOME = "/home/agent"
_AGENT_ID = "1000"

# What programs need of /etc to run; never the host's accounts, keys or secrets.
_ETC = [
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "fonts",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "perl",
    "pki",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "services",
    "ssl",
    "terminfo",
    "timezone",
]

# Runs as process 1: it reaps orphans, cannot be killed from inside, and ends when the pipe from
# Journeyman closes. It drops the log, which lies on the host, before any command can reach it.
_KEEPER = (
    "trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE TSTP; exec 2> /dev/null; echo ready; "
    "exec > /dev/null; while read -r _; do :; done"
)


def launch_script(spec: SandboxSpec, folder: Path, joins: list[str], info_fd: int) -> str:
    """Return the shell script that starts the sandbox whose state folder is `folder`."""
    inner = "\n".join(
        [
            "set -e",
            f"cd {shlex.quote(str(folder))}",
            f"mount -t tmpfs -o size={spec.limits.disk_bytes},mode=755 tmpfs scratch",
            "mkdir scratch/upper scratch/work scratch/tmp scratch/home scratch/shm",
            "chmod 1777 scratch/tmp scratch/shm",
            _workspace_mount(spec),
            "exec " + shlex.join(["bwrap", *_arguments(spec, folder, info_fd)]),
        ]
    )
    outer = [f"echo $$ > {shlex.quote(file)}" for file in joins]
    namespace = "unshare --user --map-root-user --mount --propagation private"
    outer.append(f"exec {namespace} /bin/sh -c {shlex.quote(inner)}")
    return "\n".join(outer)


def _workspace_mount(spec: SandboxSpec) -> str:
    """Overlay the layers, named by short relative links so that any path and number fits."""
    if not spec.workspace_layers:
        return "mount --bind scratch/upper merged"
    lower = ":".join(f"l{index}" for index in reversed(range(len(spec.workspace_layers))))
    options = f"userxattr,lowerdir={lower},upperdir=scratch/upper,workdir=scratch/work"
    return f"mount -t overlay -o {options} overlay merged"


def _arguments(spec: SandboxSpec, folder: Path, info_fd: int) -> Iterator[str]:
    yield from (["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"])
    yield from (["--unshare-cgroup-try", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"])
    yield from ("--uid", _AGENT_ID, "--gid", _AGENT_ID, "--hostname", "sandbox")
    yield from ("--info-fd", str(info_fd))
    if spec.network != "open":
        yield "--unshare-net"
    yield from _system(folder)
    if spec.network == "open":
        yield from ("--ro-bind-try", os.path.realpath("/etc/resolv.conf"), "/etc/resolv.conf")
    yield from ("--bind", "scratch/tmp", "/tmp", "--bind", "scratch/home", AGENT_HOME)  # noqa: S108
    for mount in spec.mounts:
        kind = "--bind" if mount.is_writable else "--ro-bind"
        yield from (kind, str(mount.source), mount.target)
    yield from ("--bind", "merged", WORKSPACE, "--remount-ro", "/", "--chdir", "/")
    shell = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"
    yield from (shell, "-c", _KEEPER)


def _system(folder: Path) -> Iterator[str]:
    """The host's programs and libraries read-only, and devices and processes of its own."""
    yield from ("--ro-bind", "/usr", "/usr")
    for path in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)
    for name in _ETC:
        if os.path.exists(f"/etc/{name}"):
            yield from ("--ro-bind", f"/etc/{name}", f"/etc/{name}")
    for name in ("passwd", "group", "hosts"):
        yield from ("--ro-bind", str(folder / "etc" / name), f"/etc/{name}")
    yield from ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev")
    yield from ("--bind", "scratch/shm", "/dev/shm", "--remount-ro", "/dev")  # noqa: S108
