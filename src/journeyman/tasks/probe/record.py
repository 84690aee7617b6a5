"""Putting the probe into a sandbox, and reading its record."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from journeyman.sandbox import Mount, Sandbox, SandboxSpec
from journeyman.tasks.runner_call import RunnerCall
from journeyman.types import Data, VerifierSpec

__all__ = ["Probe", "TestFailure", "merged", "probed", "read_probe", "with_probe", "write_sources"]

PROGRAM = "/opt/journeyman-probe"
FOLDER = "/tmp/journeyman-probe"  # noqa: S108
MOUNT = Mount(source=Path(__file__).with_name("inside"), target=PROGRAM)


class TestFailure(Data):
    """How one test failed."""

    __test__ = False

    test: str
    path: str
    """The test's file, relative to the workspace."""
    line: int
    """Line of that file that was running, from 1; 0 if it never ran."""
    exception: str
    message: str
    parameters: dict[str, str] = Field(default_factory=dict)
    """Representations of the test's parameters."""


class Probe(Data):
    """What one run of tests reached, and how its tests failed."""

    failures: tuple[TestFailure, ...] = ()
    tests: tuple[str, ...] = ()
    """Tests in the order they ran; "" stands for what ran outside of tests, e.g. imports."""
    reached: dict[str, dict[int, tuple[int, ...]]] = Field(default_factory=dict)
    """Source file, first line of a statement, and the indexes into `tests` of those that ran it."""
    calls: dict[str, int] = Field(default_factory=dict)
    """Calls that each test made, of Python and of C, counted up to the `max_calls` of `probed`."""
    durations: dict[str, float] = Field(default_factory=dict)
    """Seconds that each test took, while lines were recorded."""

    def tests_reaching(self, path: str, lines: Iterable[int]) -> set[str]:
        """Return the tests that run any of the lines; "" is among them where imports do."""
        known = self.reached.get(path, {})
        return {self.tests[test] for line in lines for test in known.get(line, ())}


def merged(probes: Sequence[Probe]) -> Probe:
    """Return the records of several runs, of different tests each, as one."""
    tests: dict[str, int] = {"": 0}
    reached: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for probe in probes:
        numbers = [tests.setdefault(test, len(tests)) for test in probe.tests]
        for path, lines in probe.reached.items():
            for line, found in lines.items():
                reached[path][line].update(numbers[number] for number in found)
    return Probe(
        failures=tuple(failure for probe in probes for failure in probe.failures),
        tests=tuple(tests),
        reached={
            path: {line: tuple(sorted(found)) for line, found in lines.items()}
            for path, lines in reached.items()
        },
        calls={test: count for probe in probes for test, count in probe.calls.items()},
        durations={test: time for probe in probes for test, time in probe.durations.items()},
    )


def probed(
    verifier: VerifierSpec,
    given: Mapping[str, str],
    *,
    records_lines: bool = False,
    max_calls: int = 0,
    cpu_s: int = 0,
) -> RunnerCall:
    """Return the call that runs a verifier's tests with the probe loaded.

    `given` are the variables of the environment. With `records_lines` it counts the calls of each test
    too, up to `max_calls`.
    """
    paths = [PROGRAM, given.get("PYTHONPATH", "")]
    variables = {
        "PYTHONPATH": ":".join(path for path in paths if path),
        "PYTHONHASHSEED": "0",
        "JOURNEYMAN_PROBE": f"{FOLDER}/record.json",
    }
    if records_lines:
        variables["JOURNEYMAN_SOURCES"] = f"{FOLDER}/sources"
        variables["JOURNEYMAN_MAX_CALLS"] = str(max_calls)
    command = verifier.command
    if verifier.log_parser == "pytest":
        options = ["-p journeyman_probe_pytest", given.get("PYTEST_ADDOPTS", "")]
        variables["PYTEST_ADDOPTS"] = " ".join(option for option in options if option)
    elif verifier.log_parser == "unittest":
        command = command.replace("-m unittest", "-m journeyman_probe_unittest", 1)
    return RunnerCall(verifier.model_copy(update={"command": command}), variables, cpu_s)


def with_probe(spec: SandboxSpec) -> SandboxSpec:
    """Return a sandbox that has the probe's program, read-only."""
    return spec.model_copy(update={"mounts": (*spec.mounts, MOUNT)})


async def write_sources(sandbox: Sandbox, sources: Sequence[str]) -> None:
    """Tell the probe in a sandbox whose lines it is to record."""
    await sandbox.write(f"{FOLDER}/sources", "\n".join(sources).encode())


async def read_probe(sandbox: Sandbox) -> Probe:
    """Return what the probe recorded; an empty record where it did not run."""
    try:
        return Probe.model_validate(json.loads(await sandbox.read(f"{FOLDER}/record.json")))
    except (OSError, ValueError, ValidationError):
        return Probe()
