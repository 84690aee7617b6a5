"""What every backend promises; the same tests run in each."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from journeyman.errors import AttributedError
from journeyman.sandbox import Limits, Mount, SandboxSpec, open_sandbox, reap


async def output(sandbox, command, **options):
    done = await sandbox.execute(command, timeout_s=120, **options)
    return (done.stdout + done.stderr).decode().strip()


async def test_a_command_runs_in_the_workspace_as_an_ordinary_user(start, spec):
    async with start(spec) as sandbox:
        assert await output(sandbox, "pwd; id -u; cat a.txt; echo $HOME") == (
            "/testbed\n1000\nfrom the layer\n/home/agent"
        )


async def test_stdin_environment_streams_and_exit_code(start, spec):
    async with start(spec) as sandbox:
        done = await sandbox.execute(
            "cat; echo $WORD >&2; exit 7", timeout_s=120, stdin=b"in\0", env={"WORD": "out"}
        )
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"in\0", b"out\n")


async def test_a_killed_command_reports_its_signal(start, spec):
    async with start(spec) as sandbox:
        assert (await sandbox.execute("kill -SEGV $$", timeout_s=120)).exit_code == 139


async def test_root_inside_is_uid_0(start, spec):
    async with start(spec) as sandbox:
        assert await output(sandbox, "id -u", user="root") == "0"


async def test_writes_stay_in_the_sandbox(start, spec, layer):
    async with start(spec) as sandbox:
        await sandbox.execute("echo changed > a.txt; echo new > b.txt", timeout_s=120)
        assert await sandbox.read("a.txt") == b"changed\n"
    assert (layer / "a.txt").read_text() == "from the layer\n"
    assert not (layer / "b.txt").exists()


async def test_later_layers_lie_over_earlier_ones(start, spec, tmp_path):
    upper = tmp_path / "up,per:1"
    upper.mkdir()
    (upper / "a.txt").write_text("from above\n")
    async with start(SandboxSpec(workspace_layers=(*spec.workspace_layers, upper))) as sandbox:
        assert await sandbox.read("/testbed/a.txt") == b"from above\n"


async def test_read_and_write_round_trip_with_parents(start, spec):
    data = os.urandom(300_000)
    async with start(spec) as sandbox:
        await sandbox.write("deep/er/file name", data)
        await sandbox.write("/tmp/empty", b"")
        assert await sandbox.read("deep/er/file name") == data
        assert await sandbox.read("/tmp/empty") == b""


async def test_reading_what_is_no_file_fails_as_open_does(start, spec):
    async with start(spec) as sandbox:
        with pytest.raises(FileNotFoundError):
            await sandbox.read("missing")
        with pytest.raises(IsADirectoryError):
            await sandbox.read("/testbed")
        with pytest.raises(IsADirectoryError):
            await sandbox.write("/testbed", b"")
        with pytest.raises(OSError, match="refused"):
            await sandbox.read("/dev/zero")


async def test_links_lead_nowhere_out_of_the_sandbox(start, spec, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("host secret")
    async with start(spec) as sandbox:
        await sandbox.execute(f"ln -s {secret} link; ln -s {tmp_path} folder", timeout_s=120)
        with pytest.raises(FileNotFoundError):
            await sandbox.read("link")
        with pytest.raises(OSError, match="cannot use"):
            await sandbox.write("folder/secret", b"overwritten")
    assert secret.read_text() == "host secret"


async def test_there_is_no_network_but_loopback(start, spec):
    script = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); "
        "socket.create_connection(s.getsockname()); print(len(socket.if_nameindex()))"
    )
    async with start(spec) as sandbox:
        assert await output(sandbox, f'python3 -c "{script}"') == "1"
        done = await sandbox.execute("echo > /dev/tcp/192.0.2.1/80", timeout_s=120)
        assert b"unreachable" in done.stderr


async def test_a_time_out_is_a_result_and_kills_the_tree(start, spec):
    async with start(spec) as sandbox:
        done = await sandbox.execute("echo begun; setsid sleep 777 & sleep 778", timeout_s=3)
        assert done.is_timed_out
        assert done.exit_code == 137
        assert done.stdout == b"begun\n"
        assert "sleep" not in await output(sandbox, "ps -eo stat,comm | grep -v Z")


async def test_a_background_process_lives_on_without_holding_the_command(start, spec):
    async with start(spec) as sandbox:
        done = await sandbox.execute("sleep 600 & echo started", timeout_s=120)
        assert done.stdout == b"started\n"
        assert not done.is_timed_out
        assert "sleep" in await output(sandbox, "ps -eo comm")


async def test_a_flood_keeps_its_head_and_tail(start, layer):
    spec = SandboxSpec(workspace_layers=(layer,), limits=Limits(output_bytes=10_000))
    async with start(spec) as sandbox:
        done = await sandbox.execute(
            "echo first; head -c 300000000 /dev/zero; echo last", timeout_s=60
        )
    assert done.is_truncated
    assert done.stdout.startswith(b"first\n")
    assert done.stdout.endswith(b"last\n")
    assert b"bytes left out" in done.stdout
    assert len(done.stdout) < 11_000


async def test_close_ends_everything_and_leaves_nothing(backend, spec, cache, host_processes):
    sandbox = await open_sandbox(spec, name="tidy", backend=backend)
    mark = f"31{os.getpid()}"
    await sandbox.execute(f"setsid sleep {mark} & mkdir d; touch d/f; chmod 000 d", timeout_s=120)
    assert host_processes(f"sleep {mark}")
    await sandbox.close()
    await sandbox.close()
    assert list((cache / "sandboxes").iterdir()) == []
    assert not host_processes(f"sleep {mark}")
    with pytest.raises(AttributedError, match="sandbox_died"):
        await sandbox.execute("true", timeout_s=5)


async def test_a_name_is_held_once(backend, start, spec):
    async with start(spec, name="only"):
        with pytest.raises(AttributedError, match="sandbox_unavailable"):
            await open_sandbox(spec, name="only", backend=backend)
    async with start(spec, name="only") as sandbox:
        assert await output(sandbox, "echo again") == "again"


async def test_mounts_and_variables(start, spec, tmp_path):
    (tmp_path / "shared").mkdir()
    mounts = (
        Mount(source=tmp_path / "shared", target="/mnt/w", is_writable=True),
        Mount(source=tmp_path / "shared", target="/mnt/r"),
    )
    spec = spec.model_copy(update={"mounts": mounts, "variables": {"COLOUR": "blue"}})
    async with start(spec) as sandbox:
        await sandbox.execute("echo $COLOUR > /mnt/w/f; echo x > /mnt/r/f", timeout_s=120)
    assert (tmp_path / "shared/f").read_text() == "blue\n"


async def test_a_missing_layer_is_an_environment_failure(backend, tmp_path, cache):
    missing = SandboxSpec(workspace_layers=(tmp_path / "none",))
    with pytest.raises(AttributedError, match="environment_missing"):
        await open_sandbox(missing, backend=backend)
    assert list((cache / "sandboxes").glob("*")) == []


def test_a_killed_owner_leaves_no_process_and_reap_removes_the_rest(
    backend, layer, cache, host_processes
):
    mark = f"32{os.getpid()}"
    script = f"""
