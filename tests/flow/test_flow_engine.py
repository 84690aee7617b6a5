"""A container engine that dies in the middle of a run: what failed is tried again, with its cause.

The engine is real; its client reaches it through a relay of the test's, which ends and comes back.
"""

import asyncio
import contextlib
import json
import shutil
import subprocess

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow import GradeConfig, grade_predictions
from journeyman.flow.config import Concurrency, RetryBudgets
from journeyman.flow.events import RolloutFinished, StageFailed
from journeyman.runs import RunFolder

SOCKET = "/var/run/docker.sock"
BASE = "journeyman-test-base"


def _has_engine():
    if shutil.which("docker") is None:
        return False
    found = subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False)
    return found.returncode == 0


class Relay:
    """What listens in the engine's place and passes everything on."""

    def __init__(self, path):
        self.path = str(path)
        self.server = None
        self.writers = set()

    async def start(self):
        self.server = await asyncio.start_unix_server(self.serve, self.path)

    async def stop(self):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await self.server.wait_closed()

    async def serve(self, reader, writer):
        there_reader, there_writer = await asyncio.open_unix_connection(SOCKET)
        self.writers |= {writer, there_writer}
        await asyncio.gather(pass_on(reader, there_writer), pass_on(there_reader, writer))


async def pass_on(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def write_predictions(path, taskset):
    rows = [
        {"instance_id": it.instance_id, "model_name_or_path": "gold", "model_patch": it.patch}
        for it in taskset.tasks[:4]
    ]
    path.write_text(json.dumps(rows))
    return path


@pytest.mark.docker
@pytest.mark.skipif(not _has_engine(), reason="no engine, or no base image")
async def test_an_engine_that_dies_and_returns_costs_retries_and_no_verdict(
    tmp_path, taskset, monkeypatch
):
    relay = Relay(tmp_path / "engine.sock")
    await relay.start()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{relay.path}")
    config = GradeConfig(
        taskset=taskset.folder,
        predictions=write_predictions(tmp_path / "p.json", taskset),
        sandbox=f"docker:{BASE}",
        concurrency=Concurrency(evaluations=1),
        retries=RetryBudgets(infrastructure=8, backoff_s=1.0),
    )
    events, outages = [], []

    async def outage():
        await relay.stop()
        await asyncio.sleep(4)
        await relay.start()

    def on_event(event):
        events.append(event)
        if isinstance(event, RolloutFinished) and not outages:
            outages.append(asyncio.ensure_future(outage()))

    with RunFolder.create(tmp_path, "grade", "tiny", config=config, argv=["t"]) as run:
        rollouts = await grade_predictions(config, run, on_event=on_event)
    await outages[0]
    failed = [it.failure.cause for it in events if isinstance(it, StageFailed)]
    assert failed
    assert set(failed) <= {"sandbox_unavailable", "sandbox_died"}
    assert [it.verdict.is_resolved for it in rollouts] == [True] * 4
    await relay.stop()


async def test_a_run_that_begins_without_an_engine_says_so_at_once(tmp_path, taskset, monkeypatch):
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    config = GradeConfig(
        taskset=taskset.folder,
        predictions=write_predictions(tmp_path / "p.json", taskset),
        sandbox=f"docker:{BASE}",
    )
    with (
        RunFolder.create(tmp_path, "grade", "tiny", config=config, argv=["t"]) as run,
        pytest.raises(JourneymanError, match="no docker engine answers"),
    ):
        await grade_predictions(config, run)
