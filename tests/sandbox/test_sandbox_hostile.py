"""A hostile agent in every backend, with no rule to stop it but the sandbox itself."""

import asyncio
import contextlib
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from journeyman.errors import AttributedError
from journeyman.sandbox import Limits, Mount, SandboxSpec

SECRET = "the fix is on line 42"


async def said(sandbox, command, timeout_s=120):
    done = await sandbox.execute(command, timeout_s=timeout_s)
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.fixture
def secret(tmp_path):
    """A file of the host that everyone on it may read."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    for folder in (path, *list(path.parents)[:3]):
        folder.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "way",
    [
        "cat {path}",
        "cat /proc/1/root{path} /proc/*/root{path}",
        "cat /proc/*/cwd/secret; cat /proc/self/fd/*/secret",
        "ln -s {path} l && cat l; cd / && cat ../../..{path}",
        "mkdir -p /tmp/m && mount --bind / /tmp/m && cat /tmp/m{path}",
        "unshare -rm sh -c 'mount --bind / /mnt; mount -t proc p /proc; cat /mnt{path}'",
        "for d in $(ls /dev); do dd if=/dev/$d of=/tmp/d bs=512 count=1 2>&1; done; "
        "mknod /tmp/disk b 8 0; mknod /tmp/disk2 b 253 0; cat /tmp/disk /tmp/disk2",
        "nsenter -t 1 -a cat {path}; chroot /proc/1/root cat {path}",
        "ls /var/run/docker.sock /run/docker.sock && curl --unix-socket /run/docker.sock http://x/",
        "python3 -c \"import os; fd = os.open('.', 0); os.chroot('/tmp'); os.fchdir(fd); "
        "[os.chdir('..') for _ in range(64)]; os.chroot('.'); print(open('{path}').read())\"",
    ],
)
async def test_no_way_leads_to_the_files_of_the_host(start, spec, secret, way):
    async with start(spec) as sandbox:
        assert SECRET not in await said(sandbox, way.format(path=secret))


async def test_no_switch_of_the_kernel_may_be_touched(start, spec):
    switches = (
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/sys/vm/drop_caches",
        "/sys/kernel/uevent_helper",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/cgroup.procs",
        "/dev/mem",
        "/dev/kmsg",
    )
    loop = f"for path in {' '.join(switches)}; do [ -e $path ] || continue; "
    loop += "(echo 1 > $path) 2>/dev/null && echo TOUCHED $path; done; echo end"
    async with start(spec) as sandbox:
        for user in ("agent", "root"):
            done = await sandbox.execute(loop, timeout_s=120, user=user)
            assert done.stdout == b"end\n", user


async def test_nothing_of_the_network_is_reached(start, spec):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"\0journeyman-{os.getpid()}")
        local.listen()
        script = f"""
import socket
def attempt(family, kind, address):
    try:
        s = socket.socket(family, kind); s.settimeout(3); s.connect(address)
        s.send(b"x"); s.recv(1) if kind == socket.SOCK_STREAM else 0
        print("REACHED", address)
    except OSError as error:
        print(error)
attempt(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", {server.getsockname()[1]}))
attempt(socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80))
attempt(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 53))
attempt(socket.AF_INET6, socket.SOCK_DGRAM, ("2001:db8::1", 53))
attempt(socket.AF_UNIX, socket.SOCK_STREAM, "\\0journeyman-{os.getpid()}")
try:
    print("REACHED", socket.getaddrinfo("example.org", 80))
except OSError as error:
    print(error)
