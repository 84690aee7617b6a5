"""Verification: run a hidden verifier in a fresh sandbox, read its log, grade."""

from journeyman.verify.grade import WAS_KILLED, Graded, grade
from journeyman.verify.log import list_parsers, parse_log, read_log
from journeyman.verify.tap_log import FILE_MARK
from journeyman.verify.touched import touched_paths
from journeyman.verify.verifier import VerifierRun, run_verifier

__all__ = [
    "FILE_MARK",
    "WAS_KILLED",
    "Graded",
    "VerifierRun",
    "grade",
    "list_parsers",
    "parse_log",
    "read_log",
    "run_verifier",
    "touched_paths",
]
