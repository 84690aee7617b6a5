"""What the driver costs: rollouts a second when the stages themselves cost nothing.

The real driver, ledger, run folder and report, with an executor whose jobs end at once and leave
files of usual sizes. Beside it, in the same run, the same files written by a bare loop: the limit of
this disk.

    python benchmarks/flow.py --rollouts 1000
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from journeyman.flow import AgentWork, Job, JobResult, Plan, RolloutConfig, Stage, run_rollouts
from journeyman.flow.plan import make_seats
from journeyman.runs import RunFolder
from journeyman.tasks import Taskset
from journeyman.types import Ending, Origin, Task, TestStatus, Verdict, VerifierSpec

TESTS = tuple(f"tests/test_module.py::test_{index}" for index in range(50))
WORK_FILES = {"trajectory.json": b"t" * 30_000, "patch.diff": b"p" * 1_500}
VERDICT_FILES = {"verdict.json": b"v" * 3_000, "test.log": b"l" * 8_000}


class Instant:
    """Ends every job at once."""

    async def run(self, jobs: AsyncIterator[Job]) -> AsyncGenerator[JobResult, None]:
        work = AgentWork(ending=Ending.SUBMITTED, patch="p" * 1_500, num_turns=20)
        verdict = Verdict(is_resolved=True, tests=dict.fromkeys(TESTS, TestStatus.PASSED))
        async for job in jobs:
            if job.stage is Stage.ROLLOUT:
                yield JobResult(job=job, work=work, files=WORK_FILES)
            else:
                yield JobResult(job=job, verdict=verdict, files=VERDICT_FILES)


def make_plan(folder: Path, num_rollouts: int) -> tuple[RolloutConfig, Plan]:
    config = RolloutConfig(taskset=folder, models=("noop",), n=8)
    tasks = {name: make_task(name) for name in (f"task-{i}" for i in range(num_rollouts // 8))}
    taskset = Taskset(name="none", folder=folder, tasks=tuple(tasks.values()))
    return config, Plan(taskset, tasks, {}, make_seats(config, list(tasks)))


def make_task(name: str) -> Task:
    return Task(
        instance_id=name,
        repo="owner/name",
        base_commit="0" * 40,
        problem_statement="It is broken. " * 50,
        patch="p" * 1_500,
        FAIL_TO_PASS=TESTS[:1],
        PASS_TO_PASS=TESTS[1:],
        verifier=VerifierSpec(command="true"),
        origin=Origin(road="mutate"),
    )


async def drive(root: Path, num_rollouts: int) -> float:
    config, plan = make_plan(root / "taskset", num_rollouts)
    with RunFolder.create(root, "rollout", "none", config=config, argv=["benchmark"]) as run:
        started = time.perf_counter()
        rollouts = await run_rollouts(config, run, plan=plan, executor=Instant())
        duration_s = time.perf_counter() - started
    assert len(rollouts) == len(plan.seats)
    return len(rollouts) / duration_s


def write_bare(root: Path, num_rollouts: int) -> float:
    started = time.perf_counter()
    for index in range(num_rollouts):
        folder = root / "bare" / str(index)
        folder.mkdir(parents=True)
        for name, data in (WORK_FILES | VERDICT_FILES).items():
            (folder / name).write_bytes(data)
    return num_rollouts / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rollouts", type=int, default=1000)
    number = parser.parse_args().rollouts
    with tempfile.TemporaryDirectory() as root:
        bare = write_bare(Path(root), number)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        driven = asyncio.run(drive(Path(root), number))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"bare writes of the same files  {bare:8.0f} rollouts/s")
    print(f"driver                         {driven:8.0f} rollouts/s")
    print(f"ratio                          {driven / bare:8.2f}")
    print(f"memory of one rollout          {(after - before) / number:8.1f} KiB")


if __name__ == "__main__":
    main()
