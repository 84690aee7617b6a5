"""The process that starts sandboxes and commands in them; see `launcher` for its other end.

Run as a script, on the standard library alone. A fork of this small process, and a few system calls
where there would be a chain of programs (`unshare`, `bwrap`, `nsenter`, shells), is what makes a
sandbox start in milliseconds. For every sandbox it forks a porter, which makes the namespaces, lays
out the file system, starts process 1 and then lets commands in. A porter stays outside the sandbox's
namespace of processes: nothing in there can see, signal or trace it. Children are cloned with
`CLONE_PARENT`: they are Journeyman's own, to be waited for. Nothing secret is in here, and nothing
that is not yet another program can be traced.

The order of things (user namespace, private mounts, pivot, detach) follows bubblewrap's; see also
user_namespaces(7), mount_namespaces(7) and pivot_root(2).
"""

from __future__ import annotations

import ctypes
import fcntl
import marshal
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["main"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
_MOUNT_SETATTR = 442
_MACHINE = os.uname().machine
_CLONE_PARENT = 0x8000
_NEW_MOUNTS, _NEW_CGROUP, _NEW_UTS, _NEW_IPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEW_USER, _NEW_PROCESSES, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_NO_SUID, _NO_DEVICES, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 32, 1 << 12, 1 << 14, 1 << 18
_ATTRIBUTE_READ_ONLY, _ATTRIBUTE_NO_SUID, _ATTRIBUTE_NO_DEVICES = 1, 2, 4
_HERE, _AT_RECURSIVE, _DETACH = -100, 0x8000, 2
_SET_DUMPABLE, _DROP_BOUND, _SET_NO_NEW_PRIVS = 4, 24, 38
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1
_FAILED = 125
_NO_SHELL = 126

# What a process of uid 0 outside could use without any capability, were it not covered.
_COVERED = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "driver", "mtrr", "keys")

Request = dict[str, Any]
Work = Callable[[Request, list[int]], Any]


def main() -> None:
    """Serve requests until the socket closes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _LIBC.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    _serve(socket.socket(fileno=0), {"hire": _hire, "enter": _enter_from_outside})


def _serve(connection: socket.socket, works: dict[str, Work]) -> None:
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 16, 8)
        if not message:
            return
        payload, *descriptors = descriptors
        with os.fdopen(payload, "rb") as stream:
            request = marshal.load(stream)  # noqa: S302 - from our own parent
        try:
            answer: Any = works[request["work"]](request, descriptors)
        except OSError as error:
            answer = error.strerror or str(error)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(marshal.dumps(answer))


def _clone() -> int:
    """Fork a sibling: a child of this process's parent."""
    flags = ctypes.c_ulong(_CLONE_PARENT | signal.SIGCHLD)
    zero = ctypes.c_ulong(0)
    number = ctypes.c_long(_CLONE[_MACHINE])
    return _checked(_LIBC.syscall(number, flags, zero, zero, zero, zero), "clone")


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
        os.write(stderr, f"{getattr(error, 'strerror', None) or error}\n".encode(errors="replace"))
    os._exit(_FAILED)


