"""Commands that a server in the container starts, and by the engine where there is no such server."""

import asyncio
import functools

import pytest

from journeyman.sandbox import errand, keeper, opened

pytestmark = pytest.mark.docker

WAY = "readlink /proc/self/fd/1"
"""Says whether the server started it, whose pipes have names, or the engine."""


@pytest.fixture
def start(docker_base, spec):
    return functools.partial(opened, spec, backend=f"docker:{docker_base}")


async def said(sandbox, command, timeout_s=120.0, **options):
    done = await sandbox.execute(command, timeout_s=timeout_s, **options)
    return (done.stdout + done.stderr).decode().strip()


def is_served(way):
    return way.startswith(f"{errand.PLACE}/")


async def test_commands_go_in_without_the_engine_each_in_a_group_of_its_own(start):
    async with start() as sandbox:
        assert is_served(await said(sandbox, WAY))
        assert (await sandbox.execute("kill 0; sleep 60", timeout_s=120)).exit_code == 143
        assert is_served(await said(sandbox, WAY))
        assert not is_served(await said(sandbox, WAY, user="root"))


async def test_what_a_command_finds_is_what_the_engine_would_give_it(start):
    # Signals, descriptors, shell level; the mark of a command differs each time.
    script = (
        "env | grep -v JOURNEYMAN_ | sort; pwd; umask; ls /proc/self/fd | wc -l; "
        "grep -E 'Sig(Blk|Ign)|Cap|NoNewPrivs' /proc/self/status"
    )
    async with start() as sandbox:
        served = await said(sandbox, script, env={"QUOTED": 'it\'s "$HOME"\n`x`'})
        await said(sandbox, "pkill -9 -f journeyman/serve")
        assert await said(sandbox, script, env={"QUOTED": 'it\'s "$HOME"\n`x`'}) == served


async def test_many_at_once_keep_their_streams_apart(start):
    async def one(sandbox, number):
        done = await sandbox.execute(
            f"cat; echo e{number} >&2; exit {number}", timeout_s=120, stdin=b"%d" % number
        )
        return done.exit_code, done.stdout, done.stderr

    async with start() as sandbox:
        found = await asyncio.gather(*(one(sandbox, number) for number in range(30)))
    assert found == [(number, b"%d" % number, b"e%d\n" % number) for number in range(30)]


async def test_after_a_server_that_was_killed_the_engine_starts_commands(start):
    async with start() as sandbox:
        done = await sandbox.execute("kill -9 -1; sleep 0.3; echo survived; exit 4", timeout_s=120)
        assert done.stdout == b"survived\n"
        assert done.exit_code == 137  # who would have told the other was killed
        done = await sandbox.execute(f"{WAY}; exit 5", timeout_s=120)
        assert not is_served(done.stdout.decode())
        assert done.exit_code == 5


async def test_a_command_that_a_stopped_server_does_not_take_runs_once(start, monkeypatch):
    monkeypatch.setattr(errand, "_TAKEN_S", 0.5)
    async with start() as sandbox:
        await said(sandbox, "pkill -STOP -f journeyman/serve")
        assert not is_served(await said(sandbox, f"echo x >> n; {WAY}"))
        await said(sandbox, "pkill -CONT -f journeyman/serve")
        assert await said(sandbox, "sleep 1; wc -l < n") == "1"


async def test_a_command_whose_words_are_taken_away_while_it_runs_is_killed_in_time(start):
    async with start() as sandbox:
        done = await sandbox.execute("trap '' TERM; kill 0; echo begun; sleep 600", timeout_s=2)
        assert done.is_timed_out
        assert done.stdout == b"begun\n"
        assert "sleep" not in await said(sandbox, "ps -eo stat,comm | grep -v Z")


async def test_pipes_of_a_command_are_gone_when_it_has_ended(start, cache):
    async with start(name="tidy") as sandbox:
        await said(sandbox, "cat", stdin=b"x" * 100_000)
        left = sorted(path.name for path in (cache / "sandboxes/tidy/pipes").iterdir())
    assert left == ["alive", "requests", "serve"]


async def test_an_engine_that_does_not_see_our_folders_starts_commands_itself(start, monkeypatch):
    monkeypatch.setattr(keeper, "_elsewhere", {"docker"})
    async with start() as sandbox:
        assert not is_served(await said(sandbox, WAY))


async def test_process_1_may_not_be_traced_by_what_it_keeps(start):
    async with start() as sandbox:
        # The first command may come before process 1 has become what it stays.
        await said(sandbox, "until [ $(cat /proc/1/comm) = cat ]; do sleep 0.05; done")
        for what in ("cat /proc/1/environ", "head -c 9 /proc/1/mem", "ls -l /proc/1/fd"):
            found = await said(sandbox, what)
            assert "Permission denied" in found, what


async def test_commands_that_are_cancelled_while_they_start_or_run_are_ended(start):
    async with start() as sandbox:
        running = [
            asyncio.ensure_future(sandbox.execute("sleep 777", timeout_s=600)) for _ in range(4)
        ]
        for number, command in enumerate(running):
            await asyncio.sleep(0.02 * number)
            command.cancel()
        ends = await asyncio.gather(*running, return_exceptions=True)
        assert {type(it) for it in ends} == {asyncio.CancelledError}
        assert "sleep" not in await said(sandbox, "ps -eo stat,comm | grep -v Z")
