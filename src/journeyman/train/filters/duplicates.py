"""Exact and near duplicates, of which the first one stays.

Exact ones are equal but for white space. Near ones share most of their runs of five words: found by
MinHash and bands (Broder 1997), which the library `rensa` computes, in time that grows with the corpus
and not with its square.

    kept = drop_duplicates(files, similarity=0.85)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from rensa import RMinHash, RMinHashLSH

from journeyman.train.documents import SourceFile

__all__ = ["drop_duplicates"]

_WORD = re.compile(r"\w+|[^\w\s]")
_RUN = 5
_NUM_HASHES = 128


def drop_duplicates(
    files: Iterable[SourceFile], *, similarity: float = 0.85
) -> Iterator[tuple[SourceFile, str]]:
    """Yield every file with why it is dropped: `duplicate`, `near duplicate`, or nothing if it stays.

    A file is a near duplicate if the estimated share of its runs that it has in common with one that
    stays, of all runs of either (Jaccard), is at least `similarity`; 1 looks for exact ones alone.
    """
    seen: set[bytes] = set()
    sketches: list[RMinHash] = []
    bands = RMinHashLSH(similarity, _NUM_HASHES, _num_bands(similarity))
    for file in files:
        key = hashlib.sha256("".join(file.text.split()).encode()).digest()
        if key in seen:
            yield file, "duplicate"
            continue
        seen.add(key)
        if similarity < 1:
            sketch = _sketch(file.text)
            if any(sketch.jaccard(sketches[it]) >= similarity for it in bands.query(sketch)):
                yield file, "near duplicate"
                continue
            bands.insert(len(sketches), sketch)
            sketches.append(sketch)
        yield file, ""


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
