"""Folders that are whole or absent, whoever else makes, sweeps or dies at the same time."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from journeyman.cache import fill_once, sweep

DIES_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from journeyman.cache import fill_once

def fill(folder):
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

fill_once(Path(sys.argv[1], "place"), fill)
"""
IS_SLOW = """
import sys
from pathlib import Path
from journeyman.cache import fill_once

def fill(folder):
    (folder / "part").write_text("whole")
    print(folder.name, flush=True)
    sys.stdin.read()

fill_once(Path(sys.argv[1], "slow"), fill)
"""
FILLS_MANY = """
import sys
from pathlib import Path
from journeyman.cache import fill_once, sweep

def fill(folder):
    for number in range(5):
        (folder / str(number)).write_text("x")
        sweep(folder.parent)

for number in range(100):
    place = fill_once(Path(sys.argv[1], str(number)), fill)
    assert len(list(place.iterdir())) == 5, place
"""


def write_one(folder):
    (folder / "one").write_text("1")


def test_a_folder_is_filled_once(tmp_path):
    calls = []

    def fill(folder):
        calls.append(folder)
        write_one(folder)

    for _ in range(2):
        place = fill_once(tmp_path / "place", fill)
        assert (place / "one").read_text() == "1"
    assert len(calls) == 1
    assert os.listdir(tmp_path) == ["place"]
    assert place.stat().st_mode & 0o777 == 0o755


def test_what_fails_leaves_nothing(tmp_path):
    def fill(folder):
        write_one(folder)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fill_once(tmp_path / "place", fill)
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", DIES_HALF_WAY, str(tmp_path)], check=False)
        assert done.returncode == -signal.SIGKILL
        (left,) = os.listdir(tmp_path)
        assert left.startswith(".new-")
        assert os.listdir(tmp_path / left) == ["half"]
    fill_once(tmp_path / "other", write_one)
    assert os.listdir(tmp_path) == ["other"]


def test_what_a_living_process_fills_is_left_alone(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", IS_SLOW, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as slow:  # fmt: skip
        name = slow.stdout.readline().strip()
        (tmp_path / ".new-old").mkdir()
        assert sweep(tmp_path) == [".new-old"]
        fill_once(tmp_path / "other", write_one)
        assert sorted(os.listdir(tmp_path)) == [name, "other"]
        slow.stdin.close()
        assert slow.wait() == 0
    assert sorted(os.listdir(tmp_path)) == ["other", "slow"]
    assert (tmp_path / "slow/part").read_text() == "whole"


def test_many_that_fill_and_sweep_at_once_do_not_harm_each_other(tmp_path):
    children = [
        subprocess.Popen([sys.executable, "-c", FILLS_MANY, str(tmp_path)]) for _ in range(3)
    ]
    with ThreadPoolExecutor(4) as threads:
        places = list(
            threads.map(lambda n: fill_once(tmp_path / f"t{n % 50}", write_one), range(200))
        )
    assert [child.wait() for child in children] == [0, 0, 0]
    assert all(os.listdir(place) == ["one"] for place in places)
    assert len(os.listdir(tmp_path)) == 150


def test_links_and_files_are_not_swept(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / ".new-link").symlink_to(tmp_path / "kept")
    (tmp_path / ".new-file").write_text("")
    assert sweep(tmp_path) == []
    assert (tmp_path / "kept").is_dir()
