"""Runs inside a sandbox in the place of `python -m unittest`: the same, with the probe."""

import os
import sys
import unittest

from journeyman_probe import Recorder

RECORDER = Recorder()


class Result(unittest.TextTestResult):
    def startTest(self, test):
        RECORDER.start_test()
        super().startTest(test)
        RECORDER.start_calls()

    def stopTest(self, test):
        RECORDER.end_calls(test.id())
        super().stopTest(test)
        RECORDER.end_test(test.id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        keep(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        keep(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            keep(test, err)


class Runner(unittest.TextTestRunner):
    resultclass = Result


def keep(test, err):
    module = sys.modules.get(type(test).__module__)
    path = os.path.abspath(getattr(module, "__file__", None) or os.curdir)
    RECORDER.add_failure(test.id(), path, err[1], {})


if __name__ == "__main__":
    try:
        unittest.main(module=None, argv=["python -m unittest", *sys.argv[1:]], testRunner=Runner)
    finally:
        RECORDER.save()
