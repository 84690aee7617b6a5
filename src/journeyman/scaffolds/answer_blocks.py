"""The fenced blocks of code in an answer.

>>> blocks_of("So:\\n```html index.html\\n<p>\\n```\\n")
[Block(language='html', path='index.html', code='<p>\\n')]
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

__all__ = ["Block", "blocks_of", "is_inside"]

_FENCE = re.compile(
    r"^(`{3,}|~{3,})[ \t]*([^\n`]*)\n(.*?)^\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL
)
_PATH = re.compile(r"[\w@./+-]+\.\w+|[\w@.+-]+/[\w@./+-]+")


class Block(NamedTuple):
    """One block of code, as it stands between its fences."""

    language: str
    path: str
    """The file that the fence names; empty where it names none."""
    code: str

    @property
    def is_diff(self) -> bool:
        """Whether it is a Git diff."""
        return self.language in ("diff", "patch") and "\n+++ " in f"\n{self.code}"


def blocks_of(text: str) -> list[Block]:
    """Return the closed blocks of a text that hold something, in order."""
    found = _FENCE.findall(text if text.endswith("\n") else f"{text}\n")
    return [_block(info, code) for _, info, code in found if code.strip()]


def is_inside(path: str) -> bool:
    """Tell whether a path stays in the folder that it is relative to, and out of its `.git`."""
    parts = PurePosixPath(path).parts
    return not path.startswith("/") and ".." not in parts and ".git" not in parts


def _block(info: str, code: str) -> Block:
    words = info.split()
    language = words[0].lower() if words else ""
    # `index.html` alone, `html index.html`, `html:index.html` and `html title="index.html"`
    candidates = re.split(r"[\s:=\"']+", info)
    path = next((word for word in candidates if _PATH.fullmatch(word)), "")
    return Block(language, path.removeprefix("./"), code)
