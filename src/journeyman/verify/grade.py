"""Grading: one patch for one task, by execution, in a sandbox of its own.

The environment's tree gets the bug, loses the hidden files, takes the patch, gets the hidden files
back as they were, takes the tests' own patch, and runs the verifier. What the patch did to a hidden
file never counts. Not a policy: what a verdict means for a reward is flow's business.

    graded = await grade(task, environments, patch)
    graded.verdict.is_resolved
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable
from pathlib import Path

from journeyman.errors import AttributedError
from journeyman.sandbox import Executed, Sandbox, environment_spec, load_environment, opened
from journeyman.types import Data, Failure, Task, TestStatus, Verdict
from journeyman.verify.blame import succeeded
from journeyman.verify.verifier import VerifierRun, run_verifier

__all__ = ["Graded", "grade"]

_APPLY_S = 120.0
_DETAIL_CHARACTERS = 500
_CANNOT_RUN = 126
"""A shell's exit code for a command that it cannot run; 127 for one not found, more for a signal."""
_STAGE = "/tmp/.journeyman-grade"  # noqa: S108 - a path inside the sandbox

# A folder of the patch's making may be a link that leads elsewhere; a hidden file's is never one.
_RESTORE = """\
restore() {
    rest=$1 place=.
    while [ "$rest" != "${rest#*/}" ]; do
        place=$place/${rest%%/*} rest=${rest#*/}
        if [ -L "$place" ] || [ -f "$place" ]; then rm -f -- "$place"; fi
    done
    mkdir -p -- "$place" && rm -rf -- "./$1" && cp -a -- "$2" "./$1"
}
"""


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
) -> Graded:
    """Apply a patch in a fresh copy of the task's environment, run the verifier and judge.

    Raises `AttributedError` for what is neither the patch's nor the verifier's doing: a dead sandbox,
    a missing environment, a task whose own patches do not apply.
    """
    started = time.monotonic()
    folder = environments / task.environment
    spec = environment_spec(load_environment(folder), folder, owner=owner)
    async with opened(spec, name=name, backend=backend) as sandbox:
        complaint = await _prepare(sandbox, task, patch)
        if complaint is not None:
            return _not_applied(task, complaint, time.monotonic() - started)
        run = await run_verifier(sandbox, task.verifier)
    return Graded(verdict=_judge(task, run, time.monotonic() - started), log=run.log)


async def _prepare(sandbox: Sandbox, task: Task, patch: str) -> str | None:
    """Bring the workspace to what is to be tested; return why the patch does not apply, if so."""
    await sandbox.execute(f"mkdir -p {_STAGE}/hidden", timeout_s=_APPLY_S)
    await _apply(sandbox, task.bug_patch, "the bug's patch")
    await _run(sandbox, _hide(task.hidden_paths), "the hidden files")
    if patch.strip():
        await sandbox.write(f"{_STAGE}/patch", patch.encode("utf-8", "surrogateescape"))
        done = await sandbox.execute(_git_apply(f"{_STAGE}/patch"), timeout_s=_APPLY_S)
        if not succeeded(done, "the patch"):
            return _said(done)
    await _run(sandbox, _show(task.hidden_paths), "the hidden files")
    await _apply(sandbox, task.test_patch, "the tests' patch")
    await sandbox.execute(f"rm -rf {_STAGE}", timeout_s=_APPLY_S)
    return None


async def _apply(sandbox: Sandbox, patch: str, what: str) -> None:
    """Apply a patch of the task's own, which must apply."""
    if patch.strip():
        await sandbox.write(f"{_STAGE}/own", patch.encode("utf-8", "surrogateescape"))
        await _run(sandbox, _git_apply(f"{_STAGE}/own"), what)


async def _run(sandbox: Sandbox, script: str, what: str) -> None:
    done = await sandbox.execute(script, timeout_s=_APPLY_S)
    if not succeeded(done, what):
        raise AttributedError("task_broken", f"{what}: {_said(done)[:_DETAIL_CHARACTERS]}")


def _said(done: Executed) -> str:
    return done.stderr.decode(errors="replace").strip() or f"exit code {done.exit_code}"


def _git_apply(path: str) -> str:
    """Apply without any repository's or user's settings; the workspace is not a repository here."""
    settings = (
        "LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CEILING_DIRECTORIES=/"
    )
    return f"{settings} git -c core.autocrlf=false apply --whitespace=nowarn {path}"


def _hide(paths: Iterable[str]) -> str:
    lines = [
        f"mv -- {shlex.quote(path)} {_STAGE}/hidden/{index}" for index, path in enumerate(paths)
    ]
    return "\n".join(["set -e", *lines])


def _show(paths: Iterable[str]) -> str:
    lines = [
        f"restore {shlex.quote(path)} {_STAGE}/hidden/{index}" for index, path in enumerate(paths)
    ]
    return "\n".join(["set -e", _RESTORE, *lines])


def _not_applied(task: Task, complaint: str, duration_s: float) -> Graded:
    verdict = Verdict(
        is_resolved=False,
        patch_is_applied=False,
        tests=dict.fromkeys((*task.FAIL_TO_PASS, *task.PASS_TO_PASS), TestStatus.MISSING),
        duration_s=duration_s,
        failure=Failure(cause="patch_invalid", detail=complaint[:_DETAIL_CHARACTERS]),
    )
    return Graded(verdict=verdict, log=complaint.encode())


def _judge(task: Task, run: VerifierRun, duration_s: float) -> Verdict:
    wanted = (*task.FAIL_TO_PASS, *task.PASS_TO_PASS)
    tests = {test: run.statuses.get(test, TestStatus.MISSING) for test in wanted}
    is_passed = bool(tests) and all(status is TestStatus.PASSED for status in tests.values())
    return Verdict(
        is_resolved=is_passed and not run.is_timed_out,
        tests=tests,
        duration_s=duration_s,
        failure=_failure(task, run),
        notes=("the verifier ran into its time-out",) if run.is_timed_out else (),
    )


def _failure(task: Task, run: VerifierRun) -> Failure | None:
    """Say why the log tells nothing: cut by the time-out, no verifier that ran, or nothing in it.

    A runner that complains, ends with an error and names no test was most likely broken by the
    patch, e.g. in what all tests import: that is an answer, and every test is missing.
    """
    if run.is_timed_out:
        return Failure(cause="verifier_timeout", detail=f"after {task.verifier.timeout_s:.0f} s")
    if run.statuses:
        return None
    last = run.log.decode(errors="replace").strip().split("\n")[-1][:_DETAIL_CHARACTERS]
    detail = f"exit code {run.exit_code}: {last or 'it printed nothing'}"
    if run.exit_code >= _CANNOT_RUN:
        return Failure(cause="verifier_crashed", detail=detail)
    if run.exit_code == 0 or not last:
        return Failure(cause="verifier_unreadable", detail=detail)
    return None
