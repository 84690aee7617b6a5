"""Suites, pass@k with intervals, comparison reports."""

from journeyman.evals.statistics import bootstrap_mean, pass_at_k, wilson

__all__ = ["bootstrap_mean", "pass_at_k", "wilson"]
