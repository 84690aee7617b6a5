"""What a process inside can and cannot do, with every rule switched off."""

import os
import signal
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.sandbox import Limits, Mount, SandboxSpec, blank, cgroups, open_sandbox, opened

pytestmark = pytest.mark.sandbox


async def said(sandbox, command, **options):
    done = await sandbox.execute(command, timeout_s=120, **options)
    return (done.stdout + done.stderr).decode()


def end(porter):
    pid = porter._child.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def test_no_capability_and_no_way_to_gain_one(spec):
    async with opened(spec) as sandbox:
        status = await said(sandbox, "cat /proc/self/status")
    values = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(values[name], 16) == 0, name
    assert values["NoNewPrivs"] == "1"


async def test_every_mount_refuses_set_user_id_and_only_the_scratch_ones_may_be_written(spec):
    async with opened(spec) as sandbox:
        table = await said(sandbox, "cat /proc/self/mountinfo")
    mounts = {fields[4]: fields[5].split(",") for fields in map(str.split, table.splitlines())}
    assert all("nosuid" in options for options in mounts.values())
    writable = {path for path, options in mounts.items() if options[0] == "rw"}
    devices = {path for path in writable if path.startswith("/dev/")}
    assert writable - devices == {"/testbed", "/tmp", "/home/agent", "/proc"}
    assert devices == {
        f"/dev/{name}"
        for name in ("null", "zero", "full", "random", "urandom", "tty", "pts", "shm")
    }


@pytest.mark.parametrize(
    "attempt",
    [
        "mount -o remount,rw /usr",
        "mount -o remount,bind,rw /usr",
        "umount /usr",
        "umount -l /proc/sys",
        "mount -t proc proc /mnt",
        "mount --make-shared / && umount -l /etc",
    ],
)
async def test_a_user_namespace_of_its_own_undoes_no_cover(spec, attempt):
    check = "touch /usr/x 2>/dev/null || (echo 1 > /proc/sys/kernel/panic) 2>/dev/null"
    command = f"unshare --user --map-root-user --mount sh -c '{attempt}; {check}'"
    async with opened(spec) as sandbox:
        done = await sandbox.execute(command, timeout_s=120)
    assert done.exit_code != 0
    assert not Path("/usr/x").exists()


async def test_only_processes_of_the_sandbox_are_seen(spec):
    async with opened(spec) as first, opened(spec) as second:
        await second.execute("sleep 61 & :", timeout_s=120)
        seen = await said(first, "ps -eo pid,comm --no-headers")
        assert [line.split()[1] for line in seen.splitlines()] == ["cat", "ps"]
        assert "python" not in await said(first, "cat /proc/*/cmdline | tr '\\0' ' '")


async def test_orphans_are_buried(spec):
    async with opened(spec) as sandbox:
        await sandbox.execute("for i in 1 2 3; do (true & exec true) & done; wait", timeout_s=120)
        assert "Z" not in await said(sandbox, "sleep 0.2; ps -eo stat --no-headers")


async def test_a_terminal_can_be_made(spec):
    script = "import pty, os; a, b = pty.openpty(); print(os.ttyname(b))"
    async with opened(spec) as sandbox:
        assert await said(sandbox, f"python3 -c '{script}'") == "/dev/pts/0\n"


