"""What is wrong with tasks that run: copies, benchmarks' own, unfair statements, too easy, too hard."""

from journeyman.tasks.quality.contamination import (
    BenchmarkManifest,
    find_overlap,
    make_manifest,
    read_manifest,
    write_manifest,
)
from journeyman.tasks.quality.difficulty import BANDS, Difficulty, rate_difficulty
from journeyman.tasks.quality.duplicates import find_duplicates
from journeyman.tasks.quality.running import find_idle_verifier
from journeyman.tasks.quality.statements import Finding, ask_judge, judge_statement

__all__ = [
    "BANDS",
    "BenchmarkManifest",
    "Difficulty",
    "Finding",
    "ask_judge",
    "find_duplicates",
    "find_idle_verifier",
    "find_overlap",
    "judge_statement",
    "make_manifest",
    "rate_difficulty",
    "read_manifest",
    "write_manifest",
]