import asyncio, pathlib
from journeyman.sandbox import SandboxSpec, open_sandbox
async def main():
    spec = SandboxSpec(workspace_layers=(pathlib.Path({str(layer)!r}),), owner="run-1")
    sandbox = await open_sandbox(spec, name="orphan", backend={backend!r})
    await sandbox.execute("setsid sleep {mark} &", timeout_s=120)
    print("open", flush=True)
    await sandbox.execute("sleep {mark}", timeout_s=600)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as owner:
        assert owner.stdout.readline() == b"open\n"
        assert reap() == []
        owner.kill()
    for _ in range(6000):
        if not host_processes(f"sleep {mark}"):
            break
        time.sleep(0.01)
    assert not host_processes(f"sleep {mark}")
    assert reap(owner="another") == []
    assert reap(keep=["orphan"]) == []
    assert reap(owner="run-1") == ["orphan"]
    assert list((cache / "sandboxes").iterdir()) == []


async def test_a_server_outside_is_reached_inside_and_nowhere_else(start, spec):
    async def greet(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async with start(spec) as sandbox:
        listener = await sandbox.listen()
        host, port = listener.getsockname()
        server = await asyncio.start_server(greet, sock=listener)
        ask = f"exec 3<>/dev/tcp/{host}/{port} && echo hello >&3 && cat <&3"
        assert host == "127.0.0.1"
        assert await output(sandbox, ask) == "hello"
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)
        server.close()
        await server.wait_closed()
        assert "refused" in await output(sandbox, ask)
