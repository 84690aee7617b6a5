"""What the peers' processes have in common: a request a line in, an answer a line out.

A request is `{"parser", "text", "tools"}`, with `pieces` instead of the text where it is to be
streamed; an answer is `{"content", "calls", "seconds"}`, calls as `[name, JSON text of the
arguments]`, `seconds` as a list of the one duration in processor time, or `{"error"}`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Fragment = tuple[int, str | None, str | None]
"""Index of a call, its name and a piece of its arguments, each where known."""


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer every request until there are no more; what a peer raises is an answer, too."""
    for line in sys.stdin:
        request = json.loads(line)
        started = time.thread_time()
        try:
            written = answer(request)
            written.setdefault("seconds", [time.thread_time() - started])
        except Exception as error:
            written = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(written), flush=True)  # noqa: T201


def joined(fragments: list[Fragment]) -> list[list[str]]:
    """Return `[name, JSON text of the arguments]` of every call."""
    names: dict[int, str] = {}
    texts: dict[int, list[str]] = {}
    for index, name, text in fragments:
        if name:
            names[index] = name
        texts.setdefault(index, []).append(text or "")
    return [[names.get(index, ""), "".join(texts[index])] for index in sorted(texts)]
