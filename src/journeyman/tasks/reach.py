"""Which tests a verifier runs: those that reach the changed lines, and more of their files.

They fit into a budget that is counted in calls, not in seconds, so that neither a slow nor a busy
machine changes a task. Nothing is run here.

    reach = Reach(baseline, max_files=8, max_calls=5_000_000)
    selection = reach.select("toolz/itertoolz.py", range(40, 42))
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from journeyman.tasks.baseline import Baseline

__all__ = ["MAX_CALLS", "Reach", "Selection"]

CALLS_AROUND_TEST = 10_000
"""What a test runner does around each test: two milliseconds, at five million calls a second."""

MAX_CALLS = 2_000_000
"""Of the tests of one verifier: four tenths of a second, less than a test runner takes to start."""

NUM_TESTS = 30
"""Tests that a verifier runs at least, where its files hold as many and the budget allows."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The tests of one verifier."""

    targets: tuple[str, ...]
    """Files, or functions of such whose tests together cost too much."""
    tests: tuple[str, ...]
    """Stable tests that the targets name, sorted."""
    duration_s: float
    """Seconds that the tests took in the baseline."""


class Reach:
    """Chooses tests of a baseline."""

    def __init__(self, baseline: Baseline, *, max_files: int, max_calls: int) -> None:
        self._baseline = baseline
        self._max_files = max_files
        self._max_calls = max_calls
        self._files: dict[str, list[str]] = defaultdict(list)
        self._tests: dict[str, list[str]] = defaultdict(list)
        for test, file in baseline.stable.items():
            function = baseline.narrowing.target_of(test)
            if function not in self._tests:
                self._files[file].append(function)
            self._tests[function].append(test)
        self._place = {test: number for number, test in enumerate(baseline.probe.tests)}

    def select(self, path: str, lines: Iterable[int]) -> Selection | None:
        """Return the tests for a change of these lines; None where no stable test reaches them."""
        return self.select_places({path: lines})

    def select_places(self, places: Mapping[str, Iterable[int]]) -> Selection | None:
        """Return the tests for a change of the lines of several files, by path."""
        reaching = {test for path in places for test in self._reaching(path, places[path])}
        ranked = self._ranked_files(reaching)
        files = ranked[: self._max_files]
        if not files:
            return None
        if not self._baseline.narrowing.is_probed:
            # Where no line is recorded, any test may reach the change, and all are run.
            return self._selection(
                [], [one for file in sorted(ranked) for one in self._files[file]]
            )
        if not self._baseline.narrowing.can_run(files):
            return self._selection([*files], [f for file in files for f in self._files[file]])
        chosen = self._fitting(files, {self._target(test) for test in reaching})
        whole = self._whole_files(files, chosen)
        self._add_neighbours([file for file in files if file not in whole], chosen)
        targets = [f for f in chosen if self._file(f) not in whole]
        order = sorted(targets, key=lambda function: (self._file(function), self._at(function)))
        return self._selection([*sorted(whole), *order], chosen)

    def is_reached_by_costly(self, path: str, lines: Iterable[int]) -> bool:
        """Tell whether a test that is left out runs any of the lines."""
        return not self._baseline.costly.keys().isdisjoint(
            self._baseline.probe.tests_reaching(path, lines)
        )

    def _reaching(self, path: str, lines: Iterable[int]) -> set[str]:
        """Return the stable tests that run the lines.

        Lines that run outside of tests, when modules are imported, may concern any test that runs
        the file; so may any line where nothing was recorded.
        """
        probe = self._baseline.probe
        found = probe.tests_reaching(path, lines) if probe.reached else {""}
        if "" in found:
            found |= probe.tests_reaching(path, probe.reached.get(path, ()))
        known = (found - {""}) & self._baseline.stable.keys()
        return known or (set(self._baseline.stable) if "" in found else set())

    def _ranked_files(self, tests: Iterable[str]) -> list[str]:
        """Return the files of some tests, those with the most of them first.

        Benchmarks repeat what other tests show, slowly: they are taken where nothing else is.
        """
        found = Counter(self._baseline.stable[test] for test in tests)
        quick = [file for file in found if "bench" not in PurePosixPath(file).name]
        return sorted(quick or found, key=lambda file: (-found[file], file))

    def _fitting(self, files: list[str], reaching: set[str]) -> list[str]:
        """Take functions that reach the lines, the cheapest of each file first, while they fit."""
        chosen: list[str] = []
        left = self._max_calls
        for file in files:
            for function in sorted(self._files[file], key=lambda it: (self._cost(it), it)):
                if function not in reaching:
                    continue
                left -= self._cost(function)
                if chosen and left < 0:
                    return chosen
                chosen.append(function)
        return chosen

    def _whole_files(self, files: list[str], chosen: list[str]) -> set[str]:
        """Add all of those files that are cheap as a whole; return their names."""
        whole: set[str] = set()
        for file in files:
            taken = set(chosen)
            rest = [function for function in self._files[file] if function not in taken]
            cost = sum(map(self._cost, [*chosen, *rest]))
            is_costly = file in self._baseline.costly.values()
            if len(rest) < len(self._files[file]) and not is_costly and cost <= self._max_calls:
                chosen.extend(rest)
                whole.add(file)
        return whole

    def _add_neighbours(self, files: list[str], chosen: list[str]) -> None:
        """Add the cheapest other functions of the files, so that not only the bug is tested."""
        left = self._max_calls - sum(map(self._cost, chosen))
        missing = NUM_TESTS - sum(len(self._tests[function]) for function in chosen)
        taken = set(chosen)
        others = [f for file in files for f in self._files[file] if f not in taken]
        for function in sorted(others, key=lambda it: (self._cost(it), it)):
            left -= self._cost(function)
            if missing <= 0 or left < 0:
                return
            missing -= len(self._tests[function])
            chosen.append(function)

    def _selection(self, targets: Iterable[str], functions: Iterable[str]) -> Selection:
        tests = sorted(test for function in functions for test in self._tests[function])
        durations = self._baseline.probe.durations
        return Selection(
            targets=tuple(targets),
            tests=tuple(tests),
            duration_s=sum(durations.get(test, 0.0) for test in tests)
            if durations
            else self._baseline.duration_s,
        )

    def _target(self, test: str) -> str:
        return self._baseline.narrowing.target_of(test)

    def _file(self, function: str) -> str:
        return self._baseline.stable[self._tests[function][0]]

    def _at(self, function: str) -> int:
        return min(self._place.get(test, 0) for test in self._tests[function])

    def _cost(self, function: str) -> int:
        calls = self._baseline.probe.calls
        return sum(CALLS_AROUND_TEST + calls.get(test, 0) for test in self._tests[function])
