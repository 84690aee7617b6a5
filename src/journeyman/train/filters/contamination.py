"""Benchmarks' own words, which must not be trained on.

Known are the benchmarks' texts as runs of 13 words (GPT-3, arXiv 2005.14165, appendix C); a document
that holds one of the rarer ones is contaminated. Runs that the corpus says again and again (licences,
imports) are no evidence, so a run must hold enough different words.

    known = Contamination(["Given a list of numbers, return …"])
    known.find(text)          # the first run that it shares, or nothing
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.runs import read_jsonl

__all__ = ["Contamination"]

_WORD = re.compile(r"\w+")
_RUN = 13
_LEAST_DIFFERENT = 8
_NAMES = "problem_statement patch test_patch prompt canonical_solution question text solution"
_FIELDS = frozenset(_NAMES.split())


class Contamination:
    """Runs of words that benchmarks hold."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs = {run for text in texts for run in _runs(text)}

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Contamination:
        """Read benchmarks: JSONL files of instances, or folders of tasksets."""
        return cls(text for path in paths for text in _texts(path))

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, text: str) -> str:
        """Return the first run of words that a text shares with a benchmark; nothing if none."""
        return next((" ".join(run) for run in _runs(text) if run in self._runs), "")


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(text)]
    for start in range(len(words) - _RUN + 1):
        run = tuple(words[start : start + _RUN])
        if len(set(run)) >= _LEAST_DIFFERENT:
            yield run


def _texts(path: Path) -> Iterator[str]:
    file = path / "tasks.jsonl" if path.is_dir() else path
    if not file.is_file():
        raise JourneymanError(
            f"no benchmark at {path}", "give a JSONL file of instances, or a taskset's folder"
        )
    for record in read_jsonl(file):
        if isinstance(record, Mapping):
            yield from (_plain(record[name]) for name in sorted(_FIELDS & record.keys()))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
