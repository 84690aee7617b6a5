"""Runs inside a sandbox: imports pytest and its plugins once, then forks for each run of the tests.

    python journeyman_warm.py PORT SETTINGS     # SETTINGS: a marshalled dict, in hexadecimal

It imports nothing of Journeyman and needs Python 3.8. It connects to 127.0.0.1:PORT and takes orders.
For each `cell` it forks a keeper, which moves into namespaces of its own (user, mounts, network, IPC,
host name) with a fresh layer over the workspace, a fresh /tmp and a fresh home, and does there what it
is told: write and read files, run a shell's script, run pytest. pytest runs in a fork of the keeper, as
`python -m pytest` would. Once the keeper is gone, whatever it left is killed.

Neither this process nor a keeper can be traced. Where anything is not as it should be, it ends: the
other side then does the same in a fresh sandbox.
"""

import marshal
import os
import runpy
import sys

# pytest's own imports come first, below: what is imported here would seem to be of its making.

NEW_MOUNTS, NEW_UTS, NEW_IPC, NEW_USER, NEW_NETWORK = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x40000000,
)  # fmt: skip
NO_SUID, NO_DEVICES, BIND = 2, 4, 4096
SET_DUMPABLE = 4
CPU_TIME = 0
PLACE = "/tmp/journeyman-cell"
PARTS = (("upper", 0o755), ("work", 0o755), ("home", 0o755), ("tmp", 0o1777), ("shm", 0o1777))
KILL = 9


def load_pytest(settings):
    """Import pytest with the plugins that it would load itself; return why not, if so."""
    if os.environ.get("PYTHONHASHSEED", "random") == "random":
        return "each process is to hash in its own way"
    sys.pycache_prefix = settings["bytecode"] or None
    os.mkdir("/tmp/journeyman-empty")
    os.chdir("/tmp/journeyman-empty")
    own, sys.path[0] = sys.path[0], os.getcwd()
    silence()
    import pytest

    code = pytest.main([*settings["options"], "--version", "--version"])
    sys.path[0] = own
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or each fork would write it
    if code:
        return "pytest ended with {}".format(code)
    if "numpy" in sys.modules:
        return "a plugin imports numpy, whose random numbers every fork would share"
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *list(getattr(module, "__path__", ()))]
        if any(str(place).startswith(settings["workspace"] + "/") for place in places if place):
            return "a plugin imports {} of the project itself".format(name)
    if len(os.listdir("/proc/self/task")) > 1:
        return "a plugin starts a thread"
    return ""


def silence():
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


class System:
    """What Python's own modules do not offer in all versions, by the C library."""

    def __init__(self):
        import ctypes

        self.c = ctypes
        self.library = ctypes.CDLL(None, use_errno=True)

    def checked(self, result, what):
        if result < 0:
            number = self.c.get_errno()
            raise OSError(number, "{}: {}".format(what, os.strerror(number)))
        return result

    def mount(self, source, target, kind, flags, options=""):
        words = [os.fsencode(word) for word in (source, target, kind, options)]
        result = self.library.mount(*words[:3], self.c.c_ulong(flags), words[3])
        self.checked(result, "mount " + target)

    def separate(self):
        flags = NEW_USER | NEW_MOUNTS | NEW_NETWORK | NEW_IPC | NEW_UTS
        uid, gid = os.getuid(), os.getgid()
        self.be_dumpable(True)  # so that the maps are ours to write
        self.checked(self.library.unshare(flags), "unshare")
        maps = (
            ("setgroups", "deny"),
            ("uid_map", "{0} {0} 1".format(uid)),
            ("gid_map", "{0} {0} 1".format(gid)),
        )
        for name, text in maps:
            with open("/proc/self/" + name, "w") as stream:
                stream.write(text)
        self.be_dumpable(False)

    def be_dumpable(self, is_dumpable):
        self.checked(self.library.prctl(SET_DUMPABLE, int(is_dumpable), 0, 0, 0), "prctl")

    def raise_loopback(self):
        plug = self.checked(self.library.socket(2, 2, 0), "socket")
        request = self.c.create_string_buffer(b"lo", 40)
        self.checked(self.library.ioctl(plug, 0x8913, request), "SIOCGIFFLAGS")
        flags = int.from_bytes(request.raw[16:18], sys.byteorder) | 1
        request[16:18] = flags.to_bytes(2, sys.byteorder)
        self.checked(self.library.ioctl(plug, 0x8914, request), "SIOCSIFFLAGS")
        os.close(plug)

    def drop_capabilities(self):
        header = (self.c.c_uint32 * 2)(0x20080522, 0)
        none = (self.c.c_uint32 * 6)()
        self.checked(self.library.capset(header, none), "capset")

    def limit_cpu(self, seconds):
        both = (self.c.c_uint64 * 2)()
        self.checked(self.library.getrlimit(CPU_TIME, both), "getrlimit")
        both[0] = seconds
        self.checked(self.library.setrlimit(CPU_TIME, both), "setrlimit")

    def connect(self, port):
        plug = self.checked(self.library.socket(2, 1, 0), "socket")
        os.set_inheritable(plug, False)
        place = (2).to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + bytes([127, 0, 0, 1])
        self.checked(self.library.connect(plug, place + bytes(8), 16), "connect")
        return plug


