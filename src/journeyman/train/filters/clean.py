"""All filters, one after the other, with what each took away.

kept, dropped = clean(files, CleanSettings())
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from journeyman.config import Config
from journeyman.train.documents import SourceFile

if TYPE_CHECKING:
    from journeyman.train.filters.duplicates import Duplicates

__all__ = ["CleanSettings", "clean"]


class CleanSettings(Config):
    """What of a corpus is left out."""

    poor: bool = True
    """Whether files go that machines wrote, that hold data, or that no parser reads."""
    similarity: float = Field(default=0.85, gt=0, le=1)
    """From how much in common files are near duplicates; 1 drops exact ones alone."""
    licences: tuple[str, ...] = ()
    """SPDX identifiers that a folder of the corpus must have one of; none takes any, `permissive` all
    that ask for a notice at most."""
    benchmarks: tuple[Path, ...] = ()
    """Benchmarks, as JSONL files or tasksets, whose words must not be in a file."""


def clean(
    files: Iterable[SourceFile], settings: CleanSettings, duplicates: Duplicates | None = None
) -> tuple[list[SourceFile], Counter[str]]:
    """Return the files of one folder that stay, in order, and how many went, by reason.

    `duplicates` knows the files of the folders before, so that what they hold goes too.
    """
    from journeyman.train.filters.contamination import Contamination
    from journeyman.train.filters.duplicates import Duplicates
    from journeyman.train.filters.licence import PERMISSIVE, find_licence, is_allowed
    from journeyman.train.filters.quality import why_poor

    files = list(files)
    dropped: Counter[str] = Counter()
    if settings.licences:
        allowed = {*settings.licences, *(PERMISSIVE if "permissive" in settings.licences else ())}
        found = find_licence(files)
        if not is_allowed(found, allowed):
            return [], Counter({f"licence {found or 'unknown'}": len(files)})
    known = Contamination.read(settings.benchmarks)
    kept: list[SourceFile] = []
    seen = duplicates or Duplicates(similarity=settings.similarity)
    for file in files:
        reason = seen.reason(file)
        poor = why_poor(file.path, file.text) if settings.poor and not reason else ""
        is_known = bool(not reason and not poor and len(known) and known.find(file.text))
        why = reason or poor or ("benchmark" if is_known else "")
        if why:
            dropped[why] += 1
        else:
            kept.append(file)
    return kept, dropped
