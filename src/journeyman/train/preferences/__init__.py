"""Preferences: candidates compared in pairs by a judge, ranked, selected or learned from by DPO."""

from journeyman.train.preferences.judge import Verdict, compare_all, read_verdict
from journeyman.train.preferences.ranking import Comparison, rank, select

__all__ = ["Comparison", "Verdict", "compare_all", "rank", "read_verdict", "select"]
