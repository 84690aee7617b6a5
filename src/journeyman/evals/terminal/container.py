"""A task's container: built from its own Dockerfile, opened, solved by its own script, tested.

The tests come into the same container after the agent has ended, over whatever it left in their place,
and run as root, as in the benchmark: what counts is the machine's state, not a patch.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.evals.terminal.folder import TerminalFolder
from journeyman.sandbox.base import Executed, Limits, Network, SandboxSpec
from journeyman.sandbox.engine import find_engine
from journeyman.sandbox.published import PublishedSandbox, open_published
from journeyman.types import Failure, TestStatus, Verdict
from journeyman.verify import parse_log

__all__ = ["find_image", "grade_state", "open_task", "solve"]

_REWARD = "reward"
_CLOSED = re.compile(
    r"Could not resolve host|Temporary failure (in name resolution|resolving)|Network is unreachable"
    r"|dns error|Name or service not known|EAI_AGAIN",
    re.IGNORECASE,
)
"""What programs say where there is no network."""


async def find_image(task: TerminalFolder, program: str) -> str:
    """Return the task's image: the published one where the engine has it, else one that is built.

    Nothing is pulled but by the Dockerfile's own FROM, where the engine lacks that. Raises
    `JourneymanError` where it cannot be built.
    """
    engine = find_engine(program)
    if task.image and not (await engine.call("image", "inspect", task.image)).exit_code:
        return task.image
    if not (task.context / "Dockerfile").is_file():
        hint = f"{program} pull {task.image}" if task.image else "fetch the benchmark again"
        raise JourneymanError(f"{task.name} has no Dockerfile, and its image is not here", hint)
    name = f"journeyman/terminal:{digest(list(_contents(task.context)))[:24]}"
    if not (await engine.call("image", "inspect", name)).exit_code:
        return name
    words = ("build", "--label", "journeyman=image", "--tag", name, str(task.context))
    done = await engine.call(*words, timeout_s=task.build_s)
    if done.exit_code:
        raise JourneymanError(
            f"{task.name}: {program} build failed: {done.complaint}",
            f"{program} build {task.context}",
        )
    return name


def _contents(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), digest(path.read_bytes().hex())


async def open_task(
    task: TerminalFolder, image: str, *, name: str, network: Network, owner: str, program: str
) -> PublishedSandbox:
    """Start the task's container with the processors, memory and variables that it names."""
    limits = Limits(num_cpus=task.num_cpus, memory_bytes=task.memory_bytes, num_processes=2048)
    spec = SandboxSpec(network=network, limits=limits, variables=task.variables, owner=owner)
    return await open_published(image, spec, name=name, program=program)


async def solve(task: TerminalFolder, box: PublishedSandbox) -> Executed:
    """Run the task's own solution, which the oracle does in place of a model."""
    if not task.solution.is_file():
        raise JourneymanError(f"{task.name} has no {task.solution.name}", "leave the oracle out")
    if task.form == "harbor":
        await box.bring(task.solution.parent, "/solution")
    else:
        await box.bring(task.solution, "/solution/solve.sh")
    command = "bash /solution/solve.sh < /dev/null"
    return await box.execute(
        command, timeout_s=task.agent_s, env=task.solution_variables, user="root"
    )


async def grade_state(
    task: TerminalFolder, box: PublishedSandbox, network: Network
) -> tuple[Verdict, str]:
    """Bring the tests, run them, and read what they say; also return their log."""
    started = time.monotonic()
    await box.execute(
        "rm -rf /tests /logs/verifier && mkdir -p /logs/verifier /logs/agent /logs/artifacts",
        timeout_s=60.0,
        user="root",
    )
    await box.bring(task.path / "tests", "/tests")
    script = f"/tests/{task.test_script.name}"
    if task.form != "harbor":
        await box.bring(task.test_script, script)
    variables = {"TEST_DIR": "/tests", **task.verifier_variables}
    done = await box.execute(
        f"bash {script} < /dev/null 2>&1", timeout_s=task.verifier_s, env=variables, user="root"
    )
    log = done.stdout.decode(errors="replace")
    statuses = await _read_reward(box) if task.form == "harbor" else _read_summary(log)
    return _verdict(statuses, done, log, network, time.monotonic() - started), log


async def _read_reward(box: PublishedSandbox) -> Mapping[str, TestStatus]:
    """Read `reward.txt`, a number, or `reward.json`, named numbers of which `reward` counts if there."""
    for name in ("reward.txt", "reward.json"):
        try:
            text = (await box.read(f"/logs/verifier/{name}")).decode(errors="replace").strip()
        except OSError:
            continue
        try:
            found = json.loads(text)
            table = found if isinstance(found, dict) else {_REWARD: found}
            table = {_REWARD: table[_REWARD]} if _REWARD in table else table
            return {key: _status(float(value)) for key, value in table.items()}
        except (ValueError, TypeError):
            return {}
    return {}


def _status(value: float) -> TestStatus:
    return TestStatus.PASSED if value >= 1.0 else TestStatus.FAILED


def _read_summary(log: str) -> Mapping[str, TestStatus]:
    _, marker, summary = log.partition("short test summary info")
    return parse_log("swebench-pytest", summary) if marker else {}


def _verdict(
    statuses: Mapping[str, TestStatus],
    done: Executed,
    log: str,
    network: Network,
    duration_s: float,
) -> Verdict:
    is_resolved = bool(statuses) and all(it is TestStatus.PASSED for it in statuses.values())
    return Verdict(
        is_resolved=is_resolved and not done.is_timed_out,
        tests=dict(statuses),
        duration_s=duration_s,
        failure=None if is_resolved else _failure(statuses, done, log, network),
    )


def _failure(
    statuses: Mapping[str, TestStatus], done: Executed, log: str, network: Network
) -> Failure | None:
    """Tell tests that failed from tests that could not do their work."""
    if done.is_timed_out:
        return Failure(cause="verifier_timeout")
    if network != "open" and (said := _CLOSED.search(log)):
        detail = f"its tests want the network ({said[0]}): --network open"
        return Failure(cause="verifier_crashed", detail=detail)
    if not statuses:
        last = log.strip().split("\n")[-1][:300]
        return Failure(cause="verifier_unreadable", detail=f"exit code {done.exit_code}: {last}")
    return None
