"""What `journeyman doctor` says about models. Looks without importing anything heavy.

>>> [check.name for check in diagnose()][:1]
['uv']
"""

from __future__ import annotations

import importlib.util
import os
import shutil

from journeyman.programs import find_uv
from journeyman.types import Check

__all__ = ["diagnose"]

_WANTED_MEMORY_BYTES = 2 << 30


def diagnose() -> list[Check]:
    """Look for what opening a model needs: `uv`, the `llama` extra and memory."""
    return [_uv(), _llama(), _memory()]


def _uv() -> Check:
    path = find_uv()
    return Check(
        name="uv",
        is_ok=path is not None,
        detail=path or "not found; environments and the small model are fetched with it",
        fix="" if path else "make setup",
    )


def _llama() -> Check:
    has_library = importlib.util.find_spec("xllamacpp") is not None
    program = shutil.which("llama-server")
    is_there = has_library or program is not None
    return Check(
        name="llama.cpp",
        is_ok=is_there,
        detail="xllamacpp is installed" if has_library else program or "xllamacpp is missing",
        fix="" if is_there else "uv sync --extra llama",
        is_required=False,
    )


def _memory() -> Check:
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Check(
        name="memory",
        is_ok=available >= _WANTED_MEMORY_BYTES,
        detail=f"{available / 2**30:.1f} GiB free",
        fix="" if available >= _WANTED_MEMORY_BYTES else "close other programs",
        is_required=False,
    )
