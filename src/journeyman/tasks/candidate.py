"""Candidate bugs: proposed with the tests that reach them, then screened by running those tests.

Not the gate: what comes through here is a task on paper, which `tasks.trials` then tries.

    proposal = propose(repository, baseline, reach, mutation)
    if isinstance(proposal, Candidate):
        screened = await screen(environment, folder, baseline, proposal, limits)
"""

from __future__ import annotations

import ast
import math
import re
import signal
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from journeyman.sandbox import Limits
from journeyman.tasks.baseline import Baseline, run_probed
from journeyman.tasks.bug import Bug
from journeyman.tasks.equivalence import are_equivalent
from journeyman.tasks.failures import read_failures
from journeyman.tasks.languages import is_unbuilt
from journeyman.tasks.mutate import Mutation
from journeyman.tasks.probe import TestFailure
from journeyman.tasks.reach import Reach, Selection
from journeyman.tasks.tree import patched
from journeyman.tasks.warm import WarmPool
from journeyman.types import Environment, TestStatus, VerifierSpec
from journeyman.verify import VerifierRun

__all__ = ["Candidate", "Dropped", "ScreenLimits", "Screened", "label_of", "propose", "screen"]

MIN_TIMEOUT_S = 120.0
TIMEOUT_STEP = 4
SCREEN_CPU_S = 5.0
SCREEN_WALL_S = 30.0
CPU_EXCEEDED = 128 + signal.SIGXCPU
MIN_BROAD = 10
FAILING = (TestStatus.FAILED, TestStatus.ERROR)
_IMPORT_FAULT = re.compile(
    rb"^(ERROR |_+ ERROR )collecting |^ImportError while |ImportError: Failed to import test module"
    rb"|^Interrupted: \d+ errors? during collection|errors? during collection",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class ScreenLimits:
    """How far the tests of a candidate may go."""

    max_failing_share: float
    """Part of the suite's stable tests that a bug may break."""
    cpu_s: float | None = None
    """Processor time of a process of the screening, so that a bug that never ends is found as fast on
    a busy machine and no other is taken for one; follows what the tests take where none is given."""
    memory_bytes: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bug, and the verifier that would grade its task."""

    mutation: Mutation
    selection: Selection
    """Tests that reach the changed lines."""
    verifier: VerifierSpec

    @property
    def label(self) -> str:
        """Where and what it is, for people."""
        return label_of(self.mutation)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that does not become a task."""

    reason: str
    """A key of `funnel.REASONS`, or a check of the gate."""
    example: str
    is_screened: bool = False


@dataclass(frozen=True, slots=True)
class Screened:
    """A bug that tests notice."""

    candidate: Candidate
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    failures: tuple[TestFailure, ...]
    statuses: dict[str, TestStatus]


def label_of(mutation: Mutation) -> str:
    """Say where and what a bug is, for people."""
    more = f" ({mutation.source})" if isinstance(mutation, Bug) and mutation.source else ""
    return f"{mutation.path}:{mutation.line} {mutation.kind}{more}"


def propose(
    repository: Path, baseline: Baseline, reach: Reach, mutation: Mutation
) -> Candidate | Dropped:
    """Pair a bug with the tests that reach it; one that none reaches or can notice is dropped."""
    regions = _changed_lines(repository, mutation)
    selection = reach.select_places(regions)
    if selection is None:
        is_costly = any(reach.is_reached_by_costly(path, regions[path]) for path in regions)
        return Dropped("only_costly" if is_costly else "not_covered", label_of(mutation))
    if are_equivalent(repository, mutation.patch):
        return Dropped("equivalent", label_of(mutation))
    verifier = VerifierSpec(
        command=baseline.narrowing.command(selection.targets),
        log_parser=baseline.narrowing.log_parser,
        timeout_s=_verifier_timeout(selection.duration_s),
    )
    return Candidate(mutation, selection, verifier)


async def screen(
    environment: Environment,
    folder: Path,
    baseline: Baseline,
    candidate: Candidate,
    limits: ScreenLimits,
    *,
    backend: str = "namespace",
    warm: WarmPool | None = None,
) -> Screened | Dropped:
    """Run the tests that reach a bug, once, and tell which notice it.

    That is in a fresh sandbox, or in a cell of `warm`; raises `NotWarmError` where it has none.
    """
    mutation = candidate.mutation
    changed = patched(folder / "repository", [mutation.patch])
    max_failing = max(MIN_BROAD, int(limits.max_failing_share * len(baseline.stable)))
    selection = candidate.selection
    cpu_s = limits.cpu_s or SCREEN_CPU_S + 5 * selection.duration_s
    run, probe = await run_probed(
        environment,
        folder,
        _fast_failing(candidate.verifier, max_failing + baseline.num_unstable + 1, cpu_s),
        changes={path: data for path, data in changed.items() if data is not None},
        cpu_s=math.ceil(cpu_s),
        limits=Limits(num_cpus=1, memory_bytes=limits.memory_bytes),
        backend=backend,
        warm=warm,
    )
    tests = selection.tests
    failing = tuple(test for test in tests if run.statuses.get(test) in FAILING)
    reason = _reason(run, tests, failing, max_failing, environment.language)
    if reason:
        return Dropped(reason, candidate.label, is_screened=True)
    failures = probe.failures or read_failures(baseline.narrowing, run, failing)
    return Screened(
        candidate=candidate,
        fail_to_pass=failing,
        pass_to_pass=tuple(t for t in tests if run.statuses[t] == TestStatus.PASSED),
        failures=tuple(failure for failure in failures if failure.test in set(failing)),
        statuses={test: run.statuses[test] for test in tests},
    )


def _reason(
    run: VerifierRun,
    tests: tuple[str, ...],
    failing: tuple[str, ...],
    max_failing: int,
    language: str,
) -> str:
    """Say why a screened candidate is dropped; "" where it is kept."""
    if run.is_timed_out or run.exit_code == CPU_EXCEEDED:
        return "timeout"
    if not any(test in run.statuses for test in tests) and is_unbuilt(language, run.log):
        return "does_not_build"
    if not run.statuses:
        return "unreadable"
    if len(failing) > max_failing:
        return "too_broad"
    if any(test not in run.statuses for test in tests):
        return "breaks_import" if _IMPORT_FAULT.search(run.log) else "breaks_run"
    return "" if failing else "survived"


def _fast_failing(verifier: VerifierSpec, num_failures: int, cpu_s: float) -> VerifierSpec:
    """Return a verifier that gives up early; the clock ends only what waits for ever."""
    command = verifier.command
    if verifier.log_parser == "pytest":
        command += f" --maxfail={num_failures}"
    return verifier.model_copy(update={"command": command, "timeout_s": SCREEN_WALL_S + 5 * cpu_s})


def _verifier_timeout(duration_s: float) -> float:
    """Return four times the tests' duration in large steps, so that equal tasks stay equal.

    Tests that fit into a verifier's budget take half a minute only if they wait on purpose.
    """
    timeout_s = MIN_TIMEOUT_S
    while timeout_s < 4 * duration_s:
        timeout_s *= TIMEOUT_STEP
    return timeout_s


@lru_cache(maxsize=256)
def _statements(path: Path) -> tuple[ast.stmt, ...]:
    nodes = ast.walk(ast.parse(path.read_bytes()))
    return tuple(node for node in nodes if isinstance(node, ast.stmt))


def _changed_lines(repository: Path, mutation: Mutation) -> dict[str, set[int]]:
    """Return the lines that a bug concerns, by file."""
    if not isinstance(mutation, Bug) or not mutation.places:
        region = _changed_region(repository / mutation.path, mutation.line)
        return {mutation.path: set(region)}
    lines: dict[str, set[int]] = defaultdict(set)
    for place in mutation.places:
        region = _changed_region(repository / place.path, place.first)
        lines[place.path].update(region, range(place.first, place.last + 1))
    return dict(lines)


def _changed_region(path: Path, line: int) -> range:
    """Return the lines of the statement that a line belongs to; of a block, head and first step.

    A change of a `def` line concerns every line of the function. Where lines are not recorded, in
    other languages than Python, the line itself has to do.
    """
    region = range(line, line + 1)
    if path.suffix != ".py":
        return region
    for node in _statements(path):
        end = node.end_lineno or node.lineno
        if not node.lineno <= line <= end:
            continue
        body = getattr(node, "body", None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            region = range(node.body[0].lineno, end + 1)
        elif isinstance(body, list) and body:
            region = range(node.lineno, (body[0].end_lineno or body[0].lineno) + 1)
        else:
            region = range(node.lineno, end + 1)
    return region
