"""Runs inside a sandbox: writes down what each test reaches and costs, and how tests fail.

It is copied there as text, imports nothing of Journeyman and needs Python 3.8. `JOURNEYMAN_PROBE`
names its output file; `JOURNEYMAN_SOURCES`, where set, a file that lists the source files whose
lines are to be recorded, one path a line; `JOURNEYMAN_MAX_CALLS` the calls of a test up to which
they are counted. Its neighbours find the lines and tie it to pytest and to unittest.
"""

import json
import os
import sys
import time

from journeyman_probe_lines import Hits

OUTPUT = os.environ.get("JOURNEYMAN_PROBE", "")
ROOT = os.getcwd()
MAX_FAILURES = 25
MAX_TEXT = 1500
# Counting slows a test down, so it ends where the test is known to be costly.
MAX_CALLS = int(os.environ.get("JOURNEYMAN_MAX_CALLS", "0"))


class Lines:
    """Which statements of which sources run, test by test."""

    def __init__(self, sources):
        self.hits = Hits(ROOT, sources)
        self.tests = [""]
        self.reached = {}

    def finish(self, test):
        """Attribute what ran since the last call to a test; "" is what ran outside of tests."""
        index = 0
        if test:
            index = len(self.tests)
            self.tests.append(test)
        for name, line in self.hits.take():
            tests = self.reached.setdefault(name, {}).setdefault(line, [])
            if not (tests and tests[-1] == index) and (index or 0 not in tests):
                tests.append(index)


class Calls:
    """How many calls, of Python and of C, a test makes: its cost, whatever else the machine does."""

    def __init__(self):
        self.read = lambda: 0
        self.of = {}

    def start(self):
        """Count from now on, in this thread."""
        left = 2 * MAX_CALLS  # each call is also an event when it returns

        def on_event(frame, event, argument):
            nonlocal left
            left -= 1
            if left <= 0:
                sys.setprofile(None)

        self.read = lambda: MAX_CALLS - left // 2
        sys.setprofile(on_event)

    def stop(self, test):
        """Keep the count as that of a test."""
        sys.setprofile(None)
        self.of[test] = self.of.get(test, 0) + self.read()


class Recorder:
    """What is written down of one test run."""

    def __init__(self):
        self.failures = []
        self.durations = {}
        self.started = 0.0
        self.calls = Calls()
        self.lines = None
        path = os.environ.get("JOURNEYMAN_SOURCES")
        if OUTPUT and path:
            with open(path, encoding="utf-8") as stream:
                self.lines = Lines([line for line in stream.read().split("\n") if line])
            self.lines.hits.install()

    def start_test(self):
        """Tell that a test begins."""
        if self.lines is not None:
            self.lines.finish("")
            self.started = time.perf_counter()

    def start_calls(self):
        """Tell that the test's own code begins."""
        if self.lines is not None and MAX_CALLS:
            self.calls.start()

    def end_calls(self, test):
        """Tell that the test's own code ended."""
        if self.lines is not None and MAX_CALLS:
            self.calls.stop(test)

    def end_test(self, test):
        """Tell that a test ended, with everything that belongs to it."""
        if self.lines is not None:
            self.lines.finish(test)
            self.durations[test] = time.perf_counter() - self.started

    def add_failure(self, test, path, error, parameters):
        """Keep the exception of a failed test, and the line of the test's file that led to it."""
        if len(self.failures) >= MAX_FAILURES:
            return
        line = 0
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == path:
                line = trace.tb_lineno
            elif line:
                break  # what is called back from there, e.g. a lambda, says less
            trace = trace.tb_next
        self.failures.append(
            {
                "test": test,
                "path": os.path.relpath(path, ROOT),
                "line": line,
                "exception": type(error).__name__,
                "message": shown(error, str)[:MAX_TEXT],
                "parameters": {str(name): shown(parameters[name], repr) for name in parameters},
            }
        )

    def save(self):
        """Write the record through a rename."""
        if not OUTPUT:
            return
        record = {"failures": self.failures}
        if self.lines is not None:
            self.lines.finish("")
            record["tests"], record["reached"] = self.lines.tests, self.lines.reached
            record["calls"], record["durations"] = self.calls.of, self.durations
        os.makedirs(os.path.dirname(OUTPUT), exist_ok=True)
        with open(OUTPUT + ".part", "w", encoding="utf-8", errors="replace") as stream:
            json.dump(record, stream)
        os.replace(OUTPUT + ".part", OUTPUT)


def shown(value, show):
    """Return a value as text; "" where its own code fails."""
    try:
        return show(value)[:MAX_TEXT]
    except Exception:
        return ""
