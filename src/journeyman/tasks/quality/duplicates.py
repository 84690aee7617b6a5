"""Tasks that are nearly the same as an earlier one, by MinHash signatures of their fixes and words.

Signatures and buckets are `rensa`'s (Broder 1997, "On the resemblance and containment of documents"); a
pair that they propose is compared exactly, so that chance removes nothing.

    >>> find_duplicates(())
    {}
"""

from __future__ import annotations

from collections.abc import Sequence

from rensa import RMinHash, RMinHashLSH

from journeyman.tasks.quality.text import changed_text, shingles
from journeyman.types import Task

__all__ = ["find_duplicates"]

NUM_PERMUTATIONS = 128
NUM_BANDS = 32
"""Of four rows each: two sets that are half the same meet in a bucket seven times in eight."""

SIZE = 3
SEED = 1


def find_duplicates(
    tasks: Sequence[Task], *, threshold: float = 0.85
) -> dict[str, tuple[str, float]]:
    """Return the tasks to remove, each with the earlier one that it resembles, and how much.

    Two tasks of one repository are alike where both their fixes' changed lines and their statements
    share `threshold` of their word groups; tasks of different repositories where their fixes do.
    """
    fixes = [shingles(changed_text(task), size=SIZE) for task in tasks]
    statements = [shingles(task.problem_statement, size=SIZE) for task in tasks]

    def likeness(one: int, other: int) -> float:
        fix = _jaccard(fixes[one], fixes[other])
        if tasks[one].repo != tasks[other].repo:
            return fix
        return min(fix, _jaccard(statements[one], statements[other]))

    found: dict[str, tuple[str, float]] = {}
    removed: set[int] = set()
    for one, other in _pairs(fixes, threshold):
        if one in removed or other in removed:
            continue
        value = likeness(one, other)
        if value >= threshold:
            removed.add(other)
            found[tasks[other].instance_id] = (tasks[one].instance_id, round(value, 3))
    return found


def _pairs(sets: Sequence[set[str]], threshold: float) -> list[tuple[int, int]]:
    """Return pairs that may be alike, the earlier first, in order."""
    lsh = RMinHashLSH(threshold=threshold, num_perm=NUM_PERMUTATIONS, num_bands=NUM_BANDS)
    found: list[tuple[int, int]] = []
    for number, items in enumerate(sets):
        if not items:
            continue
        signature = _signature(items)
        found += [(earlier, number) for earlier in sorted(lsh.query(signature))]
        lsh.insert(number, signature)
    return found


def _signature(items: set[str]) -> RMinHash:
    signature = RMinHash(num_perm=NUM_PERMUTATIONS, seed=SEED)
    signature.update(sorted(items))
    return signature


def _jaccard(one: set[str], other: set[str]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 1.0