def _place(descriptors: list[int]) -> None:
    """Make the descriptors 0, 1, 2, … and close every other one."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in descriptors]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number, inheritable=True)
    os.closerange(len(high), resource.getrlimit(resource.RLIMIT_NOFILE)[0])


# --- steps -------------------------------------------------------------------------------------


def _mount(kind: str, target: str, options: str = "", source: str = "none", flags: int = 0) -> None:
    words = [os.fsencode(text) for text in (source, target, kind, options)]
    result = _LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])
    _checked(result, f"mount {kind or source} on {target}")


def _mount_safely(kind: str, target: str, options: str) -> None:
    _mount(kind, target, options, flags=_NO_SUID | (0 if kind == "devpts" else _NO_DEVICES))


def _bind(source: str, target: str, is_writable: bool, has_devices: bool) -> None:
    _mount("", target, source=source, flags=_BIND | _RECURSIVE)
    attributes = _ATTRIBUTE_NO_SUID
    attributes |= 0 if is_writable else _ATTRIBUTE_READ_ONLY
    attributes |= 0 if has_devices else _ATTRIBUTE_NO_DEVICES
    _restrict(target, attributes, _AT_RECURSIVE)


def _restrict(path: str, attributes: int, flags: int = 0) -> None:
    """Take rights from a mount; unlike a remount this never gives any back."""
    wanted = struct.pack("QQQQ", attributes, 0, 0, 0)
    number, size = ctypes.c_long(_MOUNT_SETATTR), ctypes.c_size_t(len(wanted))
    result = _LIBC.syscall(number, _HERE, os.fsencode(path), ctypes.c_uint(flags), wanted, size)
    _checked(result, f"mount_setattr {path}")


def _resize(num_bytes: int) -> None:
    _mount("", ".", f"size={num_bytes}", flags=_REMOUNT)


def _make_folder(path: str, mode: int) -> None:
    os.mkdir(path)
    os.chmod(path, mode)


def _make_file(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o644))


def _make_target(path: str, is_folder: bool) -> None:
    """Make what a mount goes over; what is mounted already must not lead out of the sandbox."""
    root = os.path.realpath("root")
    if os.path.commonpath([root, os.path.realpath(path)]) != root:
        raise OSError(f"a mount would lie outside the sandbox: {path}")
    if os.path.exists(path):
        return
    os.makedirs(path if is_folder else os.path.dirname(path), 0o755, exist_ok=True)
    if not is_folder:
        _make_file(path)


STEPS: dict[str, Callable[..., None]] = {
    "folder": _make_folder,
    "file": _make_file,
    "target": _make_target,
    "link": os.symlink,
    "mount": _mount_safely,
    "bind": _bind,
    "resize": _resize,
    "seal": lambda path: _restrict(path, _ATTRIBUTE_READ_ONLY),
}


def _take(steps: list[tuple[Any, ...]]) -> None:
    for word, *arguments in steps:
        STEPS[word](*arguments)


# --- the porter of a sandbox -------------------------------------------------------------------


def _hire(request: Request, descriptors: list[int]) -> int:
    """Fork a porter that serves on the one descriptor; return its id."""
    pid = _clone()
    if pid == 0:
        try:
            _place(descriptors)
            _work_as_porter(request)
        finally:
            os._exit(0)
    return pid


def _work_as_porter(request: Request) -> None:
    """Do what all sandboxes have in common, then wait to hear which one it is to be."""
    failure = ""
    try:
        _join(request["joins"])
        _separate(request["is_isolated"])
        _mount("tmpfs", request["scratch"], "mode=755", flags=_NO_SUID | _NO_DEVICES)
        os.chdir(request["scratch"])
        _take(request["steps"])
    except OSError as error:
        failure = error.strerror or str(error)

    def build(order: Request, descriptors: list[int]) -> int:
        if failure:
            raise OSError(failure)
        return _build(order, descriptors)

    def listen(order: Request, descriptors: list[int]) -> bool:
        if failure or not request["is_isolated"]:
            raise OSError(failure or "the network is the host's")
        return _listen(order["port"], descriptors[0])

    works: dict[str, Work] = {"build": build, "enter": _enter, "listen": listen}
    _serve(socket.socket(fileno=0), works)


def _join(files: list[str]) -> None:
    """Enter control groups: 0 stands for whoever writes it."""
    for file in files:
        with open(file, "wb", buffering=0) as stream:
            stream.write(b"0")


def _separate(is_isolated: bool) -> None:
    """Move into fresh namespaces, as the user 1000 who owns them; processes only for children."""
    uid, gid = os.getuid(), os.getgid()
    flags = _NEW_USER | _NEW_MOUNTS | _NEW_CGROUP | _NEW_UTS | _NEW_IPC | _NEW_PROCESSES
    _LIBC.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # so that the maps are ours to write
    _checked(_LIBC.unshare(flags | (_NEW_NETWORK if is_isolated else 0)), "unshare")
    maps = (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1"))
    for file, text in maps:
        with open(f"/proc/self/{file}", "wb", buffering=0) as stream:
            stream.write(text.encode())
    _LIBC.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    _mount("", "/", flags=_PRIVATE | _RECURSIVE)
    socket.sethostname("sandbox")
    if is_isolated:
        _raise_loopback()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o022)
    _checked(_LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    capability = 0
    while _LIBC.prctl(_DROP_BOUND, capability, 0, 0, 0) == 0:
        capability += 1


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        asked = fcntl.ioctl(plug, _GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", asked)[1]
        fcntl.ioctl(plug, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def _listen(port: int, line: int) -> bool:
    """Send a socket that listens on the sandbox's own loopback along `line`, itself a socket."""
    with (
        socket.socket(fileno=os.dup(line)) as connection,
        socket.create_server(("127.0.0.1", port)) as listener,
    ):
        socket.send_fds(connection, [b"!"], [listener.fileno()])
    return True


