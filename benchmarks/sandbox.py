"""How long until the first command runs in a fresh copy of a large repository.

Compares Journeyman's namespace sandbox with a plain `bwrap` start (which copies nothing, so it is
the floor), `git worktree add`, `cp -a` and, where an engine answers, `docker run`. All ways take
turns within each round, so that a noisy moment hits all of them; clean-up is not timed.

    python benchmarks/sandbox.py --files 30000 --rounds 20

Journeyman begins its next sandbox ahead of time; "cold" is without that. Plain `bwrap` is Debian's
package `bubblewrap`, which Journeyman itself does not need. The two ways that write every file take so
long that they join only the first `--slow-rounds`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from journeyman.sandbox import SandboxSpec, blank, open_sandbox

IMAGE = "journeyman-benchmark"
BWRAP = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"]
SLOW = ("git worktree add", "cp -a")
QUIET = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

Start = Callable[[Path], Awaitable[Callable[[], Awaitable[None]]]]
"""Starts a fresh copy in the given absent folder, runs `true` in it and returns its clean-up."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--slow-rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("bwrap") is None:
        parser.error("no bwrap to compare with: apt-get install bubblewrap")
    with tempfile.TemporaryDirectory(prefix="journeyman-benchmark-") as scratch:
        os.environ["JOURNEYMAN_CACHE"] = f"{scratch}/cache"
        repository = generate(Path(scratch, "repository"), arguments.files)
        samples = asyncio.run(
            measure(repository, Path(scratch), arguments.rounds, arguments.slow_rounds)
        )
    report = summarise(samples, arguments)
    print(json.dumps(report, indent=2) if arguments.json else table(report))


def generate(repository: Path, num_files: int) -> Path:
    """Make a Git repository of `num_files` Python files of some 2 kB, 50 in a folder."""
    body = "".join(f"def function_{i}(value):\n    return value + {i}\n\n\n" for i in range(40))
    for index in range(num_files):
        folder = repository / f"package_{index // 2500}" / f"module_{index // 50}"
        if index % 50 == 0:
            folder.mkdir(parents=True)
        (folder / f"file_{index}.py").write_text(f"NUMBER = {index}\n\n\n{body}")
    settings = ["user.name=Benchmark", "user.email=benchmark@localhost", "gc.auto=0"]
    options = [word for setting in settings for word in ("-c", setting)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"], ["gc", "-q"]):
        subprocess.run(["git", "-C", str(repository), *options, *command], check=True)
    return repository


async def measure(
    repository: Path, scratch: Path, rounds: int, slow_rounds: int
) -> dict[str, list[float]]:
    """Time every way `rounds` times, after one round that only warms up."""
    samples: dict[str, list[float]] = {}
    async with ways(repository, scratch) as starts:
        for turn in range(rounds + 1):
            order = list(starts.items())
            for name, start in order[turn % len(order) :] + order[: turn % len(order)]:
                if name in SLOW and not 0 < turn <= slow_rounds:
                    continue
                copy = scratch / f"copy-{turn}"
                await PREPARATIONS.get(name, nothing)()
                begun = time.perf_counter()
                clean_up = await start(copy)
                duration = time.perf_counter() - begun
                await clean_up()
                if turn:
                    samples.setdefault(name, []).append(duration)
    return samples


async def nothing() -> None:
    """What most ways need before the clock starts."""


async def one_ready() -> None:
    """As between two starts of a run: the next sandbox has been begun in the background."""
    blank.make_ready()
    await asyncio.sleep(0.05)


async def none_ready() -> None:
    blank.discard_ready()


PREPARATIONS = {"journeyman": one_ready, "journeyman, cold": none_ready}


@contextlib.asynccontextmanager
async def ways(repository: Path, scratch: Path) -> AsyncIterator[dict[str, Start]]:
    """Yield the ways this machine can measure."""
    spec = SandboxSpec(workspace_layers=(repository,))

    async def journeyman(_: Path) -> Callable[[], Awaitable[None]]:
        sandbox = await open_sandbox(spec)
        assert (await sandbox.execute("true", timeout_s=60)).exit_code == 0
        return sandbox.close

    starts = {
        "journeyman": journeyman,
        "journeyman, cold": journeyman,
        "bwrap": command_way(lambda copy: [BWRAP]),
        "git worktree add": command_way(
            lambda copy: [
                ["git", "-C", str(repository), "worktree", "add", "--detach", str(copy)],
                ["true"],
            ]
        ),
        "cp -a": command_way(lambda copy: [["cp", "-a", str(repository), str(copy)], ["true"]]),
    }
    has_docker = docker_answers()
    if has_docker:
        import_image(repository, scratch)
        run = ["docker", "run", "--rm", "--network", "none", IMAGE, "true"]
        starts["docker run"] = command_way(lambda copy: [run])
    try:
        yield starts
    finally:
        if has_docker:
            quietly(["docker", "rmi", "-f", IMAGE])


def command_way(commands: Callable[[Path], list[list[str]]]) -> Start:
    """A way that is made of plain commands."""

    async def start(copy: Path) -> Callable[[], Awaitable[None]]:
        for command in commands(copy):
            quietly(command)

        async def clean_up() -> None:
            if copy.exists():
                shutil.rmtree(copy)

        return clean_up

    return start


def quietly(command: list[str]) -> None:
    subprocess.run(command, **QUIET)


def docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def import_image(repository: Path, scratch: Path) -> None:
    """Make the smallest image that can run `true` beside the repository: no registry is needed."""
    root = scratch / "image"
    program = shutil.which("true")
    words = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in {program, *(word for word in words.split() if word.startswith("/"))}:
        target = root / os.path.realpath(path).lstrip("/")
        for place in {target, root / path.lstrip("/")}:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    shutil.copytree(repository, root / "testbed")
    archive = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
    environment = ["--change", "ENV PATH=/usr/bin:/bin"]
    subprocess.run(["docker", "import", *environment, "-", IMAGE], stdin=archive.stdout, **QUIET)
    archive.wait()


def summarise(samples: dict[str, list[float]], arguments: argparse.Namespace) -> dict:
    """Reduce the samples to medians, 95th percentiles and ratios to Journeyman's median."""
    ours = statistics.median(samples["journeyman"])
    rows = {
        name: {
            "median_ms": round(statistics.median(values) * 1e3, 2),
            "p95_ms": round(percentile(values, 0.95) * 1e3, 2),
            "times_journeyman": round(statistics.median(values) / ours, 2),
        }
        for name, values in samples.items()
    }
    return {
        "num_files": arguments.files,
        "rounds": arguments.rounds,
        "machine": f"{os.cpu_count()} cpus, Linux {platform.release()}",
        "ways": rows,
        "journeyman_over_bwrap": round(ours / statistics.median(samples["bwrap"]), 2),
    }


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def table(report: dict) -> str:
    lines = [
        f"first command in a fresh copy of {report['num_files']} files, "
        f"{report['rounds']} rounds, {report['machine']}",
        f"{'way':18}{'median':>12}{'p95':>12}{'x journeyman':>15}",
    ]
    for name, row in report["ways"].items():
        times = f"{row['times_journeyman']:.2f}"
        lines.append(f"{name:18}{row['median_ms']:9.1f} ms{row['p95_ms']:9.1f} ms{times:>15}")
    lines.append(f"journeyman takes {report['journeyman_over_bwrap']} times a plain bwrap start")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
