"""Runs that are killed, interrupted and resumed, in a process of their own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from journeyman.flow import RolloutConfig, planned
from journeyman.flow.config import Concurrency, RetryBudgets
from journeyman.runs import Ledger
from journeyman.sandbox import reap

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("no_sandbox_left")]

DRIVER = """
import asyncio, sys
from pathlib import Path
from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig, run_rollouts
from journeyman.runs import RunFolder

config, root = RolloutConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2])
try:
    with RunFolder.create(
        root, "rollout", "tiny", config=config, argv=sys.argv, name="run", resume=root.exists()
    ) as run:
        asyncio.run(run_rollouts(config, run))
except JourneymanError as error:
    sys.stderr.write(error.message)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def script(tmp_path):
    """Write a model that takes its time over its second turn."""

    def write(seconds):
        path = tmp_path / "slow.json"
        commands = ["true", f"sleep {seconds}"]
        calls = [{"name": "bash", "arguments": {"command": command}} for command in commands]
        turns = [{"tool_calls": [call]} for call in (*calls, {"name": "submit"})]
        path.write_text(json.dumps(turns))
        return f"scripted:{path}"

    return write


def settings(taskset, *models):
    return RolloutConfig(
        taskset=taskset.folder,
        models=models,
        concurrency=Concurrency(rollouts=3, evaluations=2),
        retries=RetryBudgets(backoff_s=0.01),
    )


class Driven:
    """A driver in a process of its own."""

    def __init__(self, config, root):
        self.folder = root / "run"
        command = [sys.executable, "-c", DRIVER, config.model_dump_json(), str(root)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def read(self, stream):
        path = self.folder / f"{stream}.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def events(self, kind):
        return [event for event in self.read("events") if event["kind"] == kind]

    def wait_for(self, condition):
        deadline = time.monotonic() + 300
        while not condition():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def end(self, number):
        """Send a signal and return the exit status and what was said."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self):
        _, said = self.process.communicate(timeout=300)
        return self.process.returncode, said


@pytest.fixture
def started():
    """Start drivers, none of which outlives the test."""
    drivers = []

    def start(config, root):
        drivers.append(Driven(config, root))
        return drivers[-1]

    yield start
    for driver in drivers:
        with contextlib.suppress(ProcessLookupError):
            driver.process.kill()
        driver.process.communicate(timeout=300)


async def planned_ids(config):
    async with planned(config) as plan:
        return sorted(seat.rollout_id for seat in plan.seats)


def ids(driver):
    return sorted(line["rollout_id"] for line in driver.read("rollouts"))


async def test_killed_twice_and_resumed_nothing_is_lost_and_nothing_done_twice(
    tmp_path, taskset, script, started, cache
):
    config = settings(taskset, "oracle", script(0.2))
    undisturbed = started(config, tmp_path / "undisturbed")
    assert undisturbed.finish() == (0, "")
    assert ids(undisturbed) == await planned_ids(config)

    root = tmp_path / "killed"
    for num_finished in (3, 7):
        driver = started(config, root)
        driver.wait_for(lambda driver=driver, n=num_finished: len(driver.read("rollouts")) >= n)
        driver.wait_for(lambda: os.listdir(cache / "sandboxes"))
        assert driver.end(signal.SIGKILL)[0] == -signal.SIGKILL
        with (driver.folder / "rollouts.jsonl").open("a") as file:
            file.write('{"rollout_id": "torn')
    last = started(config, root)
    assert last.finish() == (0, "")
    assert ids(last) == ids(undisturbed)
    assert len(last.events("rollout_finished")) <= 12
    solved = {it["rollout_id"] for it in last.read("rollouts") if it["verdict"]["is_resolved"]}
    assert solved == {name for name in ids(last) if ".oracle." in name}

    ledger = Ledger(last.folder / "ledger.sqlite")
    for rollout_id in ids(last):
        outcomes = [(it.outcome, it.cause) for it in ledger.attempts(rollout_id, "rollout")]
        assert outcomes[-1] == ("succeeded", "")
        assert set(outcomes[:-1]) <= {("failed", "interrupted")}
    assert ledger.open_sandboxes() == []
    ledger.close()


async def test_what_a_killed_run_left_is_gone_once_it_is_resumed(
    tmp_path, taskset, script, started, cache
):
    config = settings(taskset, script(30))
    driver = started(config, tmp_path / "runs")
    driver.wait_for(lambda: len(driver.events("turn_taken")) >= 3)
    driver.end(signal.SIGKILL)
    left = set(os.listdir(cache / "sandboxes"))
    assert len(left) == 3
    assert reap(owner="another run") == []
    again = started(config, tmp_path / "runs")
    again.wait_for(lambda: len(again.events("run_started")) == 2)
    assert {event["name"] for event in again.events("sandbox_reaped")} == left
    assert not left & set(os.listdir(cache / "sandboxes"))
    again.process.send_signal(signal.SIGTERM)
    assert again.finish()[0] == 130


async def test_the_first_interrupt_drains_and_the_run_can_be_resumed(
    tmp_path, taskset, script, started
):
    config = settings(taskset, script(0.5))
    driver = started(config, tmp_path / "runs")
    driver.wait_for(lambda: len(driver.events("turn_taken")) >= 2)
    code, said = driver.end(signal.SIGINT)
    assert code == 130
    assert "interrupted: " in said
    kinds = [event["kind"] for event in driver.read("events")]
    assert "stage_started" not in kinds[kinds.index("draining") :]
    assert kinds.count("stage_started") == kinds.count("stage_finished")
    status = json.loads((driver.folder / "status.json").read_text())
    assert (status["state"], status["num_running"]) == ("interrupted", 0)
    assert len(ids(driver)) < 6
    assert "finished so far" in (driver.folder / "report.md").read_text()
    resumed = started(config, tmp_path / "runs")
    assert resumed.finish() == (0, "")
    assert ids(resumed) == await planned_ids(config)
    assert "stage_failed" not in {event["kind"] for event in resumed.read("events")}


async def test_the_second_interrupt_stops(tmp_path, taskset, script, started):
    config = settings(taskset, script(60))
    driver = started(config, tmp_path / "runs")
    driver.wait_for(lambda: len(driver.events("turn_taken")) >= 3)
    driver.process.send_signal(signal.SIGINT)
    driver.wait_for(lambda: driver.events("draining"))
    assert driver.end(signal.SIGINT)[0] == 130
    assert len(driver.events("turn_taken")) < 6 * 60  # no conversation was waited for
    ledger = Ledger(driver.folder / "ledger.sqlite")
    assert ledger.leased() == []
    assert len(ledger.owed()) == 6
    ledger.close()
