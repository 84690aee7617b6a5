"""Run folders, append-only logs, and the ledger of what is owed, leased and done."""

from journeyman.runs.folder import RunFolder, slug
from journeyman.runs.ledger import Ledger
from journeyman.runs.stage import Attempt, Lease, Outcome, Owed
from journeyman.runs.storage import (
    JsonLines,
    JsonlWriter,
    append_jsonl,
    read_jsonl,
    scan_jsonl,
    write_atomic,
)
from journeyman.runs.trajectories import join_trajectories, read_trajectories

__all__ = [
    "Attempt",
    "JsonLines",
    "JsonlWriter",
    "Lease",
    "Ledger",
    "Outcome",
    "Owed",
    "RunFolder",
    "append_jsonl",
    "join_trajectories",
    "read_jsonl",
    "read_trajectories",
    "scan_jsonl",
    "slug",
    "write_atomic",
]
