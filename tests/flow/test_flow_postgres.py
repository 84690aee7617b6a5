"""A ledger in PostgreSQL: the same contract as the file, and drivers on several hosts."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

from journeyman.errors import JourneymanError  # noqa: E402
from journeyman.flow import RolloutConfig, run_rollouts  # noqa: E402
from journeyman.flow.config import Concurrency, RetryBudgets  # noqa: E402
from journeyman.flow.jobs import AgentWork, JobResult, Stage  # noqa: E402
from journeyman.runs import Ledger, RunFolder  # noqa: E402
from journeyman.runs.postgres import PostgresDatabase  # noqa: E402
from journeyman.types import Ending, Failure, Verdict  # noqa: E402

LOST = Failure(cause="interrupted")


def find_programs():
    given = os.environ.get("JOURNEYMAN_TEST_POSTGRES")
    found = [Path(given)] if given else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((it for it in reversed(found) if (it / "initdb").exists()), None)


def ordinary_user():
    """Return whom the server runs as where we are root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    return "postgres" if "postgres" in {it.pw_name for it in pwd.getpwall()} else "nobody"


@pytest.fixture(scope="module")
def server():
    """Return the address of a database of a server that is ours alone."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed")
    user, folder = ordinary_user(), Path(tempfile.mkdtemp(prefix="journeyman-postgres-"))
    if user:
        shutil.chown(folder, user)
    options = ["-A", "trust", "-U", "journeyman", "-N"]
    command = [programs / "initdb", "-D", folder / "data", *options]
    subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [programs / "postgres", "-D", folder / "data", "-k", folder, "-p", str(port)]
    settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, *settings], stderr=log, user=user, cwd=folder)
    try:
        url = f"postgresql://journeyman@127.0.0.1:{port}/postgres"
        wait_for(url, process, folder)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(url, process, folder):
    for _ in range(1200):
        assert process.poll() is None, (folder / "log").read_text()
        with contextlib.suppress(psycopg.Error):
            psycopg.connect(url).close()
            return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL does not answer")


@pytest.fixture
def run_name(request):
    return f"{request.node.name[:40]}-{time.time_ns()}"


@pytest.fixture
def ledger(server, run_name):
    opened = Ledger(PostgresDatabase(server, run_name))
    yield opened
    opened.close()


def test_leases_are_fenced_and_late_results_are_evidence(ledger):
    ledger.enrol([("a.0", "a"), ("a.1", "a")], "rollout")
    old = ledger.lease("a.0", "rollout", owner="one", duration_s=60)
    assert ledger.lease("a.0", "rollout", owner="two", duration_s=60) is None
    assert ledger.renew_all("one", 60) == 1
    assert ledger.reclaim(LOST) == []
    assert ledger.reclaim(LOST, owner="two") == []
    assert ledger.reclaim(LOST, owner="one") == [old]
    new = ledger.lease("a.0", "rollout", owner="two", duration_s=60)
    assert (old.token, new.token) == (1, 2)
    assert not ledger.complete(old, "late")
    assert ledger.complete(new, "right", next_stage="evaluation")
    assert ledger.outcome("a.0", "rollout").text == "right"
    assert [it.stage for it in ledger.owed()] == ["evaluation", "rollout"]
    assert len(ledger.events("late_result")) == 1
    assert [it.outcome for it in ledger.attempts("a.0")] == ["failed", "succeeded"]
    assert ledger.failures("a.0", "rollout") == {"interrupted": 1}
    assert abs(ledger.now() - time.time()) < 60


def test_an_expired_lease_is_taken_over(ledger):
    ledger.enrol([("a.0", "a")], "rollout")
    lease = ledger.lease("a.0", "rollout", owner="dead", duration_s=-1)
    assert ledger.reclaim(LOST) == [lease]
    assert ledger.lease("a.0", "rollout", owner="living", duration_s=60).token == 2


def test_attempts_are_never_deleted(server, ledger):
    ledger.enrol([("a.0", "a")], "rollout")
    ledger.lease("a.0", "rollout", owner="me", duration_s=60)
    with (
        pytest.raises(JourneymanError, match="attempts are never deleted"),
        ledger._base.transaction() as base,
    ):
        base.execute("DELETE FROM attempt")


def test_a_password_does_not_get_into_a_folder():
    with pytest.raises(JourneymanError, match="holds a password") as caught:
        PostgresDatabase("postgresql://a:b@127.0.0.1/x", "run")
    assert "PGPASSWORD" in caught.value.hint


def test_no_server_is_one_error():
    with pytest.raises(JourneymanError, match="the ledger at"):
        PostgresDatabase("postgresql://a@127.0.0.1:1/x", "run")


class Answering:
    """Does every job after a moment, as an executor of one host."""

    num_cpus = 1.0
    levels = ()

    def __init__(self, most):
        self.most = most
        self.jobs = []

    def cancel(self, names):
        pass

    def set_policy(self, version):
        pass

    async def run(self, jobs):
        async for job in jobs:
            self.jobs.append(job)
            if len(self.jobs) > self.most:
                raise RuntimeError("the host died")
            await asyncio.sleep(0.05)
            if job.stage is Stage.ROLLOUT:
                yield JobResult(job=job, work=AgentWork(ending=Ending.SUBMITTED, patch="p"))
            else:
                yield JobResult(job=job, verdict=Verdict(is_resolved=True))


def configured(taskset, server, **settings):
    return RolloutConfig(
        taskset=taskset.folder,
        models=("oracle",),
        n=3,
        ledger=server,
        retries=RetryBudgets(backoff_s=0.0),
        concurrency=Concurrency(rollouts=2, evaluations=2),
        **settings,
    )


async def drive(root, config, name, most=1000):
    executor = Answering(most)
    options = {"config": config, "argv": ["j"], "name": name, "resume": (root / name).exists()}
    with RunFolder.create(root, "rollout", "x", **options) as run:
        rollouts = await run_rollouts(config, run, executor=executor)
    return rollouts, executor.jobs


async def test_two_hosts_share_a_run_and_each_rollout_is_done_once(
    tmp_path, taskset, server, run_name
):
    config = configured(taskset, server)
    one, two = await asyncio.gather(
        drive(tmp_path / "one", config, run_name), drive(tmp_path / "two", config, run_name)
    )
    assert one[0] == two[0]
    assert len(one[0]) == 18
    assert one[1]
    assert two[1]
    names = [job.sandbox_name for job in (*one[1], *two[1])]
    stages = [(job.seat.rollout_id, job.stage) for job in (*one[1], *two[1])]
    assert len(names) == len(set(stages)) == 36
    for host in ("one", "two"):
        lines = (tmp_path / host / run_name / "rollouts.jsonl").read_text().splitlines()
        assert len({json.loads(line)["rollout_id"] for line in lines}) == len(lines) == 18


async def test_a_host_that_dies_leaves_its_work_to_the_other(
    tmp_path, taskset, server, run_name, monkeypatch
):
    monkeypatch.setattr("journeyman.flow.driver.Driver._reclaim", lambda self: None)
    monkeypatch.setattr("journeyman.flow.board.SHARED_LEASE_S", 3.0)
    config = configured(taskset, server)
    with pytest.raises(RuntimeError, match="the host died"):
        await drive(tmp_path / "one", config, run_name, most=5)
    rollouts, _ = await drive(tmp_path / "two", config, run_name)
    assert len(rollouts) == 18
    ledger = Ledger(PostgresDatabase(server, run_name))
    lost = [it for rollout in rollouts for it in ledger.attempts(rollout.rollout_id) if it.cause]
    ledger.close()
    assert {it.cause for it in lost} == {"worker_lost"}


async def test_another_config_under_the_same_name_is_refused(tmp_path, taskset, server, run_name):
    await drive(tmp_path / "one", configured(taskset, server), run_name)
    with pytest.raises(JourneymanError, match="another config or other tasks"):
        await drive(tmp_path / "two", configured(taskset, server, seed=5), run_name)
