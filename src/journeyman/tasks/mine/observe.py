"""What the tests of a pull request do without its fix and with it, each in a fresh sandbox.

The same steps as grading takes, with the probe beside the tests of the buggy state. Not the gate:
that runs everything again.

    found = await observe(draft, environments)
    found.fail_to_pass, found.failures
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks.mine.reasons import Refused
from journeyman.tasks.probe import Probe, TestFailure, probed, read_probe, with_probe
from journeyman.types import Task, TestStatus, VerifierSpec
from journeyman.verify import VerifierRun, run_verifier
from journeyman.verify.prepare import prepare

__all__ = ["Observed", "observe", "verifier_of", "verifier_timeout"]

MAX_RUN_S = 300.0
MIN_TIMEOUT_S = 300.0
TIMEOUT_STEP = 4
_TIMES = "journeyman-times"
_CLOCK = re.compile(r"(\d+)m([\d.]+)s")
_DURATION = re.compile(r" in [\d.,]+ ?(?:s|ms|seconds?)\b(?: \([\d:.]+\))?")
_COMPLAINT = re.compile(r"^E?\s*((?:[A-Za-z_][\w.]*)?(?:Error|Exception)): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Observed:
    """The tests that tell both states apart, and how they fail."""

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    failures: tuple[TestFailure, ...]
    """Of the tests that have to pass, where they ran."""
    complaints: tuple[tuple[str, str], ...]
    """Exceptions, with their messages, that the log of the buggy state names, each once, in order."""
    run: VerifierRun
    """Of the buggy state."""
    buggy: Mapping[str, TestStatus]
    """Every test of the buggy state's log."""
    timeout_s: float
    """What the verifier may take; the same for the same tests, however busy the machine is."""


async def observe(
    draft: Task, environments: Path, *, backend: str = "namespace"
) -> Observed | Refused:
    """Run a draft's verifier on the fixed state, then on the buggy one.

    Raises `AttributedError` for what is the machine's doing.
    """
    timed = draft.model_copy(update={"verifier": _timed(draft.verifier)})
    run, _ = await _run(timed, environments, draft.patch, MAX_RUN_S, backend)
    fixed, cpu_s = _without_times(run)
    if fixed.is_timed_out:
        return Refused("timeout", f"over {MAX_RUN_S:.0f} s on the fixed state")
    passing = [test for test, status in fixed.statuses.items() if status == TestStatus.PASSED]
    if not passing:
        reason = "fails_on_fixed" if fixed.statuses else "unreadable"
        return Refused(reason, _last_line(fixed))
    timeout_s = verifier_timeout(cpu_s, fixed.duration_s)
    buggy, probe = await _run(draft, environments, "", timeout_s, backend)
    if buggy.is_timed_out:
        return Refused("timeout", f"over {timeout_s:.0f} s on the buggy state")
    failing = sorted(test for test in passing if _fails(buggy.statuses.get(test)))
    if not failing:
        return Refused("no_fail_to_pass", f"{len(passing)} tests pass in both states")
    return Observed(
        fail_to_pass=tuple(failing),
        pass_to_pass=tuple(
            sorted(test for test in passing if buggy.statuses.get(test) == TestStatus.PASSED)
        ),
        failures=tuple(one for one in probe.failures if one.test in set(failing)),
        complaints=_complaints(buggy),
        run=buggy,
        buggy=buggy.statuses,
        timeout_s=timeout_s,
    )


async def _run(
    draft: Task, environments: Path, patch: str, timeout_s: float, backend: str
) -> tuple[VerifierRun, Probe]:
    folder = environments / draft.environment
    environment = load_environment(folder)
    spec = with_probe(environment_spec(environment, folder, owner="mine"))
    verifier = draft.verifier.model_copy(update={"timeout_s": timeout_s})
    async with opened(spec, backend=backend) as sandbox:
        complaint = await prepare(sandbox, draft, patch)
        if complaint is not None:
            return VerifierRun(log=complaint.encode()), Probe()
        run = await run_verifier(
            sandbox, verifier if patch else probed(verifier, environment.variables).script()
        )
        return run, await read_probe(sandbox)


def _fails(status: TestStatus | None) -> bool:
    """A test that is not there, e.g. because its file cannot be imported, fails too."""
    return status in (None, TestStatus.FAILED, TestStatus.ERROR)


def _complaints(run: VerifierRun) -> tuple[tuple[str, str], ...]:
    found = _COMPLAINT.findall(run.log.decode(errors="replace"))
    return tuple(dict.fromkeys((kind, message.strip()) for kind, message in found))


def _last_line(run: VerifierRun) -> str:
    """Return how the log ends, without the time that it took, which is another every time."""
    lines = run.log.decode(errors="replace").strip().split("\n")
    return _DURATION.sub("", lines[-1].strip("= "))[:200]


def verifier_timeout(cpu_s: float, duration_s: float) -> float:
    """Return ten times the processor time in large steps, so that equal tasks stay equal.

    The clock, which runs on while other programs compute, counts only for tests that wait very long.
    """
    timeout_s = MIN_TIMEOUT_S
    while timeout_s < max(10 * cpu_s, 2 * duration_s):
        timeout_s *= TIMEOUT_STEP
    return timeout_s


def _timed(verifier: VerifierSpec) -> VerifierSpec:
    """Return a verifier that says at its end how much processor time it has used."""
    command = f"{verifier.command}\ncode=$?\necho {_TIMES}\ntimes\nexit $code"
    return verifier.model_copy(update={"command": command})


def _without_times(run: VerifierRun) -> tuple[VerifierRun, float]:
    log, _, said = run.log.partition(f"{_TIMES}\n".encode())
    clocks = _CLOCK.findall(said.decode(errors="replace"))
    cpu_s = sum(60 * int(minutes) + float(seconds) for minutes, seconds in clocks)
    return run.model_copy(update={"log": log}), cpu_s


def verifier_of(command: str, log_parser: str) -> VerifierSpec:
    """Return the verifier of a draft: one broken file of tests must not keep the others from running."""
    is_pytest = log_parser == "pytest"
    return VerifierSpec(
        command=f"{command} --continue-on-collection-errors" if is_pytest else command,
        log_parser=log_parser,
    )