def _build(request: Request, descriptors: list[int]) -> int:
    """Finish the file system and start process 1, which lives by the descriptor; return its id."""
    _take(request["steps"])
    root = os.path.realpath("root")
    os.chdir("/")  # the root that process 1 swaps for all of us
    answer_read, answer_write = os.pipe()
    pid = _clone()
    if pid == 0:
        _in_child(lambda: _become_keeper(root, descriptors[0], answer_write), answer_write)
    os.close(answer_write)
    for kind, ceiling in request["ceilings"]:
        resource.setrlimit(kind, (ceiling, ceiling))  # of all that it will fork
    with os.fdopen(answer_read, "rb") as stream:
        answer = stream.read()
    if answer != b"ready":
        raise OSError(answer.decode(errors="replace").strip() or "process 1 died")
    return pid


def _become_keeper(root: str, lifeline: int, answer: int) -> None:
    os.chdir(root)
    # While the host's is still in sight: the kernel lets no one see more of it than before.
    _mount("proc", "proc", flags=_NO_SUID | _NO_DEVICES | 8)
    for name in _COVERED:
        if os.path.exists(f"proc/{name}"):
            _bind(f"proc/{name}", f"proc/{name}", False, False)
    number = ctypes.c_long(_PIVOT_ROOT[_MACHINE])
    _checked(_LIBC.syscall(number, b".", b"."), "pivot_root")
    _checked(_LIBC.umount2(b".", _DETACH), "umount2")
    os.chdir("/")
    os.write(answer, b"ready")
    nothing = os.open("/dev/null", os.O_RDWR)
    _place([lifeline, nothing, nothing])
    # It ends when the pipe from Journeyman closes; as process 1 it cannot be killed from inside, and
    # with children's ends ignored the kernel buries orphans.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.execve("/bin/cat", ["keeper"], {})  # noqa: S606


# --- a command in it ---------------------------------------------------------------------------


def _enter(request: Request, descriptors: list[int]) -> tuple[int, int]:
    """Start a command: descriptors become its 0, 1 and 2; return its id, and 0."""
    pid = _clone()
    if pid == 0:
        _in_child(lambda: _become_command(request, descriptors), descriptors[2])
    return pid, 0


def _become_command(request: Request, descriptors: list[int]) -> NoReturn:
    try:
        _place(descriptors)
        os.chdir(request["folder"])
        for program in request["programs"]:
            if os.path.exists(program):
                os.execve(program, request["arguments"], request["variables"])  # noqa: S606
    except BaseException as error:
        os.write(2, f"{error}\n".encode(errors="replace"))
    os._exit(_NO_SHELL)


def _enter_from_outside(request: Request, descriptors: list[int]) -> tuple[int, int]:
    """Start a command where the porter cannot, the sandbox having used up its processes.

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
    os.umask(0o022)
    pid = _clone()
    if pid:
        os.write(answer, str(pid).encode())
        os._exit(0)
    _become_command(request, descriptors)


def _enter_namespaces(target: int, names: list[str]) -> None:
    """Enter a process's namespaces: the user's last where we are mightier outside, else first."""
    opened = {name: os.open(f"/proc/{target}/ns/{name}", os.O_RDONLY) for name in names}
    user = os.open(f"/proc/{target}/ns/user", os.O_RDONLY)
    refused = [name for name, descriptor in opened.items() if _LIBC.setns(descriptor, 0) < 0]
    _checked(_LIBC.setns(user, 0), "setns user")
    for name in refused:
        _checked(_LIBC.setns(opened[name], 0), f"setns {name}")


if __name__ == "__main__":
    main()
    sys.exit(0)
