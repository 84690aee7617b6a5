"""Durations as people write them, in seconds."""

import re

UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_NAMES = {
    "week": "w", "weeks": "w",
    "day": "d", "days": "d",
    "hour": "h", "hours": "h",
    "min": "m", "minute": "m", "minutes": "m",
    "sec": "s", "second": "s", "seconds": "s",
}  # fmt: skip


def parse_duration(text):
    """Return the seconds of `1h 30m`, `2 days`, `90` or `-5s`; ValueError for anything else."""
    cleaned = text.strip().lower()
    sign = 1
    if cleaned.startswith("-"):
        sign = -1
        cleaned = cleaned[1:].lstrip()
    if not cleaned:
        raise ValueError("an empty duration")
    try:
        return sign * float(cleaned)
    except ValueError:
        pass
    total = 0.0
    position = 0
    for match in _PART.finditer(cleaned):
        if cleaned[position : match.start()].strip(" ,"):
            raise ValueError(f"not a duration: {text!r}")
        unit = _NAMES.get(match.group(2), match.group(2))
        if unit not in UNITS:
            raise ValueError(f"unknown unit: {match.group(2)!r}")
        total += float(match.group(1)) * UNITS[unit]
        position = match.end()
    if position == 0 or cleaned[position:].strip():
        raise ValueError(f"not a duration: {text!r}")
    return sign * total


def format_duration(seconds, max_parts=2):
    """Write whole seconds with the largest units first: `1h 30m`; at most `max_parts` parts."""
    if max_parts < 1:
        raise ValueError("max_parts must be at least 1")
    left = int(round(abs(seconds)))
    if left == 0:
        return "0s"
    parts = []
    for unit, size in UNITS.items():
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
        if len(parts) == max_parts:
            break
    text = " ".join(parts)
    return "-" + text if seconds < 0 else text