"""
        async with start(spec) as sandbox:
            await sandbox.write("/tmp/attempt.py", script.encode())
            text = await said(sandbox, "python3 /tmp/attempt.py", 30)
    assert "REACHED" not in text
    assert len(text.splitlines()) == 6


async def test_what_the_interpreter_has_installed_is_not_to_be_read(start, layer, tmp_path):
    prefix = tmp_path / "python"
    packages = prefix / "lib/python3.11/site-packages"
    (packages / "project").mkdir(parents=True)
    (packages / "project/code.py").write_text(f"# {SECRET}")
    (prefix / "bin").mkdir()
    (prefix / "bin/python3").symlink_to(shutil.which("python3", path="/usr/bin:/bin"))
    mounts = (Mount(source=prefix, target="/opt/python"),)
    async with start(SandboxSpec(workspace_layers=(layer,), mounts=mounts)) as sandbox:
        assert SECRET not in await said(sandbox, "grep -r 'line 42' /opt /usr/lib/python3*")
        assert await said(sandbox, "/opt/python/bin/python3 -c 'print(6 * 7)'") == "42\n"
        assert await said(sandbox, "ls /usr/lib/python3/dist-packages 2>/dev/null") == ""


async def test_another_sandbox_is_neither_seen_nor_touched(start, spec):
    async with start(spec) as victim, start(spec) as attacker:
        await victim.execute("echo private > /tmp/v; echo private > v; sleep 300 &", timeout_s=120)
        text = await said(
            attacker,
            "cat /tmp/v /testbed/v ~/v /dev/shm/v; grep -rs private /tmp /testbed /home; "
            "pgrep sleep; pkill -9 -u 1000 sleep; kill -9 -1",
        )
        assert "private" not in text
        assert (await victim.read("/tmp/v")) == b"private\n"
        assert "sleep" in await said(victim, "ps -eo comm")


async def test_a_fork_bomb_ends_with_its_sandbox(start, layer, host_processes):
    spec = SandboxSpec(workspace_layers=(layer,), limits=Limits(num_processes=60))
    mark = f"41{os.getpid()}"
    async with start(spec) as sandbox:
        bomb = f"b() {{ sleep {mark} & b | b & }}; b; sleep 600"
        done = await sandbox.execute(bomb, timeout_s=4)
        assert done.is_timed_out or done.exit_code
        assert len(host_processes(f"sleep {mark}")) <= 60
    assert await gone(host_processes, f"sleep {mark}")


async def test_children_that_will_not_die_end_with_their_sandbox(start, spec, host_processes):
    mark = f"42{os.getpid()}"
    async with start(spec) as sandbox:
        command = (
            "trap '' HUP INT QUIT TERM; "
            f"(env -i setsid nohup /bin/sleep {mark} >/dev/null 2>&1 &) ; "
            f"(setsid sh -c 'trap \"\" TERM HUP INT; (sleep {mark} & exec sleep {mark})' &) ; true"
        )
        await sandbox.execute(command, timeout_s=120)
        assert len(host_processes(f"sleep {mark}")) + len(host_processes(f"/bin/sleep {mark}")) in (
            2,
            3,
        )
    assert await gone(host_processes, f"sleep {mark}")
    assert await gone(host_processes, f"/bin/sleep {mark}")


async def gone(host_processes, words):
    for _ in range(3000):
        if not host_processes(words):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_memory_that_is_filled_is_the_sandbox_s_own(start, layer):
    spec = SandboxSpec(workspace_layers=(layer,), limits=Limits(memory_bytes=128 << 20))
    async with start(spec) as sandbox:
        done = await sandbox.execute(
            "python3 -c 'x = [bytearray(1 << 20) for _ in range(1000)]'", timeout_s=60
        )
        assert done.exit_code == 137 or b"MemoryError" in done.stderr
        done = await sandbox.execute("head -c 400000000 /dev/zero > /dev/shm/x", timeout_s=120)
        assert done.exit_code != 0
        assert "fine" in await said(sandbox, "rm -f /dev/shm/x; echo fine")


async def test_a_disk_that_is_filled_is_bounded_and_freed(start, layer, cache):
    spec = SandboxSpec(workspace_layers=(layer,), limits=Limits(disk_bytes=50 << 20))
    before = shutil.disk_usage(cache.parent).free
    with contextlib.suppress(AttributedError):
        async with start(spec) as sandbox:
            filler = "while head -c 20000000 /dev/zero >> filler; do sleep 0.5; done; sleep 30"
            began = time.monotonic()
            done = await sandbox.execute(filler, timeout_s=25)
            assert b"No space left" in done.stderr or time.monotonic() - began >= 25
            await sandbox.execute("head -c 1000000000 /dev/zero > /tmp/f", timeout_s=25)
    assert before - shutil.disk_usage(cache.parent).free < 300 << 20
    assert list((cache / "sandboxes").iterdir()) == []


async def test_the_keeper_of_a_sandbox_cannot_be_ended_from_inside(start, spec):
    async with start(spec) as sandbox:
        for user in ("agent", "root"):
            await sandbox.execute("kill -9 1; kill -STOP 1; kill -TERM 1", timeout_s=120, user=user)
        assert await said(sandbox, "echo here") == "here\n"


def test_the_host_is_as_it_was():
    """Runs last in this file: what hostile commands tried to change is unchanged."""
    assert Path("/proc/sys/kernel/core_pattern").read_text().strip() != "1"
    assert os.stat("/dev/null").st_rdev == os.makedev(1, 3)
