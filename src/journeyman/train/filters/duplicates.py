"""Exact and near duplicates, of which the first one stays.

Exact ones are equal but for white space. Near ones share most of their runs of five words: found by
MinHash and bands (Broder 1997), which the library `rensa` computes, in time that grows with the corpus
and not with its square.

    duplicates = Duplicates(similarity=0.85)
    kept = [file for file in files if not duplicates.reason(file)]
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from rensa import RMinHash, RMinHashLSH

from journeyman.train.documents import SourceFile

__all__ = ["Duplicates", "drop_duplicates"]

_WORD = re.compile(r"\w+|[^\w\s]")
_RUN = 5
_NUM_HASHES = 128


class Duplicates:
    """What was seen so far, of one folder or of many."""

    def __init__(self, *, similarity: float = 0.85) -> None:
        """Look for files that have so much in common, as a share; 1 looks for exact ones alone."""
        self._similarity = similarity
        self._seen: set[bytes] = set()
        self._sketches: list[RMinHash] = []
        self._bands = RMinHashLSH(similarity, _NUM_HASHES, _num_bands(similarity))

    def reason(self, file: SourceFile) -> str:
        """Say why a file is dropped, `duplicate` or `near duplicate`; nothing if it stays.

        A file is a near duplicate if the estimated share of its runs that it has in common with one
        that stays, of all runs of either (Jaccard), is at least the similarity.
        """
        key = hashlib.sha256("".join(file.text.split()).encode()).digest()
        if key in self._seen:
            return "duplicate"
        self._seen.add(key)
        if self._similarity < 1:
            sketch = _sketch(file.text)
            alike = (sketch.jaccard(self._sketches[it]) for it in self._bands.query(sketch))
            if any(it >= self._similarity for it in alike):
                return "near duplicate"
            self._bands.insert(len(self._sketches), sketch)
            self._sketches.append(sketch)
        return ""


def drop_duplicates(
    files: Iterable[SourceFile], *, similarity: float = 0.85
) -> Iterator[tuple[SourceFile, str]]:
    """Yield every file with why it is dropped: `duplicate`, `near duplicate`, or nothing if it stays."""
    duplicates = Duplicates(similarity=similarity)
    for file in files:
        yield file, duplicates.reason(file)


def _sketch(text: str) -> RMinHash:
    words = _WORD.findall(text)
    runs = {" ".join(words[at : at + _RUN]) for at in range(max(1, len(words) - _RUN + 1))}
    sketch = RMinHash(num_perm=_NUM_HASHES, seed=1)
    sketch.update(sorted(runs))
    return sketch


def _num_bands(similarity: float) -> int:
    """Return how many bands find nearly all pairs that similar: the curve's middle lies below it."""
    options = (1, 2, 4, 8, 16, 32, 64, 128)
    fitting = [it for it in options if (1 / it) ** (it / _NUM_HASHES) <= similarity - 0.1]
    return fitting[0] if fitting else options[-1]
