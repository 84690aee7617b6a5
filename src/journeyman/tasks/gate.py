"""The gate: what must hold of a task before anyone may use it, judged from what its trials showed.

Nothing is run here; `tasks.trials` gathers the evidence. Every check has a name, and says why it
failed.

    checks = judge(task, evidence)
    is_valid = all(check.is_ok for check in checks)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from journeyman.tasks.mutate import reverse_diff
from journeyman.tasks.quality.running import find_idle_verifier
from journeyman.tasks.statement import find_leaks
from journeyman.types import Check, Task, TestStatus

__all__ = ["CHECKS", "Evidence", "Trial", "find_flaky", "judge"]

MAX_NAMED = 3
FAILING = (TestStatus.FAILED, TestStatus.ERROR)

CHECKS = (
    "fails_on_buggy",
    "passes_on_fixed",
    "is_stable",
    "empty_patch_fails",
    "noop_patch_fails",
    "gold_reverses_bug",
    "trees_are_identical",
    "tests_are_hidden",
    "statement_leaks_nothing",
    "verifier_runs_tests",
)
"""The names of all checks, in the order of a report."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a task's verifier in a fresh sandbox."""

    statuses: Mapping[str, TestStatus]
    """Of every test that the log names."""
    is_applied: bool = True
    """Whether the patch that was tried could be applied."""
    failure: str = ""
    """Why the verifier said nothing, e.g. a time-out."""

    def passes(self, test: str) -> bool:
        """Tell whether a test passed."""
        return self.statuses.get(test) == TestStatus.PASSED

    def resolves(self, task: Task) -> bool:
        """Tell whether every test of the task passed."""
        return self.is_applied and all(
            self.passes(test) for test in (*task.FAIL_TO_PASS, *task.PASS_TO_PASS)
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the trials of one task showed."""

    buggy: Sequence[Trial]
    """The buggy state: graded with an empty patch."""
    fixed: Sequence[Trial]
    """The fixed state: graded with the gold patch."""
    noop: Trial
    """Graded with a patch that changes no behaviour."""
    hollow: Trial
    """The fixed state with the files of the FAIL_TO_PASS tests emptied."""
    broken: Trial
    """The fixed state with the fixed source files unable to run."""
    tree_faults: Sequence[str] = ()
    """Files in which bug and gold patch together do not give the environment's tree back."""
    visible: Sequence[str] = ()
    """What the agent could find of the hidden tests or of the fix."""


def find_flaky(tests: Iterable[str], evidence: Evidence) -> tuple[str, ...]:
    """Return the tests that did not do the same in every run of the same state."""
    groups = ([*evidence.buggy, evidence.noop], list(evidence.fixed))
    return tuple(
        test
        for test in tests
        if any(len({trial.passes(test) for trial in group}) > 1 for group in groups)
    )


def judge(task: Task, evidence: Evidence) -> tuple[Check, ...]:
    """Return every check of the gate, in the order of `CHECKS`."""
    faults = {
        "fails_on_buggy": _buggy_faults(task, evidence.buggy),
        "passes_on_fixed": _fixed_faults(task, evidence.fixed),
        "is_stable": _flaky_faults(task, evidence),
        "empty_patch_fails": _solved("the empty patch", task, evidence.buggy),
        "noop_patch_fails": _solved("a patch that does nothing", task, [evidence.noop]),
        "gold_reverses_bug": _reverse_faults(task),
        "trees_are_identical": [f"{path} differs" for path in evidence.tree_faults],
        "tests_are_hidden": [*_unhidden(task), *evidence.visible],
        "statement_leaks_nothing": _statement_faults(task),
        "verifier_runs_tests": _hollow_faults(task, evidence),
    }
    return tuple(
        Check(name=name, is_ok=not faults[name], detail="; ".join(faults[name][:MAX_NAMED]))
        for name in CHECKS
    )


def _buggy_faults(task: Task, trials: Sequence[Trial]) -> list[str]:
    faults = [] if task.FAIL_TO_PASS else ["no test has to fail"]
    for trial in trials:
        if trial.failure:
            faults.append(trial.failure)
            continue
        # A file of a real pull request's tests often cannot even be collected without its fix.
        failing = FAILING if task.origin.road == "mutate" else (*FAILING, None)
        right = [test for test in task.FAIL_TO_PASS if trial.statuses.get(test) not in failing]
        wrong = [test for test in task.PASS_TO_PASS if not trial.passes(test)]
        faults += _named(right, "does not fail", trial) + _named(wrong, "does not pass", trial)
    return _distinct(faults)


def _fixed_faults(task: Task, trials: Sequence[Trial]) -> list[str]:
    faults: list[str] = []
    for trial in trials:
        if not trial.is_applied:
            faults.append("the gold patch does not apply")
        elif trial.failure:
            faults.append(trial.failure)
        else:
            tests = (*task.FAIL_TO_PASS, *task.PASS_TO_PASS)
            faults += _named([t for t in tests if not trial.passes(t)], "does not pass", trial)
    return _distinct(faults)


def _flaky_faults(task: Task, evidence: Evidence) -> list[str]:
    flaky = find_flaky((*task.FAIL_TO_PASS, *task.PASS_TO_PASS), evidence)
    return [f"{test} differs between runs" for test in flaky]


def _solved(patch: str, task: Task, trials: Sequence[Trial]) -> list[str]:
    if not all(trial.is_applied for trial in trials):
        return [f"{patch} does not apply"]
    return [f"{patch} solves it"] if any(trial.resolves(task) for trial in trials) else []


def _reverse_faults(task: Task) -> list[str]:
    """Compare the patches; a mined task, whose tree is buggy as it is, has only one."""
    if not task.patch.strip():
        return ["the gold patch is empty"]
    if task.bug_patch and reverse_diff(task.bug_patch) != task.patch:
        return ["the gold patch is not the exact reverse of the bug"]
    return []


def _unhidden(task: Task) -> list[str]:
    if task.hidden_paths or task.test_patch:
        return []
    return ["no file is hidden from the agent"]


def _statement_faults(task: Task) -> list[str]:
    return find_leaks(task) if task.problem_statement.strip() else ["the statement is empty"]


def _hollow_faults(task: Task, evidence: Evidence) -> list[str]:
    """A test that passes without its file, or without the code it tests, is none."""
    idle = find_idle_verifier(task.verifier.command)
    faults: list[str] = [idle] if idle else []
    for trial, without in ((evidence.hollow, "its file"), (evidence.broken, "the fixed code")):
        passing = [test for test in task.FAIL_TO_PASS if trial.passes(test)]
        faults += _named(passing, f"passes without {without}", trial)
    if not any(trial.statuses for trial in evidence.fixed):
        faults.append("the verifier names no test")
    return faults


def _named(tests: Sequence[str], what: str, trial: Trial) -> list[str]:
    shown = [
        f"{test} {what} ({trial.statuses.get(test, TestStatus.MISSING)})"
        for test in tests[:MAX_NAMED]
    ]
    more = len(tests) - len(shown)
    return [*shown, f"{more} more"] if more else shown


def _distinct(faults: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(faults))
