r"""Mends text that no file can hold: JSON may write half a character, which UTF-8 has no bytes for.

>>> mend({"a": ["\ud83d"]}) == {"a": ["\ufffd"]}
True
"""

from __future__ import annotations

from typing import Any

__all__ = ["mend"]


def mend(value: Any) -> Any:
    """Return a JSON value with every lone surrogate in its texts replaced by U+FFFD."""
    if isinstance(value, str):
        return (
            value
            if _is_whole(value)
            else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    if isinstance(value, dict):
        return {mend(key): mend(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mend(item) for item in value]
    return value


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
