"""The process that starts sandboxes and commands in them; see `launcher` for its other end.

Run as a script, on the standard library alone. A fork of this small process, and a few system calls
where there would be a chain of programs (`unshare`, `mount`, `nsenter`, shells), is what makes a
sandbox start in milliseconds. Children are cloned with `CLONE_PARENT`: they are Journeyman's own, to
be waited for and to die with it. Nothing secret is in here, and while a child of it is inside a
sandbox and not yet another program, it cannot be traced.
"""

from __future__ import annotations

import ctypes
import fcntl
import marshal
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["main"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
_CLONE_PARENT = 0x8000
_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000
_PRIVATE, _RECURSIVE, _BIND = 1 << 18, 1 << 14, 1 << 12
_SET_DUMPABLE, _SET_NO_NEW_PRIVS = 4, 38
_FAILED = 125
_NO_SHELL = 126

Request = dict[str, Any]


def main() -> None:
    """Serve requests until the socket closes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _LIBC.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    _serve(socket.socket(fileno=0))


def _serve(connection: socket.socket) -> None:
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 16, 8)
        if not message:
            return
        payload, *descriptors = descriptors
        with os.fdopen(payload, "rb") as stream:
            request = marshal.load(stream)  # noqa: S302 - from our own parent
        try:
            answer: Any = _WORK[request["work"]](request, descriptors)
        except OSError as error:
            answer = str(error)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(marshal.dumps(answer))


def _clone() -> int:
    """Fork a sibling: a child of this process's parent."""
    number = _CLONE[os.uname().machine]
    flags = ctypes.c_ulong(_CLONE_PARENT | signal.SIGCHLD)
    zero = ctypes.c_ulong(0)
    return _checked(_LIBC.syscall(ctypes.c_long(number), flags, zero, zero, zero, zero), "clone")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _in_child(work: Callable[[], None], stderr: int) -> NoReturn:
    """Do what ends in another program; never return into the loop."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        work()
    except BaseException as error:
        os.write(stderr, f"{error}\n".encode(errors="replace"))
    os._exit(_FAILED)


def _join(files: list[str]) -> None:
    """Enter control groups: 0 stands for whoever writes it."""
    for file in files:
        with open(file, "wb", buffering=0) as stream:
            stream.write(b"0")


def _place(descriptors: list[int]) -> None:
    """Make the descriptors 0, 1, 2, … and close every other one."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in descriptors]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number, inheritable=True)
    os.closerange(len(high), resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = [os.fsencode(text) for text in (source, target, kind, options)]
    result = _LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])
    _checked(result, f"mount {kind or source}")


# --- a sandbox ---------------------------------------------------------------------------------


def _start(request: Request, descriptors: list[int]) -> int:
    """Start process 1 of a sandbox: descriptors become its 0, 1, 2 and 3; return its id."""
    pid = _clone()
    if pid == 0:
        _in_child(lambda: _become_sandbox(request, descriptors), descriptors[2])
    return pid


def _become_sandbox(request: Request, descriptors: list[int]) -> None:
    """Make a user namespace where overlayfs may be mounted, lay the layers, become `bwrap`."""
    os.chdir(request["folder"])
    _LIBC.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # so that the maps are ours to write
    uid, gid = os.getuid(), os.getgid()
    _checked(_LIBC.unshare(_NEW_USER | _NEW_MOUNTS), "unshare")
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {uid} 1"),
        ("gid_map", f"0 {gid} 1"),
    ):
        with open(f"/proc/self/{file}", "wb", buffering=0) as stream:
            stream.write(text.encode())
    _mount("none", "/", "", _PRIVATE | _RECURSIVE)
    _mount("tmpfs", "scratch", "tmpfs", 0, request["scratch"])
    os.umask(0)
    for name, mode in request["folders"]:
        os.mkdir(f"scratch/{name}", mode)
    os.umask(0o022)
    if request["overlay"]:
        _mount("overlay", "merged", "overlay", 0, request["overlay"])
    else:
        _mount("scratch/upper", "merged", "", _BIND)
    _place(descriptors)
    os.execvpe("bwrap", request["arguments"], request["variables"])  # noqa: S606


# --- its porter --------------------------------------------------------------------------------


def _hire(request: Request, descriptors: list[int]) -> int:
    """Start a copy of this process inside control groups; it serves on the one descriptor.

    To enter a group takes a hundred times as long as to be born in it.
    """
    pid = _clone()
    if pid == 0:
        try:
            _join(request["joins"])
            _place(descriptors)
            _serve(socket.socket(fileno=0))
        finally:
            os._exit(0)
    return pid


# --- a command in it ---------------------------------------------------------------------------


def _enter(request: Request, descriptors: list[int]) -> tuple[int, int]:
    """Start a command: descriptors become its 0, 1 and 2.

    Returns the ids of the command and of the process that entered for it, which ends at once: only
    a child of that one is in the sandbox's namespace of processes.
    """
    answer_read, answer_write = os.pipe()
    pid = _clone()
    if pid == 0:
        _in_child(lambda: _send_in(request, descriptors, answer_write), descriptors[2])
    os.close(answer_write)
    with os.fdopen(answer_read, "rb") as stream:
        command = stream.read()
    return int(command or 0), pid


def _send_in(request: Request, descriptors: list[int], answer: int) -> None:
    _join(request["joins"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _enter_namespaces(request["target"], request["namespaces"])
    _checked(_LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    pid = _clone()
    if pid:
        os.write(answer, str(pid).encode())
        os._exit(0)
    try:
        os.umask(0o022)
        _place(descriptors)
        os.chdir(request["folder"])
        for program in request["programs"]:
            if os.path.exists(program):
                os.execve(program, request["arguments"], request["variables"])  # noqa: S606
    except BaseException as error:
        os.write(2, f"{error}\n".encode(errors="replace"))
    os._exit(_NO_SHELL)


def _enter_namespaces(target: int, names: list[str]) -> None:
    """Enter a process's namespaces: the user's last where we are mightier outside, else first."""
    opened = {name: os.open(f"/proc/{target}/ns/{name}", os.O_RDONLY) for name in names}
    user = os.open(f"/proc/{target}/ns/user", os.O_RDONLY)
    refused = [name for name, descriptor in opened.items() if _LIBC.setns(descriptor, 0) < 0]
    _checked(_LIBC.setns(user, 0), "setns user")
    for name in refused:
        _checked(_LIBC.setns(opened[name], 0), f"setns {name}")


_WORK: dict[str, Callable[[Request, list[int]], Any]] = {
    "start": _start,
    "hire": _hire,
    "enter": _enter,
}


if __name__ == "__main__":
    main()
    sys.exit(0)
