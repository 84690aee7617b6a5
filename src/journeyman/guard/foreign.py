"""Regular expressions that an agent wrote: compiled quietly, and only where they end soon.

>>> compile_foreign("(a+)+$") is None, compile_foreign("a+") is None
(True, False)
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

__all__ = ["compile_foreign"]

_NESTED = re.compile(r"[*+}][^()\[\]]*\)[*+{?]|\\\d|\)\s*[*+]|\(\?")
_MOST_CHARACTERS = 400
_MOST_GAPS = 4


@lru_cache(maxsize=512)
def compile_foreign(pattern: str) -> re.Pattern[str] | None:
    """Compile a pattern; None if it is malformed, long, or may backtrack without end."""
    num_gaps = sum(map(pattern.count, (".*", ".+", r"[\s\S]*")))
    if len(pattern) > _MOST_CHARACTERS or num_gaps > _MOST_GAPS or _NESTED.search(pattern):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