class Line:
    """Orders come in as a length and a marshalled dict, answers go out as a line and their bytes."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def receive(self):
        """Return the next order; None at the end."""
        length = self.read(8)
        return marshal.loads(self.read(int(length, 16))) if length else None

    def read(self, size):
        parts, left = [], size
        while left:
            part = os.read(self.descriptor, left)
            if not part:
                return b""
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def answer(self, number, *datas):
        """Answer with a number and any number of bytes."""
        sizes = [str(len(data)) for data in datas]
        data = (" ".join([str(number), *sizes]) + "\n").encode() + b"".join(datas)
        while data:
            data = data[os.write(self.descriptor, data) :]


def serve(line, system, settings):
    """Take orders for cells; return in the fork that is to run pytest, with its order."""
    system.be_dumpable(False)
    os.mkdir(PLACE)
    line.answer(0, b"")
    while True:
        order = line.receive()
        if order is None:
            os._exit(0)
        keeper = os.fork()
        if keeper == 0:
            return keep(line, system, settings)
        _, status = os.waitpid(keeper, 0)
        kill_the_rest()
        if status:
            os._exit(1)
        line.answer(0)


def kill_the_rest():
    """Kill everything in the sandbox but process 1 and this one."""
    while True:
        try:
            os.kill(-1, KILL)
        except ProcessLookupError:
            return
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            os.sched_yield()


def keep(line, system, settings):
    """Make a cell and do there what is ordered; return in the fork that is to run pytest."""
    os.setsid()
    try:
        lay_out(system, settings)
    except OSError as error:
        line.answer(1, str(error).encode())
        os._exit(1)
    line.answer(0, b"")
    works = {"write": write, "read": read, "shell": run_shell}
    while True:
        order = line.receive()
        if order is None or order["work"] == "end":
            os._exit(0)
        if order["work"] == "pytest":
            log = os.open(order["log"], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            runner = os.fork()
            if runner == 0:
                os.close(line.descriptor)
                become_runner(system, settings, order, log)
                return order
            _, status = os.waitpid(runner, 0)
            line.answer(status, log_of(log, order["max_bytes"]))
            os.close(log)
        else:
            works[order["work"]](line, order)


def lay_out(system, settings):
    workspace = settings["workspace"]
    system.separate()
    system.raise_loopback()
    size = "mode=755,size={}".format(settings["disk_bytes"])
    system.mount("none", PLACE, "tmpfs", NO_SUID | NO_DEVICES, size)
    for name, mode in PARTS:
        os.mkdir(os.path.join(PLACE, name))
        os.chmod(os.path.join(PLACE, name), mode)
    layers = "userxattr,lowerdir={0},upperdir={1}/upper,workdir={1}/work"
    options = layers.format(settings["lower"], PLACE)
    system.mount("none", workspace, "overlay", NO_SUID | NO_DEVICES, options)
    for name, target in (("shm", "/dev/shm"), ("home", settings["home"]), ("tmp", "/tmp")):
        system.mount(os.path.join(PLACE, name), target, "", BIND)
    os.chdir(workspace)
    system.drop_capabilities()


def write(line, order):
    try:
        os.makedirs(os.path.dirname(order["path"]), exist_ok=True)
        with open(order["path"], "wb") as stream:
            stream.write(order["data"])
    except OSError as error:
        line.answer(error.errno, b"")
    else:
        line.answer(0, b"")


def read(line, order):
    try:
        with open(order["path"], "rb") as stream:
            line.answer(0, stream.read())
    except OSError as error:
        line.answer(error.errno, b"")


def run_shell(line, order):
    files = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
    rest = order["stdin"]
    while rest:
        rest = rest[os.write(files[0], rest) :]
    os.lseek(files[0], 0, os.SEEK_SET)
    shell = os.fork()
    if shell == 0:
        for number, file in enumerate(files):
            os.dup2(file, number)
        words = ["bash", "-c", order["command"]]
        for program in order["programs"]:
            if os.path.exists(program):
                os.execve(program, words, os.environ)
        os._exit(126)
    _, status = os.waitpid(shell, 0)
    line.answer(status, *(log_of(file, order["max_bytes"]) for file in files[1:]))
    for file in files:
        os.close(file)


def log_of(file, max_bytes):
    """Return what a file holds; of one that is too large, its beginning and its end."""
    size = os.fstat(file).st_size
    if size <= max_bytes:
        return pread(file, size, 0)
    half = max_bytes // 2
    mark = b"\n[the middle of this log is left out]\n"
    return pread(file, half, 0) + mark + pread(file, half, size - half)


def pread(file, size, at):
    parts = []
    while size:
        part = os.pread(file, size, at)
        if not part:
            break
        parts.append(part)
        size, at = size - len(part), at + len(part)
    return b"".join(parts)


def become_runner(system, settings, order, log):
    """Be what `python -m pytest` is when it starts."""
    nothing = os.open("/dev/null", os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    os.close(nothing)
    os.close(log)
    system.be_dumpable(True)
    os.environ.update(order["variables"])
    os.environ["PWD"] = settings["workspace"]
    sys.path[0] = settings["workspace"]
    sys.path[1:1] = order["search"]
    for place in [*sys.path_importer_cache]:
        if place.startswith(settings["workspace"]):
            del sys.path_importer_cache[place]
    sys.argv[1:] = order["words"]
    if order["cpu_s"]:
        system.limit_cpu(order["cpu_s"])


def begin():
    """Load, connect and serve; return in the fork that is to run pytest, with its order."""
    settings = marshal.loads(bytes.fromhex(sys.argv[2]))
    why_not = load_pytest(settings)
    system = System()
    line = Line(system.connect(int(sys.argv[1])))
    if why_not:
        line.answer(1, why_not.encode())
        os._exit(0)
    return serve(line, system, settings)


if __name__ == "__main__":
    begin()
    # Here, so that nothing of the above is on the stack when it ends or a test forks and falls through.
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
