"""Prompts by digest: how a stage shows that it trains on none that an earlier one was trained on.

A training run keeps the digests of its prompts in `prompts.txt`, one a line, sorted.

    write_prompts(run.path, {prompt_digest(it.messages) for it in conversations})
    known = read_prompts(run.path)
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.runs import write_atomic
from journeyman.types import Message

__all__ = ["prompt_digest", "read_prompts", "write_prompts"]

_FILE = "prompts.txt"


def prompt_digest(messages: Iterable[Message]) -> str:
    """Return the SHA-256 of what is said before the assistant speaks, in hexadecimal.

    Roles and words count; templates, tools and the width of blanks do not.
    """
    opening = itertools.takewhile(lambda it: it.role != "assistant", messages)
    said = [(it.role, " ".join(it.content.split())) for it in opening]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def read_prompts(run: Path) -> frozenset[str]:
    """Return the digests of a run; none where it keeps none."""
    place = run / _FILE
    if not run.is_dir():
        raise JourneymanError(f"no run {run}", "give the folder of a run, as in runs/latest")
    return frozenset(place.read_text(encoding="ascii").split()) if place.is_file() else frozenset()


def write_prompts(run: Path, digests: Iterable[str]) -> None:
    """Add digests to those that a run keeps."""
    kept = sorted({*read_prompts(run), *digests})
    write_atomic(run / _FILE, "".join(f"{it}\n" for it in kept))
