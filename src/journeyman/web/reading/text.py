"""Untrusted text made safe to look at: control characters are seen, nothing acts, nothing is endless.

>>> visible("a\x1b[31mb\u202e")
'a⟨ESC⟩[31mb⟨U+202E⟩'
"""

from __future__ import annotations

import re

__all__ = ["cut", "size_words", "visible"]

# fmt: off
_CONTROLS = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO",
    "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS",
    "GS", "RS", "US",
)
# fmt: on
# Line feeds and tabs stay; other controls are named; what reorders, hides or breaks text is spelled.
_NAMED = {code: f"⟨{name}⟩" for code, name in enumerate(_CONTROLS) if code not in (9, 10)}
_NAMED[0x7F] = "⟨DEL⟩"
_SPELLED = re.compile(
    "[\u0080-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Return text in which nothing is hidden: names of controls, `⟨U+XXXX⟩` for what has none."""
    if text.isascii():
        return text if text.isprintable() else text.translate(_NAMED)
    return _SPELLED.sub(_spell, text.translate(_NAMED))


def cut(text: str, most: int) -> tuple[str, int]:
    """Return at most `most` characters, at a line's end where one is near, and how many are left."""
    if len(text) <= most:
        return text, 0
    end = text.rfind("\n", most - most // 8, most)
    end = most if end < 0 else end
    return text[:end], len(text) - end


def size_words(num_bytes: float) -> str:
    """Return a size for people.

    >>> size_words(3_200_000)
    '3.2 MB'
    """
    for unit in ("B", "kB", "MB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} {unit}" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} GB"


def _spell(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"
