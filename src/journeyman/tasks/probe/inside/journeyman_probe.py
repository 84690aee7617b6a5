"""Runs inside a sandbox: writes down which lines each test reaches, and how tests fail.

It is copied there as text, imports nothing of Journeyman and needs Python 3.8. `JOURNEYMAN_PROBE`
names its output file; `JOURNEYMAN_SOURCES`, where set, a file that lists the source files whose
lines are to be recorded, one path a line. Its two neighbours tie it to pytest and to unittest.
"""

import json
import os
import sys
import threading

OUTPUT = os.environ.get("JOURNEYMAN_PROBE", "")
ROOT = os.getcwd()
MAX_FAILURES = 25
MAX_TEXT = 1500
# A test that runs the same code very often seldom finds new lines there: with tracing, which slows
# every line down, it would take minutes.
MAX_CALLS = 100
MAX_LINES = 2000
TOOL = 4


class Lines:
    """Which lines of which sources run, test by test."""

    def __init__(self, sources):
        self.names = {os.path.join(ROOT, name): name for name in sources}
        self.names.update({os.path.realpath(path): name for path, name in self.names.items()})
        self.current = set()
        self.calls = {}
        self.tests = []
        self.reached = {}

    def start(self):
        """Record from now on, with the cheapest means this interpreter has."""
        if hasattr(sys, "monitoring"):
            events = sys.monitoring
            events.use_tool_id(TOOL, "journeyman")
            events.register_callback(TOOL, events.events.LINE, self.on_line)
            events.set_events(TOOL, events.events.LINE)
        else:
            threading.settrace(self.on_call)
            sys.settrace(self.on_call)

    def on_line(self, code, line):
        """Take a line event; each line of a test is reported once."""
        name = self.names.get(code.co_filename)
        if name is not None:
            self.current.add((name, line))
        return sys.monitoring.DISABLE

    def on_call(self, frame, event, argument):
        """Follow calls into sources only."""
        code = frame.f_code
        name = self.names.get(code.co_filename)
        if name is None:
            return None
        num_calls = self.calls.get(code, 0)
        if num_calls >= MAX_CALLS:
            return None
        self.calls[code] = num_calls + 1
        current = self.current
        current.add((name, frame.f_lineno))
        left = MAX_LINES

        def on_event(frame, event, argument):
            nonlocal left
            if event == "line":
                current.add((name, frame.f_lineno))
                left -= 1
                if not left:
                    frame.f_trace_lines = False
            return on_event

        return on_event

    def finish(self, test):
        """Attribute what ran since the last call to a test; "" is what ran outside of tests."""
        index = len(self.tests)
        self.tests.append(test)
        for name, line in self.current:
            self.reached.setdefault(name, {}).setdefault(line, []).append(index)
        self.current.clear()
        self.calls.clear()
        if hasattr(sys, "monitoring"):
            sys.monitoring.restart_events()
        elif sys.gettrace() is None:
            sys.settrace(self.on_call)


class Recorder:
    """What is written down of one test run."""

    def __init__(self):
        self.failures = []
        self.lines = None
        path = os.environ.get("JOURNEYMAN_SOURCES")
        if OUTPUT and path:
            with open(path, encoding="utf-8") as stream:
                self.lines = Lines([line for line in stream.read().split("\n") if line])
            self.lines.start()

    def start_test(self):
        """Tell that a test begins."""
        if self.lines is not None:
            self.lines.finish("")

    def end_test(self, test):
        """Tell that a test ended, with everything that belongs to it."""
        if self.lines is not None:
            self.lines.finish(test)

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
        record = {"failures": self.failures, "tests": [], "reached": {}}
        if self.lines is not None:
            self.lines.finish("")
            record["tests"], record["reached"] = self.lines.tests, self.lines.reached
        with open(OUTPUT + ".part", "w", encoding="utf-8", errors="replace") as stream:
            json.dump(record, stream)
        os.replace(OUTPUT + ".part", OUTPUT)


def shown(value, show):
    """Return a value as text; "" where its own code fails."""
    try:
        return show(value)[:MAX_TEXT]
    except Exception:
        return ""
