"""Evaluation: suites and repositories as benchmarks, agents compared, and how sure the answer is."""

from journeyman.evals.comparison import PairedComparison, compare_rates, num_tasks_needed
from journeyman.evals.statistics import bootstrap_mean, pass_at_k, wilson

__all__ = [
    "PairedComparison",
    "bootstrap_mean",
    "compare_rates",
    "num_tasks_needed",
    "pass_at_k",
    "wilson",
]
