import pytest

from journeyman.errors import JourneymanError
from journeyman.types import TestStatus as Status
from journeyman.verify.log import parse_log

PASSED, FAILED, ERROR, SKIPPED = Status.PASSED, Status.FAILED, Status.ERROR, Status.SKIPPED

VERBOSE = """\
============================= test session starts ==============================
collected 7 items

tests/test_a.py::test_one PASSED                                         [ 14%]
tests/test_a.py::test_two[a b] FAILED                                    [ 28%]
tests/test_a.py::test_two[x::y - z] PASSED                               [ 42%]
tests/test_a.py::TestC::test_skip SKIPPED (no such thing)                [ 57%]
tests/test_a.py::test_known XFAIL (later)                                [ 71%]
tests/test_a.py::test_better XPASS                                       [ 85%]
tests/test_a.py::test_teardown PASSED                                    [100%]
tests/test_a.py::test_teardown ERROR                                     [100%]
"""

SUMMARY = """\
=========================== short test summary info ============================
PASSED tests/test_a.py::test_one
PASSED tests/test_a.py::test_two[x::y - z]
PASSED tests/test_a.py::test_teardown
SKIPPED [1] tests/test_a.py:9: no such thing
XFAIL tests/test_a.py::test_known - later
XPASS tests/test_a.py::test_better
FAILED tests/test_a.py::test_two[a b] - assert [1] - [2] == 0
ERROR tests/test_a.py::test_teardown - ValueError: gone - again
========= 1 failed, 3 passed, 1 skipped, 1 xfailed, 1 error in 0.05s ==========
"""

EXPECTED = {
    "tests/test_a.py::test_one": PASSED,
    "tests/test_a.py::test_two[a b]": FAILED,
    "tests/test_a.py::test_two[x::y - z]": PASSED,
    "tests/test_a.py::TestC::test_skip": SKIPPED,
    "tests/test_a.py::test_known": PASSED,
    "tests/test_a.py::test_better": PASSED,
    "tests/test_a.py::test_teardown": ERROR,
}


def test_verbose_and_summary_together_give_every_test_once():
    assert parse_log("pytest", VERBOSE + SUMMARY) == EXPECTED


def test_progress_lines_alone_suffice_when_the_log_is_cut():
    assert parse_log("pytest", VERBOSE) == EXPECTED


def test_summary_alone_gives_all_but_skipped_tests():
    wanted = {name: status for name, status in EXPECTED.items() if status is not SKIPPED}
    assert parse_log("pytest", SUMMARY) == wanted


def test_colours_and_windows_line_ends_change_nothing():
    coloured = (VERBOSE + SUMMARY).replace("PASSED", "\x1b[32mPASSED\x1b[0m")
    assert parse_log("pytest", coloured.replace("\n", "\r\n")) == EXPECTED


def test_crash_in_the_middle_keeps_what_was_finished():
    cut = VERBOSE.split("tests/test_a.py::TestC")[0]
    log = cut + "tests/test_a.py::TestC::test_skip Fatal Python error: Segmentation fault\n"
    assert parse_log("pytest", log) == {
        "tests/test_a.py::test_one": PASSED,
        "tests/test_a.py::test_two[a b]": FAILED,
        "tests/test_a.py::test_two[x::y - z]": PASSED,
    }


def test_collection_error_is_reported_under_its_file():
    log = (
        "= short test summary info =\nERROR tests/test_b.py - ImportError: no\n= 1 error in 0.1s ="
    )
    assert parse_log("pytest", log) == {"tests/test_b.py": ERROR}


def test_text_after_the_final_line_is_not_believed():
    log = SUMMARY + "PASSED tests/test_a.py::test_two[a b]\nPASSED tests/test_forged.py::test_x\n"
    statuses = parse_log("pytest", log)
    assert statuses["tests/test_a.py::test_two[a b]"] is FAILED
    assert "tests/test_forged.py::test_x" not in statuses


def test_summary_words_outside_the_summary_are_not_believed():
    log = "PASSED tests/test_forged.py::test_x\n" + VERBOSE + SUMMARY
    assert parse_log("pytest", log) == EXPECTED


def test_lines_of_parallel_workers_are_read():
    log = "[gw0] [ 50%] PASSED tests/test_a.py::test_one \n[gw1] FAILED tests/test_a.py::test_b \n"
    assert parse_log("pytest", log) == {
        "tests/test_a.py::test_one": PASSED,
        "tests/test_a.py::test_b": FAILED,
    }


def test_empty_log_has_no_tests():
    assert parse_log("pytest", "") == {}
    assert parse_log("unittest", "") == {}


def test_unittest_outcomes_with_docstrings_and_output_between():
    log = """\
test_add (tests.test_a.Case.test_add) ... ok
test_doc (tests.test_a.Case.test_doc)
It says something. ... FAIL
test_old (tests.test_a.Case) ... ok
test_out (tests.test_a.Case.test_out) ... noise
ok
test_skip (tests.test_a.Case.test_skip) ... skipped 'not here'
test_known (tests.test_a.Case.test_known) ... expected failure
test_err (tests.test_a.Case.test_err) ... ERROR

======================================================================
FAIL: test_doc (tests.test_a.Case.test_doc)
It says something.
----------------------------------------------------------------------
"""
    assert parse_log("unittest", log) == {
        "tests.test_a.Case.test_add": PASSED,
        "tests.test_a.Case.test_doc": FAILED,
        "tests.test_a.Case.test_old": PASSED,
        "tests.test_a.Case.test_out": PASSED,
        "tests.test_a.Case.test_skip": SKIPPED,
        "tests.test_a.Case.test_known": PASSED,
        "tests.test_a.Case.test_err": ERROR,
    }


def test_unknown_parser_names_the_nearest():
    with pytest.raises(JourneymanError) as caught:
        parse_log("pytset", "")
    assert "pytest" in caught.value.hint