async def test_a_mount_through_a_link_that_leads_out_is_refused(spec, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link").symlink_to(outside)
    mounts = (
        Mount(source=inner, target="/mnt/a"),
        Mount(source=inner, target="/mnt/a/link/made"),
    )
    with pytest.raises(JourneymanError, match="outside the sandbox"):
        await open_sandbox(spec.model_copy(update={"mounts": mounts}))
    assert list(outside.iterdir()) == []


async def test_a_single_file_may_be_mounted(spec, tmp_path):
    (tmp_path / "note").write_text("hello")
    mounts = (Mount(source=tmp_path / "note", target="/mnt/deep/note"),)
    async with opened(spec.model_copy(update={"mounts": mounts})) as sandbox:
        assert await said(sandbox, "cat /mnt/deep/note; echo x > /mnt/deep/note") != "hello"
    assert (tmp_path / "note").read_text() == "hello"


async def test_the_scratch_space_is_bounded(layer):
    spec = SandboxSpec(workspace_layers=(layer,), limits=Limits(disk_bytes=8 << 20))
    async with opened(spec) as sandbox:
        seen = await said(sandbox, "head -c 20000000 /dev/zero > big; stat -c %s big >&2")
        assert "No space left" in seen
        assert int(seen.split()[-1]) <= 8 << 20
        assert "No space left" in await said(sandbox, "echo more > /tmp/more; true")


async def test_the_host_network_only_where_it_is_asked_for(spec):
    command = "readlink /proc/self/ns/net; cat /etc/resolv.conf"
    async with opened(spec.model_copy(update={"network": "open"})) as sandbox:
        seen = await said(sandbox, command)
    assert seen.splitlines()[0] == os.readlink("/proc/self/ns/net")
    async with opened(spec) as sandbox:
        seen = await said(sandbox, command)
    assert seen.splitlines() != []
    assert seen.splitlines()[0] != os.readlink("/proc/self/ns/net")


async def test_commands_still_get_in_when_the_porter_is_gone(spec):
    async with opened(spec) as sandbox:
        end(sandbox._porter)
        assert await said(sandbox, "id -u; cat a.txt") == "1000\nfrom the layer\n"
        assert "CapEff:\t0000000000000000" in await said(sandbox, "cat /proc/self/status")
        assert len((await said(sandbox, "ps -e --no-headers")).splitlines()) == 2


@pytest.mark.skipif(not cgroups.describe(), reason="no control groups may be written here")
async def test_a_fork_bomb_ends_with_its_sandbox(layer):
    spec = SandboxSpec(workspace_layers=(layer,), limits=Limits(num_processes=40))
    async with opened(spec, name="bombed") as sandbox:
        done = await sandbox.execute("f() { f | f & }; f; sleep 1; echo alive", timeout_s=5)
        assert done.exit_code != 0 or b"fork" in done.stderr or done.stdout == b"alive\n"
        group = sandbox.group
        # Whoever looks from outside still gets in, though no process can be made inside.
        assert (await sandbox.execute("echo in", timeout_s=120)).stdout in (b"in\n", b"")
    assert group not in cgroups.names()


@pytest.mark.skipif(not cgroups.describe(), reason="no control groups may be written here")
async def test_memory_is_bounded(layer):
    spec = SandboxSpec(workspace_layers=(layer,), limits=Limits(memory_bytes=64 << 20))
    async with opened(spec) as sandbox:
        done = await sandbox.execute("python3 -c 'x = bytearray(300_000_000)'", timeout_s=120)
        assert done.exit_code == 137
        assert await said(sandbox, "echo fine") == "fine\n"


async def test_what_is_kept_ready_is_used_and_leaves_nothing(spec):
    blank.make_ready()
    ready = blank.take_blank(is_isolated=True)
    blank._ready.append(ready)
    async with opened(spec) as sandbox:
        assert sandbox.group == ready.group
        assert await said(sandbox, "cat a.txt") == "from the layer\n"
    assert ready.group not in cgroups.names()
    assert not ready.porter.is_alive


async def test_a_ready_one_that_died_or_serves_another_network_is_not_used(spec):
    blank.make_ready()
    end(blank._ready[0].porter)
    async with opened(spec) as sandbox:
        assert await said(sandbox, "cat a.txt") == "from the layer\n"
    blank.make_ready()
    ready = blank._ready[0]
    async with opened(spec.model_copy(update={"network": "open"})) as sandbox:
        assert sandbox.group != ready.group


async def test_without_control_groups_resource_limits_bound_memory(layer, monkeypatch):
    monkeypatch.setattr(cgroups, "_parents", dict)
    blank.discard_ready()
    spec = SandboxSpec(
        workspace_layers=(layer,), limits=Limits(memory_bytes=64 << 20, num_processes=40)
    )
    async with opened(spec) as sandbox:
        seen = await said(sandbox, "ulimit -u; python3 -c 'x = bytearray(300_000_000)'")
        assert seen.startswith("40\n")
        assert "MemoryError" in seen
        assert await said(sandbox, "echo fine") == "fine\n"
    blank.discard_ready()
