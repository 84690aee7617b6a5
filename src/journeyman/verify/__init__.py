"""Verification: run a hidden verifier in a fresh sandbox, read its log, grade."""

from journeyman.verify.log import list_parsers, parse_log

__all__ = ["list_parsers", "parse_log"]
