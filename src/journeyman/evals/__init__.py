"""Evaluation: suites, statistics and reports."""
