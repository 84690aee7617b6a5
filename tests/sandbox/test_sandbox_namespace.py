import asyncio
import random

import pytest

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import open_sandbox, opened

pytestmark = pytest.mark.sandbox


async def output(sandbox, command, **options):
    done = await sandbox.execute(command, timeout_s=120, **options)
    return (done.stdout + done.stderr).decode().strip()


async def test_the_host_is_invisible_and_the_system_read_only(spec, tmp_path):
    async with opened(spec) as sandbox:
        assert await output(sandbox, f"ls {tmp_path} /root /sys /etc/shadow 2>/dev/null") == ""
        done = await sandbox.execute(
            "touch /usr/x || touch /etc/x || touch /x || echo 1 > /proc/sys/kernel/panic",
            timeout_s=120,
        )
        assert done.exit_code != 0
        assert done.stderr.count(b"Read-only file system") == 4


async def test_process_1_gives_away_neither_secrets_nor_host_files(spec, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "very secret")
    async with opened(spec) as sandbox:
        seen = await output(sandbox, "cat /proc/*/environ; ls -l /proc/*/fd /proc/self/fd")
    assert "SECRET" not in seen
    assert "start.log" not in seen


async def test_unknown_backends_and_networks_are_user_errors(spec):
    with pytest.raises(JourneymanError, match="unknown sandbox backend"):
        await open_sandbox(spec, backend="chroot")
    with pytest.raises(JourneymanError, match="proxy"):
        await open_sandbox(spec.model_copy(update={"network": "index"}))


@pytest.mark.parametrize("seed", range(8))
async def test_commands_that_are_cancelled_while_they_start_leave_nothing(
    spec, seed, host_processes
):
    dice = random.Random(seed)
    mark = f"4{seed}{random.Random().randrange(10**6)}"
    async with opened(spec) as sandbox:
        running = [
            asyncio.ensure_future(sandbox.execute(f"sleep {mark}", timeout_s=600)) for _ in range(6)
        ]
        await asyncio.sleep(dice.random() * 0.02)
        for command in running:
            command.cancel()
        ends = await asyncio.gather(*running, return_exceptions=True)
        assert {type(it) for it in ends} == {asyncio.CancelledError}
        assert not host_processes(f"sleep {mark}")
        assert await output(sandbox, "echo here") == "here"


@pytest.mark.parametrize("seed", range(8))
async def test_a_sandbox_that_is_closed_while_commands_start_is_gone(spec, seed, host_processes):
    dice = random.Random(seed)
    mark = f"5{seed}{random.Random().randrange(10**6)}"
    async with opened(spec) as sandbox:
        running = [
            asyncio.ensure_future(sandbox.execute(f"sleep {mark}", timeout_s=600)) for _ in range(6)
        ]
        await asyncio.sleep(dice.random() * 0.02)
    ends = await asyncio.gather(*running, return_exceptions=True)
    assert {type(it) for it in ends} == {AttributedError}
    assert not host_processes(f"sleep {mark}")
