"""Kills every kind of process at random while a run goes on, and checks that nothing is lost.

    python benchmarks/chaos.py --rollouts 500 --rounds 20 --seed 1

In each round, after a random while, one of these is killed with SIGKILL: the driver, the zygote, a
porter, a sandbox's process 1, a command in a sandbox, the model's server. Drivers are started again
with `--resume`, servers on the same port. At the end there must be each rollout exactly once with the
verdict of an undisturbed run, and no sandbox, mount, control group or process left.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = ("driver", "zygote", "porter", "keeper", "command", "server")


def load_maker():
    """Return the module of tests that makes the small real taskset."""
    spec = importlib.util.spec_from_file_location("tiny", HERE.parent / "tests/flow/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_taskset(root: Path):
    import asyncio

    from journeyman.tasks import Taskset, load_taskset, save_taskset

    tiny = load_maker()
    folder = root / "tiny"
    (root / "repository").mkdir()
    repository = tiny.make_repository(root / "repository")
    environment = tiny.make_environment(repository, folder / "environments")
    tasks = [tiny.make_task(repository, environment, *bug) for bug in tiny.BUGS]
    based = asyncio.run(tiny.based(tasks, folder))
    save_taskset(Taskset(name="tiny", folder=folder, tasks=based))
    return load_taskset(folder)


def scripts_of(taskset, num_steps: int, step: str) -> dict[str, list[str | None]]:
    """Work for a while, apply the fix of every other task, submit."""
    scripts = {}
    for index, task in enumerate(taskset.tasks):
        commands: list[str | None] = [f"{step}; echo {number}" for number in range(num_steps)]
        if index % 2 == 0:
            commands.append(f"cat > /tmp/p <<'END'\n{task.patch}END\ngit apply /tmp/p")
        scripts[task.problem_statement] = [*commands, None]
    return scripts


class Server:
    def __init__(self, path: Path, latency_s: float = 0.0) -> None:
        self.path, self.port, self.latency_s = path, 0, latency_s
        self.start()

    def start(self) -> None:
        words = [str(self.path), str(self.port), str(self.latency_s)]
        command = [sys.executable, str(HERE / "script_server.py"), *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Run:
    """One run of `journeyman rollout`, whose driver is started as often as needed."""

    def __init__(self, root: Path, taskset, n: int, port: int, at_once: int = 0) -> None:
        self.root, self.folder = root, root / "runs" / "chaos"
        self.command = [
            *(sys.executable, "-c", "from journeyman.cli import main; main()"),
            *("rollout", str(taskset.folder), "--model", f"http://127.0.0.1:{port}/v1#scripted"),
            *("--n", str(n), "--runs", str(root / "runs"), "--name", "chaos", "--json"),
            *("--retries.infrastructure", "100", "--retries.longest-backoff-s", "2"),
            *("--breakers.pause-s", "0.5", "--breakers.longest-pause-s", "2"),
            *(("--concurrency.rollouts", str(at_once)) if at_once else ()),
        ]
        self.log = (root / "driver.log").open("ab")

    def start(self) -> None:
        resume = ["--resume"] if self.folder.exists() else []
        self.process = subprocess.Popen([*self.command, *resume], stdout=self.log, stderr=self.log)

    def lines(self) -> list[dict]:
        with contextlib.suppress(FileNotFoundError):
            text = (self.folder / "rollouts.jsonl").read_bytes()
            return [json.loads(it) for it in text[: text.rfind(b"\n") + 1].splitlines()]
        return []


def children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def identity(pid: int) -> tuple[int, str] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (pid, fields[19])


def processes(driver: int) -> dict[str, list[int]]:
    """Sort a driver's children by what they are: all that a zygote forks are the driver's own."""
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    found["driver"] = [driver]
    for pid in children(driver):
        with contextlib.suppress(OSError, StopIteration):
            found[_kind(pid, driver)].append(pid)
    return found


def _kind(pid: int, driver: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    ids = next(it for it in status if it.startswith("NSpid:")).split()[1:]
    own = os.readlink("/proc/self/ns/pid") == os.readlink(f"/proc/{driver}/ns/pid")
    assert own, "the driver runs where we do"
    if len(ids) > len(
        Path("/proc/self/status").read_text().split("NSpid:")[1].split("\n")[0].split()
    ):
        return "keeper" if ids[-1] == "1" else "command"
    is_isolated = os.readlink(f"/proc/{pid}/ns/user") != os.readlink(f"/proc/{driver}/ns/user")
    return "porter" if is_isolated else "zygote"


class Chaos:
    def __init__(self, run: Run, server: Server, seed: int) -> None:
        self.run, self.server = run, server
        self.random = random.Random(seed)
        self.seen: set[tuple[int, str]] = set()
        self.killed: Counter[str] = Counter()
        # Each kind once before any twice, in a random order.
        self.order = self.random.sample(KINDS, len(KINDS))

    def strike(self) -> None:
        """Kill one process of a kind, waiting until there is one."""
        kind = self.order.pop() if self.order else self.random.choice(KINDS)
        if kind == "server":
            self.server.kill()
            time.sleep(self.random.uniform(0.0, 1.0))
            self.server.start()
        else:
            victim = self.find(kind)
            if victim is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            if kind == "driver":
                self.run.process.wait()
                self.run.start()
        self.killed[kind] += 1

    def find(self, kind: str) -> int | None:
        for _ in range(600):
            if self.run.process.poll() is not None:
                return None
            found = self.look()[kind]
            if found:
                return self.random.choice(found)
            time.sleep(0.05)
        return None

    def look(self) -> dict[str, list[int]]:
        found = processes(self.run.process.pid)
        for pids in found.values():
            self.seen.update(filter(None, map(identity, pids)))
        return found


def left_over(cache: Path, seen: set[tuple[int, str]]) -> dict[str, list[str]]:
    """List what a finished run must not leave."""
    from journeyman.sandbox import cgroups

    # A group is named after its maker's id and start: ids are used again.
    makers = {f"{pid}-{start}" for pid, start in seen}
    groups = [it for it in cgroups.names() if it.rsplit("-", 2)[0] in makers]
    mounts = [it for it in Path("/proc/mounts").read_text().splitlines() if str(cache) in it]
    alive = [f"{pid} {_command(pid)}" for pid, start in seen if identity(pid) == (pid, start)]
    folder = cache / "sandboxes"
    sandboxes = sorted(os.listdir(folder)) if folder.exists() else []
    found = {"sandboxes": sandboxes, "groups": groups, "mounts": mounts, "processes": alive}
    return {name: items for name, items in found.items() if items}


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def check(run: Run, taskset, num_rollouts: int) -> list[str]:
    """Say what is wrong with the results."""
    wrong = []
    lines = run.lines()
    counts = Counter(it["rollout_id"] for it in lines)
    wrong += [f"doubled: {name}" for name, count in counts.items() if count > 1]
    if len(counts) != num_rollouts:
        wrong.append(f"{len(counts)} of {num_rollouts} rollouts")
    solved = {task.instance_id for index, task in enumerate(taskset.tasks) if index % 2 == 0}
    for it in lines:
        verdict = it["verdict"]
        if verdict is None or verdict["is_resolved"] != (it["instance_id"] in solved):
            wrong.append(f"another verdict: {it['rollout_id']}: {it['failure'] or verdict}")
    return wrong


def cause_chaos(root: Path, options: argparse.Namespace) -> dict[str, object]:
    cache = root / "cache"
    os.environ["JOURNEYMAN_CACHE"] = str(cache)
    taskset = make_taskset(root)
    n = max(1, options.rollouts // len(taskset.tasks))
    num_rollouts = n * len(taskset.tasks)
    (root / "scripts.json").write_text(json.dumps(scripts_of(taskset, 4, "sleep 0.2")))
    server = Server(root / "scripts.json")
    run = Run(root, taskset, n, server.port, options.at_once)
    chaos = Chaos(run, server, options.seed)
    started = time.monotonic()
    run.start()
    try:
        for index in range(options.rounds):
            wanted = num_rollouts * (index + chaos.random.random()) / (options.rounds + 1)
            while len(run.lines()) < wanted and run.process.poll() is None:
                chaos.look()
                time.sleep(0.2)
            chaos.strike()
            print(
                f"round {index + 1}: {dict(chaos.killed)}, {len(run.lines())} done", file=sys.stderr
            )
        while (code := run.process.wait()) != 0 and time.monotonic() - started < options.limit:
            print(f"the driver ended with {code}; again", file=sys.stderr)
            run.start()
    finally:
        run.process.kill()
        server.kill()
    time.sleep(1.0)
    events = [json.loads(it)["kind"] for it in (run.folder / "events.jsonl").open()]
    kinds = Counter(events)
    return {
        "rollouts": num_rollouts,
        "rounds": options.rounds,
        "seed": options.seed,
        "killed": dict(chaos.killed),
        "drivers": kinds["run_started"],
        "stages_failed_and_done_again": kinds["stage_failed"],
        "sandboxes_reaped": kinds["sandbox_reaped"],
        "wall_s": round(time.monotonic() - started, 1),
        "wrong": check(run, taskset, num_rollouts),
        "left_over": left_over(cache, chaos.seen),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rollouts", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=0, help="rollouts; 0 leaves it to the run")
    parser.add_argument("--limit", type=float, default=3600.0)
    parser.add_argument("--keep", type=Path, help="a folder to work in, which stays")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True)
        outcome = cause_chaos(options.keep.resolve(), options)
    else:
        with tempfile.TemporaryDirectory() as root:
            outcome = cause_chaos(Path(root), options)
    print(json.dumps(outcome, indent=2))
    return 1 if outcome["wrong"] or outcome["left_over"] else 0


if __name__ == "__main__":
    sys.exit(main())
