"""What the tests of an environment do on the fixed state: which are stable, and what they reach.

Measured once per environment, in fresh sandboxes; every candidate bug is judged against it.

    baseline = await measure_baseline(environment, folder, num_runs=2)
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from journeyman.errors import JourneymanError
from journeyman.sandbox import WORKSPACE, Limits, Sandbox, environment_spec, opened
from journeyman.tasks.mutate import list_sources
from journeyman.tasks.narrowing import Narrowing, narrowing_of
from journeyman.tasks.order import in_order
from journeyman.tasks.probe import Probe, merged, probed, read_probe, with_probe, write_sources
from journeyman.tasks.warm import (
    BYTECODE_VARIABLES,
    WarmPool,
    bytecode_folder,
    collect_bytecode,
    keep_bytecode,
)
from journeyman.types import Environment, TestStatus, VerifierSpec
from journeyman.verify import VerifierRun, run_verifier

__all__ = ["MAX_TEST_CALLS", "MAX_TEST_S", "Baseline", "measure_baseline", "run_probed"]

MAX_SUITE_S = 1800.0

MAX_TEST_CALLS = 500_000
"""Calls of a test that is still used: a tenth of a second. The same on a busy machine."""

MAX_TEST_S = 20.0
"""Seconds of a test that is still used: one that calls little but waits long, or works in C. Far more
than the calls allow, so that a busy machine seldom leaves out a test that a quiet one takes."""

TESTS_PER_PART = 200
MAX_PARTS = 4

Statuses = Mapping[str, TestStatus]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Baseline:
    """The stable tests of an environment."""

    narrowing: Narrowing
    stable: dict[str, str]
    """Tests that passed in every run, and the files of their own in which they lie, sorted."""
    costly: dict[str, str]
    """As `stable`, but left out, because they cost more time than they are worth."""
    num_unstable: int
    """Tests that failed or differed in any run."""
    duration_s: float
    """Of the slowest run of the whole suite."""
    probe: Probe = field(repr=False)


async def measure_baseline(
    environment: Environment,
    folder: Path,
    *,
    num_runs: int = 2,
    max_test_calls: int = MAX_TEST_CALLS,
    concurrency: int = 1,
    backend: str = "namespace",
) -> Baseline:
    """Run every test at least `num_runs` times in fresh sandboxes, once of these under the probe.

    The run that ended the environment's build is the first plain one. A long suite is probed in
    parts of some files each: a test that needs its neighbours is thereby found and not called
    stable. What fails under the probe alone is run plainly again, `num_runs` times. Raises
    `JourneymanError` where no test passes every time.
    """
    suite = _Suite(environment, folder, max_test_calls, backend)
    started = time.time()
    built = _built_run(folder)
    num_plain = max(1, num_runs - 1) - bool(built)
    jobs: list[tuple[str, ...] | None] = [*suite.parts(built), *[None] * num_plain]
    results = await _all(suite.run, jobs, concurrency)
    traced = [result for job, result in zip(jobs, results, strict=True) if job is not None]
    plain = [run for job, (run, _) in zip(jobs, results, strict=True) if job is None]
    plain += [built] if built else []
    probe_run = {test: status for run, _ in traced for test, status in run.statuses.items()}
    keep_bytecode(bytecode_folder(environment, folder), suite.archives, newest=started)
    suspects = _suspects([run.statuses for run in plain], probe_run)
    return _summarised(
        suite,
        [run.statuses for run in plain],
        await _repeated(suite, suspects, num_runs, concurrency),
        probe_run,
        probe=merged([probe for _, probe in traced]),
        duration_s=max(run.duration_s for run in plain),
    )


async def _all(
    work: Callable[[Item], Awaitable[Result]], items: Sequence[Item], concurrency: int
) -> list[Result]:
    async with aclosing(in_order(work, items, concurrency=concurrency)) as finished:
        return [result async for result in finished]


async def _repeated(
    suite: _Suite, tests: Sequence[str], num_runs: int, concurrency: int
) -> dict[str, list[TestStatus]]:
    """Run the files of some tests plainly, each alone, so that here too no neighbour helps."""
    files = suite.narrowing.files_of(tests)
    jobs = [(file,) for file in files for _ in range(num_runs)]
    runs = await _all(suite.run_plain, jobs, concurrency)
    of_file: dict[str, list[Statuses]] = defaultdict(list)
    for (file,), run in zip(jobs, runs, strict=True):
        of_file[file].append(run.statuses)
    return {
        test: [run.get(test, TestStatus.MISSING) for run in of_file[suite.narrowing.file_of(test)]]
        for test in tests
    }


class _Suite:
    """An environment's whole suite, and how it is run."""

    def __init__(
        self, environment: Environment, folder: Path, max_test_calls: int, backend: str
    ) -> None:
        self.environment = environment
        self.max_test_calls = max_test_calls
        self.narrowing = narrowing_of(environment, folder / "repository")
        self.sources = list_sources(folder / "repository", language=environment.language)
        self.archives: list[bytes] = []
        """Of what the probed runs compiled."""
        self._folder = folder
        self._backend = backend

    def parts(self, built: VerifierRun | None) -> list[tuple[str, ...]]:
        """Return the files of each probed run; none names the whole suite.

        They follow from the tests alone: not from the machine, nor from how many run at a time.
        """
        tests = Counter(self.narrowing.file_of(test) for test in (built.statuses if built else ()))
        num_parts = min(MAX_PARTS, len(tests), tests.total() // TESTS_PER_PART)
        if num_parts < 2 or "" in tests or not self.narrowing.is_probed:
            return [()]
        if not self.narrowing.can_run(tests):
            return [()]
        parts: list[list[str]] = [[] for _ in range(num_parts)]
        for file in sorted(tests, key=lambda file: (-tests[file], file)):
            min(parts, key=lambda part: sum(tests[it] for it in part)).append(file)
        return [tuple(sorted(part)) for part in parts]

    async def run(self, files: tuple[str, ...] | None) -> tuple[VerifierRun, Probe]:
        """Run some files under the probe, or all where none is named; None is a plain run."""
        if files is None:
            return await self.run_plain(()), Probe()
        spec = with_probe(environment_spec(self.environment, self._folder))
        call = probed(
            self._verifier(files),
            self.environment.variables,
            records_lines=True,
            max_calls=self.max_test_calls,
        )
        call = replace(call, variables={**call.variables, **BYTECODE_VARIABLES})
        async with opened(spec, backend=self._backend) as sandbox:
            await write_sources(sandbox, self.sources)
            run = await run_verifier(sandbox, call.script())
            if self.narrowing.is_probed:
                self.archives.append(await collect_bytecode(sandbox))
            return run, await read_probe(sandbox)

    async def run_plain(self, files: tuple[str, ...]) -> VerifierRun:
        """Run some files as a verifier does, or all where none is named."""
        spec = environment_spec(self.environment, self._folder)
        async with opened(spec, backend=self._backend) as sandbox:
            return await run_verifier(sandbox, self._verifier(files))

    def _verifier(self, files: Sequence[str]) -> VerifierSpec:
        return VerifierSpec(
            command=self.narrowing.command(files) if files else self.environment.test_command,
            log_parser=self.environment.log_parser,
            timeout_s=MAX_SUITE_S,
        )


def _built_run(folder: Path) -> VerifierRun | None:
    """Return the plain run in a fresh sandbox with which the environment's build ended, if kept."""
    try:
        kept = json.loads((folder / "baseline.json").read_text(encoding="utf-8"))
        return VerifierRun(statuses=kept["tests"], duration_s=kept["duration_s"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _suspects(plain: Sequence[Statuses], probe_run: Statuses) -> list[str]:
    """Return the tests that passed plainly every time and not under the probe."""
    passing = set.intersection(*({t for t, s in run.items() if s == "passed"} for run in plain))
    return sorted(test for test in passing if probe_run.get(test) != TestStatus.PASSED)


def _summarised(
    suite: _Suite,
    plain: Sequence[Statuses],
    repeated: Mapping[str, Sequence[TestStatus]],
    probe_run: Statuses,
    *,
    probe: Probe,
    duration_s: float,
) -> Baseline:
    seen: dict[str, set[TestStatus]] = defaultdict(set)
    for test in {test for run in (*plain, probe_run) for test in run}:
        seen[test] = {run.get(test, TestStatus.MISSING) for run in plain}
        seen[test].update(repeated.get(test, [probe_run.get(test, TestStatus.MISSING)]))
    own = {test: suite.narrowing.file_of(test) for test in sorted(seen)}
    passing = [test for test in own if seen[test] == {TestStatus.PASSED}]
    skipped = [test for test in own if seen[test] == {TestStatus.SKIPPED}]
    # A test inside a source file, e.g. of a docstring, would be changed together with the bug.
    stable = {test: own[test] for test in passing if own[test] not in {"", *suite.sources}}
    costly = _costly(probe, stable, suite.max_test_calls)
    if len(costly) == len(stable):
        raise JourneymanError(
            f"no test of {suite.environment.project} passes in its environment",
            f"run it by hand: {suite.environment.test_command}",
        )
    return Baseline(
        narrowing=suite.narrowing,
        stable={test: file for test, file in stable.items() if test not in costly},
        costly={test: stable[test] for test in sorted(costly)},
        num_unstable=len(seen) - len(passing) - len(skipped),
        duration_s=duration_s,
        probe=probe,
    )


def _costly(probe: Probe, tests: Collection[str], max_calls: int) -> set[str]:
    """Return the tests that call too much or take too long; none where nothing else is left."""
    found = {
        test
        for test in tests
        if probe.calls.get(test, 0) >= max_calls or probe.durations.get(test, 0.0) >= MAX_TEST_S
    }
    return found if len(found) < len(tests) else set()


async def run_probed(
    environment: Environment,
    folder: Path,
    verifier: VerifierSpec,
    *,
    changes: Mapping[str, bytes],
    cpu_s: int = 0,
    limits: Limits | None = None,
    backend: str = "namespace",
    warm: WarmPool | None = None,
) -> tuple[VerifierRun, Probe]:
    """Run a verifier with some files changed and the probe loaded, in a fresh sandbox or a warm one.

    Raises `NotWarmError` where `warm` is given and has none.
    """
    call = probed(verifier, environment.variables, cpu_s=cpu_s)
    if warm is not None:
        async with warm.opened() as cell:
            await _change(cell, changes)
            return await cell.run(call), await read_probe(cell)
    spec = with_probe(environment_spec(environment, folder, limits=limits))
    async with opened(spec, backend=backend) as sandbox:
        await _change(sandbox, changes)
        run = await run_verifier(sandbox, call.script())
        return run, await read_probe(sandbox)


async def _change(sandbox: Sandbox, changes: Mapping[str, bytes]) -> None:
    for path, data in changes.items():
        await sandbox.write(f"{WORKSPACE}/{path}", data)
