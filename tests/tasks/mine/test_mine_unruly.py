"""Pull requests whose tests misbehave: each is dropped with a reason, and none stops the run."""

import socket
import threading
from pathlib import Path

import pytest

from journeyman.tasks.mine import REASONS, MineConfig, mine_tasks
from journeyman.tasks.project import obtain_project
from journeyman.tasks.validate import validate_tasks

pytestmark = pytest.mark.sandbox

CODE = '''\
"""What a number lets through."""


def add(one, other):
    return one - other
'''
HANGS = """\
import time

from calc import may_wait


def test_waits():
    while may_wait():
        time.sleep(0.1)
"""
FORKS = """\
import os
import time

from calc import may_fork


def test_forks():
    while may_fork():
        try:
            os.fork()
        except OSError:
            time.sleep(5)
"""
WRITES = """\
import pathlib

from calc import may_write


def test_writes():
    note = pathlib.Path.home() / "journeyman-was-here"
    was_there = note.exists()
    note.write_text("x")
    assert may_write() and was_there, "no earlier run was here"
"""
CALLS = """\
import socket

from calc import may_call


def test_calls():
    assert may_call()
    for place in [("127.0.0.1", PORT), ("192.0.2.1", 80)]:
        socket.create_connection(place, timeout=2).sendall(b"x")
"""
ADDS = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"


@pytest.fixture
def listener():
    """A port of the host, and who has called there."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            while True:
                try:
                    calls.append(server.accept()[1])
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1], calls
        server.shutdown(socket.SHUT_RDWR)


def write_history(repo, port):
    files = {"calc.py": CODE, "tests/test_name.py": "def test_name():\n    pass\n"}
    repo.commit("start", {**files, "requirements.txt": ""})
    code = CODE
    for number, (what, test) in enumerate(
        [("wait", HANGS), ("fork", FORKS), ("write", WRITES), ("call", CALLS)], 2
    ):
        code += f"\n\ndef may_{what}():\n    return True\n"
        test = test.replace("PORT", str(port))
        place = f"tests/test_{what}.py"
        repo.commit(
            f"A number may {what}, which nobody could (#{number})",
            {"calc.py": code, place: test},
        )
        # Where it stays, no environment can be built on it, for the suite does not end.
        repo.commit("Nobody can run this test", {place: None})
    repo.commit(
        "Adding two numbers gives their sum, not their difference (#6)",
        {"calc.py": code.replace("one - other", "one + other"), "tests/test_add.py": ADDS},
    )
    return repo


async def test_each_change_gets_a_reason_and_none_stops_the_run(
    repo, index, listener, tmp_path, monkeypatch
):
    monkeypatch.setattr("journeyman.tasks.mine.observe.MAX_RUN_S", 20.0)
    port, calls = listener
    note = Path.home() / "journeyman-was-here"
    assert not note.exists()
    project = obtain_project(str(write_history(repo, port).path))
    mined = await mine_tasks(
        project, tmp_path / "made", config=MineConfig(repeats=1, concurrency=2)
    )
    report = mined.report
    assert report.dropped == {"root": 1, "tests_only": 4, "timeout": 2, "fails_on_fixed": 2}, report
    assert report.dropped.keys() <= REASONS.keys()
    examples = {reason: " ".join(examples) for reason, examples in report.examples.items()}
    assert "#2 " in examples["timeout"]
    assert "#3 " in examples["timeout"]
    assert "#4 " in examples["fails_on_fixed"]
    assert "#5 " in examples["fails_on_fixed"]
    (task,) = mined.taskset.tasks
    assert task.FAIL_TO_PASS == ("tests/test_add.py::test_add",)
    assert all(result.is_valid for result in await validate_tasks(mined.taskset, repeats=1))
    assert not note.exists()
    assert not calls
