"""Who owns a state folder that was only half made."""

import os
import signal
import subprocess
import sys

from journeyman.sandbox import state

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
    process = state.process_identity(os.getpid())
    folder = state.sandboxes_folder() / f"{state._fresh_prefix(process)}abc"
    folder.mkdir()

    assert state.reap() == []
    assert folder.is_dir()
