"""Runs inside a sandbox: ties the probe to pytest, as a plugin."""

import pytest
from journeyman_probe import Recorder

RECORDER = Recorder()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    RECORDER.start_test()
    yield
    RECORDER.end_test(item.nodeid)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_call(item):
    RECORDER.start_calls()
    yield
    RECORDER.end_calls(item.nodeid)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed and call.excinfo is not None:
        path = str(getattr(item, "path", None) or item.fspath)
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        RECORDER.add_failure(item.nodeid, path, call.excinfo.value, parameters)


def pytest_sessionfinish(session):
    RECORDER.save()
