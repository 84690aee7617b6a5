"""What the tests of an environment do on the fixed state: which are stable, and what they reach.

Measured once per environment, in fresh sandboxes; every candidate bug is judged against it.

    baseline = await measure_baseline(environment, folder, num_runs=2)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from journeyman.errors import JourneymanError
from journeyman.sandbox import Limits, environment_spec, opened
from journeyman.tasks.mutate import list_sources
from journeyman.tasks.narrowing import Narrowing, narrowing_of
from journeyman.tasks.order import in_order
from journeyman.tasks.probe import Probe, probed, read_probe, with_probe, write_sources
from journeyman.types import Environment, TestStatus, VerifierSpec
from journeyman.verify import VerifierRun, run_verifier

__all__ = ["Baseline", "measure_baseline", "run_probed"]

MAX_SUITE_S = 1800.0


@dataclass(frozen=True)
class Baseline:
    """The stable tests of an environment."""

    narrowing: Narrowing
    stable: dict[str, str]
    """Tests that passed in every run, and the files of their own in which they lie, sorted."""
    num_unstable: int
    """Tests that failed or differed in any run."""
    duration_s: float
    """Of the slowest run of the whole suite."""
    probe: Probe = field(repr=False)

    def stable_in(self, files: Sequence[str]) -> tuple[str, ...]:
        """Return the stable tests of some files."""
        chosen = set(files)
        return tuple(test for test, file in self.stable.items() if file in chosen)

    def files_reaching(self, path: str, lines: range, limit: int) -> tuple[str, ...]:
        """Return up to `limit` test files that run the lines, those with the most tests first.

        Benchmarks repeat what other tests show, slowly: they are taken where nothing else is.
        Lines that run outside of tests, when modules are imported, may concern any test; so may
        any line where nothing was recorded.
        """
        reaching = self.probe.tests_reaching(path, lines)
        if not self.probe.reached or "" in reaching:
            reaching.update(self.stable)
        found = Counter(self.stable[test] for test in reaching if test in self.stable)
        quick = [file for file in found if "bench" not in PurePosixPath(file).name]
        ranked = sorted(quick or found, key=lambda file: (-found[file], file))
        return tuple(sorted(ranked[:limit]))


async def measure_baseline(
    environment: Environment,
    folder: Path,
    *,
    num_runs: int = 2,
    concurrency: int = 1,
    backend: str = "namespace",
) -> Baseline:
    """Run the suite `num_runs` times plainly and once under the probe, each in a fresh sandbox.

    Raises `JourneymanError` where no test passes every time.
    """
    verifier = VerifierSpec(
        command=environment.test_command, log_parser=environment.log_parser, timeout_s=MAX_SUITE_S
    )
    sources = list_sources(folder / "repository")

    async def measured(number: int) -> tuple[VerifierRun, Probe]:
        if number:
            return await _run_plain(environment, folder, verifier, backend), Probe()
        return await run_probed(
            environment, folder, verifier, changes={}, sources=sources, backend=backend
        )

    work = in_order(measured, range(num_runs + 1), concurrency=concurrency)
    async with aclosing(work) as finished:
        results = [result async for result in finished]
    runs = [run for run, _ in results[1:]]
    return _summarised(environment, folder / "repository", sources, runs, results[0][1])


def _summarised(
    environment: Environment,
    repository: Path,
    sources: Sequence[str],
    runs: Sequence[VerifierRun],
    probe: Probe,
) -> Baseline:
    seen: dict[str, set[TestStatus]] = defaultdict(set)
    for run in runs:
        for test in {test for other in runs for test in other.statuses}:
            seen[test].add(run.statuses.get(test, TestStatus.MISSING))
    narrowing = narrowing_of(environment, repository)
    own = {test: narrowing.file_of(test) for test in sorted(seen)}
    passing = [test for test in own if seen[test] == {TestStatus.PASSED}]
    skipped = [test for test in own if seen[test] == {TestStatus.SKIPPED}]
    # A test inside a source file, e.g. of a docstring, would be changed together with the bug.
    stable = {test: own[test] for test in passing if own[test] not in {"", *sources}}
    if not stable:
        raise JourneymanError(
            f"no test of {environment.project} passes in its environment",
            f"run it by hand: {environment.test_command}",
        )
    return Baseline(
        narrowing=narrowing,
        stable=stable,
        num_unstable=len(seen) - len(passing) - len(skipped),
        duration_s=max(run.duration_s for run in runs),
        probe=probe,
    )


async def _run_plain(
    environment: Environment, folder: Path, verifier: VerifierSpec, backend: str
) -> VerifierRun:
    async with opened(environment_spec(environment, folder), backend=backend) as sandbox:
        return await run_verifier(sandbox, verifier)


async def run_probed(
    environment: Environment,
    folder: Path,
    verifier: VerifierSpec,
    *,
    changes: Mapping[str, bytes],
    sources: Sequence[str] | None = None,
    limits: Limits | None = None,
    backend: str = "namespace",
) -> tuple[VerifierRun, Probe]:
    """Run a verifier with some files changed and the probe loaded, in a fresh sandbox."""
    spec = with_probe(environment_spec(environment, folder, limits=limits))
    async with opened(spec, backend=backend) as sandbox:
        if sources is not None:
            await write_sources(sandbox, sources)
        for path, data in changes.items():
            await sandbox.write(f"/testbed/{path}", data)
        run = await run_verifier(sandbox, probed(verifier, records_lines=sources is not None))
        return run, await read_probe(sandbox)
