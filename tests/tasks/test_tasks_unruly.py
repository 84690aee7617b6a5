"""Bugs put into a project whose tests misbehave: each gets a reason, and none stops the run."""

import pytest

from journeyman.tasks.funnel import REASONS
from journeyman.tasks.make import MakeConfig, make_tasks
from journeyman.tasks.validate import validate_tasks

pytestmark = pytest.mark.sandbox

GATES = '''\
"""What a number lets through; a bug opens each gate."""


def may_wait(number):
    if number > 90:
        return True
    return False


def may_fork(number):
    if number > 90:
        return True
    return False


def may_kill(number):
    if number > 90:
        return True
    return False


def may_write(number):
    if number > 90:
        return True
    return False


def may_call(number):
    if number > 90:
        return True
    return False
'''
TESTS = """\
import os
import pathlib
import signal
import socket
import time

from shop.gates import may_call, may_fork, may_kill, may_wait, may_write


def test_waits():
    while may_wait(5):
        time.sleep(0.1)


def test_forks():
    while may_fork(5):
        try:
            os.fork()
        except OSError:
            time.sleep(1)


def test_kills():
    if may_kill(5):
        os.kill(-1, signal.SIGKILL)


def test_writes():
    note = pathlib.Path.home() / "note"
    assert not note.exists()
    note.write_text("x")
    assert not may_write(5)


def test_calls():
    if may_call(5):
        socket.create_connection(("192.0.2.1", 80), timeout=3)
"""
"""Each test passes as long as its gate is closed."""


async def test_each_bug_gets_a_reason_and_none_stops_the_run(make_shop):
    project, environment, root = make_shop(
        shop__gates=GATES, tests__test_gates=TESTS, tests__test_odd=""
    )
    config = MakeConfig(
        num_tasks=99,
        kinds=("negated_condition",),
        exclude=("*/prices.py", "*/stock.py"),
        screen_cpu_s=2,
    )
    made = await make_tasks(project, environment, root, config=config)
    report = made.funnel
    assert report.num_candidates == 5 == report.num_validated + sum(report.dropped.values())
    assert {reason.partition(":")[0] for reason in report.dropped} <= REASONS.keys()
    assert report.dropped["timeout"] >= 1, report
    assert "failed" not in report.dropped
    # A test that writes to its own home, or finds no network, fails as any other does.
    tests = {test.rpartition("::")[2] for it in made.taskset.tasks for test in it.FAIL_TO_PASS}
    assert {"test_writes", "test_calls"} <= tests
    assert all(result.is_valid for result in await validate_tasks(made.taskset, repeats=1))
