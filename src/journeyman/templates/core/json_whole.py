"""Read a JSON object with the C parser, where all of its text is at hand and nothing needs mending.

Not the reader of malformed JSON: `json_scan` is, and what is read here is exactly what it would have
read without a fault. Anything else is refused, and the text left to it.

    >>> cursor = Cursor(); cursor.push('{"a": [1]} and so on'); take_object(cursor)
    {'a': [1]}
    >>> cursor.push('{"a": [1,]}'); take_object(cursor) is None
    True
"""

from __future__ import annotations

import re
from json.decoder import JSONDecoder
from typing import Any

from journeyman.templates.core.coercion import is_too_deep
from journeyman.templates.core.cursor import Cursor
from journeyman.templates.core.json_scan import read_number

__all__ = ["take_object"]

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_MAYBE_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_FEW = 64
"""So many values are looked at one by one, sooner than all of the text; they cannot be too deep."""


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; one that hides a value behind another of its name is refused."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is given twice")
    return made


_decode = JSONDecoder(
    parse_int=read_number,
    parse_float=read_number,
    parse_constant=_refuse,
    object_pairs_hook=_object,
).raw_decode


def take_object(cursor: Cursor) -> dict[str, Any] | None:
    """Take the object at which the cursor stands; None, and nothing taken, where it is refused.

    After the first refusal nothing more is tried, or text that is refused again and again would
    take quadratic time.
    """
    if cursor.is_mended:
        return None
    text, start = cursor.text, cursor.at
    try:
        value, end = _decode(text, start)
    except (ValueError, RecursionError):
        value, end = None, start
    if not isinstance(value, dict) or _is_odd(text, start, end, value):
        cursor.is_mended = True
        return None
    cursor.at = end
    return value


def _is_odd(text: str, start: int, end: int, value: dict[str, Any]) -> bool:
    """Whether the C parser takes more than `json_scan` does without a fault."""
    values: list[Any] = [value]
    for inner in values:
        if isinstance(inner, str):
            if not inner.isascii() and _HALF_PAIR.search(inner):
                return True
        elif isinstance(inner, dict):
            values += [*inner, *inner.values()]
        elif isinstance(inner, list):
            values += inner
        if len(values) > _FEW:
            break
    else:
        return False
    return bool(_MAYBE_HALF_PAIR.search(text, start, end)) or is_too_deep(value)
