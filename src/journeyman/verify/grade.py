"""Grading: one patch for one task, by execution, in a sandbox of its own.

The environment's tree gets the bug, loses the hidden files, takes the patch, gets the hidden files
back as they were, and those that the tests' own patch touches, takes that patch, and runs the
verifier. What the patch did to any of these files never counts. Not a policy: what a verdict means
for a reward is flow's business.

    graded = await grade(task, environments, patch)
    graded.verdict.is_resolved
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from journeyman.sandbox import Sandbox, environment_spec, load_environment, open_sandbox
from journeyman.types import Data, Failure, Task, TestStatus, Verdict, VerifierSpec
from journeyman.verify.blame import DETAIL_CHARACTERS
from journeyman.verify.prepare import prepare
from journeyman.verify.swebench_rules import find_status, follows_swebench, is_resolved
from journeyman.verify.verifier import VerifierRun, run_verifier

__all__ = ["WAS_KILLED", "Graded", "grade"]

WAS_KILLED = "the verifier was killed before it had run every test"
"""A verdict's note: the tests' own doing, or the machine's; who cares grades once more."""

_KILLED = 128 + 9
_CANNOT_RUN = 126
"""A shell's exit code for a command that it cannot run; 127 for one not found, more for a signal."""


class Graded(Data):
    """A verdict and the log that it was read from."""

    verdict: Verdict
    log: bytes = b""


async def grade(
    task: Task,
    environments: Path,
    patch: str,
    *,
    backend: str = "namespace",
    owner: str = "",
    name: str | None = None,
    opener: Callable[..., Awaitable[Sandbox]] = open_sandbox,
    runner: Callable[[Sandbox, VerifierSpec], Awaitable[VerifierRun]] = run_verifier,
) -> Graded:
    """Apply a patch in a fresh copy of the task's environment, run the verifier and judge.

    `opener` starts the sandbox, as `open_sandbox` does; `runner` runs the verifier in it.

    Raises `AttributedError` for what is neither the patch's nor the verifier's doing: a dead sandbox,
    a missing environment, a task whose own patches do not apply.
    """
    started = time.monotonic()
    folder = environments / task.environment
    spec = environment_spec(load_environment(folder), folder, owner=owner)
    sandbox = await opener(spec, name=name, backend=backend)
    try:
        complaint = await prepare(sandbox, task, patch)
        if complaint is not None:
            return _not_applied(task, complaint, time.monotonic() - started)
        run = await runner(sandbox, task.verifier)
    finally:
        await sandbox.close()
    return Graded(verdict=_judge(task, run, time.monotonic() - started), log=run.log)


def _not_applied(task: Task, complaint: str, duration_s: float) -> Graded:
    verdict = Verdict(
        is_resolved=False,
        patch_is_applied=False,
        tests=dict.fromkeys((*task.FAIL_TO_PASS, *task.PASS_TO_PASS), TestStatus.MISSING),
        duration_s=duration_s,
        failure=Failure(cause="patch_invalid", detail=complaint[:DETAIL_CHARACTERS]),
    )
    return Graded(verdict=verdict, log=complaint.encode())


def _judge(task: Task, run: VerifierRun, duration_s: float) -> Verdict:
    wanted = (*task.FAIL_TO_PASS, *task.PASS_TO_PASS)
    if follows_swebench(task.verifier.log_parser):
        tests = {test: find_status(test, run.statuses) for test in wanted}
        is_passed = bool(tests) and is_resolved(task.FAIL_TO_PASS, task.PASS_TO_PASS, run.statuses)
        is_passed = is_passed and not _is_forged(run)
    else:
        tests = {test: run.statuses.get(test, TestStatus.MISSING) for test in wanted}
        is_passed = bool(tests) and all(status is TestStatus.PASSED for status in tests.values())
    return Verdict(
        is_resolved=is_passed and not run.is_timed_out,
        tests=tests,
        duration_s=duration_s,
        failure=_failure(task, run),
        notes=tuple(_notes(run, tests.values())),
    )


def _is_forged(run: VerifierRun) -> bool:
    """Whether a log without one failure belongs to a run that ended with an error."""
    bad = (TestStatus.FAILED, TestStatus.ERROR)
    return run.exit_code != 0 and not any(status in bad for status in run.statuses.values())


def _notes(run: VerifierRun, statuses: Iterable[TestStatus]) -> Iterator[str]:
    if run.is_timed_out:
        yield "the verifier ran into its time-out"
    elif run.exit_code == _KILLED and TestStatus.MISSING in statuses:
        yield WAS_KILLED


def _failure(task: Task, run: VerifierRun) -> Failure | None:
    """Say why the log tells nothing: cut by the time-out, no verifier that ran, or nothing in it.

    A runner that complains, ends with an error and names no test was most likely broken by the
    patch, e.g. in what all tests import: that is an answer, and every test is missing.
    """
    if run.is_timed_out:
        return Failure(cause="verifier_timeout", detail=f"after {task.verifier.timeout_s:.0f} s")
    if run.statuses:
        return None
    last = run.log.decode(errors="replace").strip().split("\n")[-1][:DETAIL_CHARACTERS]
    detail = f"exit code {run.exit_code}: {last or 'it printed nothing'}"
    if run.exit_code >= _CANNOT_RUN:
        return Failure(cause="verifier_crashed", detail=detail)
    if run.exit_code == 0 or not last:
        return Failure(cause="verifier_unreadable", detail=detail)
    return None
