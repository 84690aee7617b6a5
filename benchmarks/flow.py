"""Rollouts at scale in one process.

    python benchmarks/flow.py scale --rollouts 10000 --turns 20

The real driver, ledger, run folder, scaffold, session, guard and event stream; the model is scripted
and answers after a random latency. Sandboxes are elsewhere: they answer after a latency and cost this
process nothing but the wait, as on a cluster (`--real` opens namespace sandboxes on this machine, as
many at once as `--sandboxes`). What is measured is what one process of ours costs.

`flow_peers.py` compares with peers, `flow_driver.py` measures the driver alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from journeyman.flow import Concurrency, Plan, RolloutConfig, Workplace
from journeyman.flow.driver import Driver
from journeyman.flow.executor import LocalExecutor
from journeyman.flow.plan import make_seats
from journeyman.models.scripted import ScriptedModel
from journeyman.runs import RunFolder
from journeyman.sandbox import Executed
from journeyman.scaffolds import SessionLimits
from journeyman.tasks import Taskset
from journeyman.types import Environment, Message, Origin, Task, ToolCall, VerifierSpec

TEST = "tests.test_calc.Calc.test_add"
PATCH = "diff --git a/calc.py b/calc.py\n--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-a\n+b\n"
OUTPUT = b"".join(b"src/module_%d.py: line %d of what a command says\n" % (i, i) for i in range(20))


class SlowScript(ScriptedModel):
    """Answers from its script after a random wait, as a busy server does."""

    def __init__(self, script, latency_s: float) -> None:
        super().__init__("scripted", script)
        self.latency_s = latency_s
        self.num_waiting = 0
        self.most_waiting = 0

    def for_task(self, instance_id: str) -> SlowScript:
        return self

    async def complete(self, prompt, sampling):
        self.num_waiting += 1
        self.most_waiting = max(self.most_waiting, self.num_waiting)
        await asyncio.sleep(random.uniform(0.5, 1.5) * self.latency_s)
        self.num_waiting -= 1
        return await super().complete(prompt, sampling)


class Elsewhere:
    """A sandbox on another machine: every command answers after a while."""

    num_open = 0
    most_open = 0

    def __init__(self, latency_s: float) -> None:
        self.latency_s = latency_s
        Elsewhere.num_open += 1
        Elsewhere.most_open = max(Elsewhere.most_open, Elsewhere.num_open)

    async def execute(self, command, *, timeout_s, stdin=b"", env=None, user="agent"):
        await asyncio.sleep(random.uniform(0.5, 1.5) * self.latency_s)
        if "journeyman-patch" in command:
            return Executed(exit_code=0, stdout=b"%d\n%s" % (len(PATCH), PATCH.encode()))
        if "unittest" in command:
            return Executed(exit_code=0, stderr=b"", stdout=LOG)
        if "stage=" in command:
            return Executed(exit_code=0, stdout=b"@stage\n@clean\n")
        return Executed(exit_code=0, stdout=OUTPUT)

    async def read(self, path):
        return PATCH.encode() if path.endswith("/patch") else LOG

    async def write(self, path, data):
        return None

    async def close(self):
        Elsewhere.num_open -= 1


LOG = b"test_add (tests.test_calc.Calc.test_add) ... ok\n\nRan 1 test in 0.001s\n\nOK\n"


def script(num_turns: int) -> list[Message]:
    looking = [
        Message(
            role="assistant",
            content=f"Step {index}: I look at the next module before I change anything. " * 3,
            tool_calls=(
                ToolCall(name="bash", arguments={"command": f"ls -l src/{index}"}, id=f"c{index}"),
            ),
        )
        for index in range(num_turns - 1)
    ]
    return [*looking, Message(role="assistant", tool_calls=(ToolCall(name="submit", id="last"),))]


def make_task(name: str, environment: str) -> Task:
    return Task(
        instance_id=name,
        repo="owner/name",
        base_commit="",
        problem_statement="It is broken. " * 50,
        patch=PATCH,
        FAIL_TO_PASS=(TEST,),
        environment=environment,
        bug_patch="",
        verifier=VerifierSpec(command="python -m unittest", log_parser="unittest"),
        origin=Origin(road="mutate"),
    )


async def make_taskset(root: Path, num_tasks: int) -> Taskset:
    from journeyman.tasks.workspace import find_base_commit

    folder = root / "taskset"
    place = folder / "environments" / "e0"
    (place / "repository" / "src").mkdir(parents=True)
    (place / "repository" / "calc.py").write_text("a\n")
    (place / "toolchain").mkdir()
    environment = Environment(
        digest="e0", project="tiny", commit="0" * 40, created_at="2024-01-01T00:00:00+00:00"
    )
    (place / "environment.json").write_text(environment.model_dump_json())
    tasks = [make_task(f"task-{index}", "e0") for index in range(num_tasks)]
    commit = await find_base_commit(tasks[0], folder / "environments")
    tasks = [task.model_copy(update={"base_commit": commit}) for task in tasks]
    return Taskset(name="scale", folder=folder, tasks=tuple(tasks))


@dataclass
class Peaks:
    """The most that was seen at once."""

    num_rollouts: int = 0
    rss_bytes: int = 0
    lags_s: list[float] = field(default_factory=list)

    async def watch(self, driver: Driver) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.25)
            self.lags_s.append(time.perf_counter() - before - 0.25)
            self.num_rollouts = max(self.num_rollouts, driver.board.running["rollout"])
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.rss_bytes = max(self.rss_bytes, pages * resource.getpagesize())


async def scale(options: argparse.Namespace, root: Path) -> dict[str, object]:
    taskset = await make_taskset(root, max(1, options.rollouts // 8))
    config = RolloutConfig(
        taskset=taskset.folder,
        models=("scripted",),
        n=8,
        limits=SessionLimits(num_turns=options.turns + 5, time_s=36_000),
        concurrency=Concurrency(
            rollouts=options.rollouts,
            sandboxes=options.sandboxes or options.rollouts,
            evaluations=options.evaluations,
            model_requests=options.rollouts,
        ),
    )
    tasks = {task.instance_id: task for task in taskset.tasks}
    model = SlowScript(script(options.turns), options.latency)
    plan = Plan(taskset, tasks, {"scripted": model}, make_seats(config, list(tasks)))

    async def elsewhere(spec, *, name=None, backend="namespace"):
        await asyncio.sleep(options.latency / 4)
        return Elsewhere(options.latency / 4)

    extra = {} if options.real else {"opener": elsewhere}
    place = Workplace(plan.models, ceilings=config.concurrency, **extra)
    peaks = Peaks()
    with RunFolder.create(root, "rollout", "scale", config=config, argv=["benchmark"]) as run:
        driver = Driver(config, run, plan)
        watching = asyncio.create_task(peaks.watch(driver))
        cpu, started = time.process_time(), time.perf_counter()
        rollouts = await driver.run(LocalExecutor(place, driver.emit))
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        watching.cancel()
        events_bytes = (run.path / "events.jsonl").stat().st_size
    failed = [it.failure for it in rollouts if it.failure]
    if failed:
        raise SystemExit(f"{len(failed)} of {len(rollouts)} rollouts failed: {failed[0].detail}")
    num_turns = sum(it.num_turns for it in rollouts)
    lags = sorted(peaks.lags_s)
    return {
        "rollouts": len(rollouts),
        "resolved": sum(bool(it.verdict and it.verdict.is_resolved) for it in rollouts),
        "most_rollouts_at_once": peaks.num_rollouts,
        "most_waiting_for_the_model": model.most_waiting,
        "most_sandboxes": Elsewhere.most_open or options.sandboxes,
        "wall_s": round(wall_s, 1),
        "rollouts_per_s": round(len(rollouts) / wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "cpu_ms_per_turn": round(1000 * cpu_s / num_turns, 3),
        "peak_rss_mb": round(peaks.rss_bytes / 1e6),
        "loop_lag_p99_s": round(lags[int(0.99 * len(lags))], 2) if lags else None,
        "events_mb": round(events_bytes / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("scale")
    one.add_argument("--rollouts", type=int, default=10_000)
    one.add_argument("--turns", type=int, default=20)
    one.add_argument("--latency", type=float, default=4.0, help="mean seconds of a model's answer")
    one.add_argument(
        "--sandboxes", type=int, default=0, help="most at once; 0: as many as rollouts"
    )
    one.add_argument("--evaluations", type=int, default=512)
    one.add_argument("--real", action="store_true", help="namespace sandboxes on this machine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        print(json.dumps(asyncio.run(scale(options, Path(root))), indent=2))


if __name__ == "__main__":
    main()
