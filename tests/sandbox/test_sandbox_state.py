"""Who owns a state folder that was only half made."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import pytest

from journeyman.sandbox import SandboxSpec, cgroups, open_sandbox, state

DIES_IN_THE_MIDDLE = """
import json, os, signal
from journeyman.sandbox import state
json.dumps = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
state.claim("half", "someone")
"""


def test_a_claim_killed_before_it_named_its_owner_is_reaped_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", DIES_IN_THE_MIDDLE], check=False)
    assert done.returncode == -signal.SIGKILL
    left = [folder.name for folder in state.sandboxes_folder().iterdir()]
    assert [name[:5] for name in left] == [".new-"]

    assert state.reap() == left
    assert os.listdir(state.sandboxes_folder()) == []


def test_a_claim_in_the_making_by_a_living_process_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path))
    folder = state.sandboxes_folder() / f".new-{state.own_mark()}-abc"
    folder.mkdir()

    assert state.reap() == []
    assert folder.is_dir()


@pytest.mark.sandbox
@pytest.mark.skipif(not cgroups.describe(), reason="no control groups may be written here")
def test_groups_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path))
    script = (
        "import os; from journeyman.sandbox import cgroups, state; "
        "name = state.own_mark() + '-9'; cgroups.create(name); print(name, end='')"
    )
    dead = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    mine = f"{state.own_mark()}-999"
    cgroups.create(mine)
    try:
        assert {dead.stdout, mine} <= cgroups.names()
        assert state.reap() == []
        assert dead.stdout not in cgroups.names()
        assert mine in cgroups.names()
    finally:
        cgroups.remove(mine)


@pytest.mark.sandbox
@pytest.mark.parametrize("num_steps", [1, 2, 3])
async def test_a_close_that_is_cancelled_leaves_nothing_behind(num_steps):
    sandbox = await open_sandbox(SandboxSpec(), name=f"cancelled-{num_steps}")
    closing = asyncio.create_task(sandbox.close())
    for _ in range(num_steps):
        await asyncio.sleep(0)
    closing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await closing
    assert not (state.sandboxes_folder() / f"cancelled-{num_steps}").exists()


@pytest.mark.sandbox
async def test_what_a_living_process_forgot_to_close_is_removed_at_the_second_look():
    spec = SandboxSpec(owner="forgetful")
    works, forgotten = [await open_sandbox(spec, name=f"forgetful.{it}") for it in (1, 2)]
    other = await open_sandbox(SandboxSpec(owner="other"), name="other.1")
    keep = {works.name}
    try:
        removed, suspects = state.reap_own("forgetful", keep, ())
        assert (removed, suspects) == ([], {forgotten.name})
        removed, suspects = state.reap_own("forgetful", keep, suspects)
        assert (removed, suspects) == ([forgotten.name], set())
        assert not (state.sandboxes_folder() / forgotten.name).exists()
        for sandbox in (works, other):
            assert (await sandbox.execute("echo on", timeout_s=120)).stdout == b"on\n"
    finally:
        for sandbox in (works, forgotten, other):
            await sandbox.close()
    assert state.reap_own("forgetful", (), ()) == ([], set())
