"""The first run of a suite in a new environment: does it run at all, and do most tests pass?

run = await smoke(environment, folder, suite, backend)
accept(run, "toolz")
"""

from __future__ import annotations

from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.sandbox import environment_spec, opened
from journeyman.tasks.languages.profile import Suite
from journeyman.types import Environment, TestStatus, VerifierSpec
from journeyman.verify import VerifierRun, run_verifier

__all__ = ["accept", "no_tests", "num_passed", "smoke"]

_SUITE_TIMEOUT_S = 900.0


async def smoke(environment: Environment, folder: Path, suite: Suite, backend: str) -> VerifierRun:
    """Run a whole suite once in a fresh sandbox and append what it printed to the build's log."""
    spec = environment_spec(environment, folder, owner="build")
    verifier = VerifierSpec(
        command=suite.command, log_parser=suite.log_parser, timeout_s=_SUITE_TIMEOUT_S
    )
    async with opened(spec, backend=backend) as sandbox:
        run = await run_verifier(sandbox, verifier)
    with (folder / "build.log").open("ab") as log:
        log.write(f"$ {suite.command}\n".encode() + run.log + b"\n")
    return run


def num_passed(run: VerifierRun) -> int:
    """Count the tests that passed."""
    return sum(status is TestStatus.PASSED for status in run.statuses.values())


def accept(run: VerifierRun, name: str) -> None:
    """Raise `JourneymanError` where a suite does not end, names no test or mostly fails."""
    if run.is_timed_out:
        raise JourneymanError(
            f"the tests of {name} do not end within {_SUITE_TIMEOUT_S / 60:.0f} minutes",
            "choose another project; what they printed is in {log}",
        )
    if not run.statuses:
        raise no_tests(name)
    if num_passed(run) * 2 < len(run.statuses):
        raise JourneymanError(
            f"only {num_passed(run)} of {len(run.statuses)} tests of {name} pass here",
            "see what they lack in {log}",
        )


def no_tests(name: str) -> JourneymanError:
    """Return the error for a project without tests that can be run."""
    return JourneymanError(
        f"no tests found in {name}", "give a project whose tests pytest or unittest can run"
    )
