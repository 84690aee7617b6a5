"""What a command costs in a sandbox that is open: in a namespace, in a container, by `docker exec`.

    python benchmarks/commands.py --docker BASE --rounds 100

All ways take turns within each round, so that a noisy moment hits all of them. `docker exec` is the
engine's own program in a container of our own; it is the peer of the way by pipes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from journeyman.sandbox import Sandbox, SandboxSpec, opened


async def served(sandbox: Sandbox) -> None:
    assert (await sandbox.execute("true", timeout_s=120)).exit_code == 0


async def by_engine(sandbox: Sandbox) -> None:
    words = ("exec", "--user", "1000:1000", sandbox.container, "bash", "-c", "true")
    child = await asyncio.create_subprocess_exec("docker", *words)
    assert await child.wait() == 0


async def measure(options: argparse.Namespace, root: Path) -> dict[str, object]:
    (root / "layer").mkdir()
    (root / "layer/file").write_text("a file\n")
    spec = SandboxSpec(workspace_layers=(root / "layer",))
    samples: dict[str, list[float]] = {}
    async with contextlib.AsyncExitStack() as stack:
        container = await stack.enter_async_context(
            opened(spec, backend=f"docker:{options.docker}")
        )
        ways = {
            "namespace": (served, await stack.enter_async_context(opened(spec))),
            "container, by pipes": (served, container),
            "docker exec": (by_engine, container),
        }
        for turn in range(options.rounds + 1):
            for name, (run, sandbox) in ways.items():
                started = time.perf_counter()
                await run(sandbox)
                if turn:
                    samples.setdefault(name, []).append((time.perf_counter() - started) * 1000)
    medians = {name: statistics.median(times) for name, times in samples.items()}
    base = medians["container, by pipes"]
    return {
        "rounds": options.rounds,
        "load": os.getloadavg()[0],
        "median_ms": {name: round(it, 1) for name, it in medians.items()},
        "times_pipes": {name: round(it / base, 2) for name, it in medians.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docker", required=True, help="a base image that the engine has")
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JOURNEYMAN_CACHE"] = str(Path(folder, "cache"))
        print(json.dumps(asyncio.run(measure(options, Path(folder))), indent=2))


if __name__ == "__main__":
    main()
