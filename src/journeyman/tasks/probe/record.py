"""Putting the probe into a sandbox, and reading its record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from journeyman.sandbox import Mount, Sandbox, SandboxSpec
from journeyman.types import Data, VerifierSpec

__all__ = ["Probe", "TestFailure", "probed", "read_probe", "with_probe", "write_sources"]

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
    """Source file, line, and the indexes into `tests` of those that ran the line."""

    def tests_reaching(self, path: str, lines: Iterable[int]) -> set[str]:
        """Return the tests that run any of the lines; "" is among them where imports do."""
        known = self.reached.get(path, {})
        return {self.tests[test] for line in lines for test in known.get(line, ())}


def probed(verifier: VerifierSpec, *, records_lines: bool = False) -> VerifierSpec:
    """Return a verifier that runs the same tests with the probe loaded."""
    lines = [
        f"mkdir -p {FOLDER}",
        f"export PYTHONPATH={PROGRAM}${{PYTHONPATH:+:$PYTHONPATH}} PYTHONHASHSEED=0",
        f"export JOURNEYMAN_PROBE={FOLDER}/record.json",
    ]
    if records_lines:
        lines.append(f"export JOURNEYMAN_SOURCES={FOLDER}/sources")
    command = verifier.command
    if verifier.log_parser == "pytest":
        lines.append('export PYTEST_ADDOPTS="-p journeyman_probe_pytest ${PYTEST_ADDOPTS:-}"')
    elif verifier.log_parser == "unittest":
        command = command.replace("-m unittest", "-m journeyman_probe_unittest", 1)
    return verifier.model_copy(update={"command": "\n".join([*lines, command])})


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
