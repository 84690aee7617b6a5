"""A patch in the forms that agents can carry out: shell commands, passages to replace, edit blocks."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from journeyman.types import ToolCall

__all__ = [
    "PATCH_FILE",
    "TURN_FILE",
    "Hunk",
    "edit_blocks",
    "hunks_of",
    "recorded_calls",
    "shell_commands",
]

# Linux refuses one argument of 128 KiB and more, and a command may travel as one.
_CHUNK_CHARACTERS = 96_000
PATCH_FILE = "/tmp/journeyman-oracle.patch"  # noqa: S108 - a path inside the sandbox
TURN_FILE = "turn.json"
"""What a turn that is judged by its calls is kept in: `{"calls": […], "errors": […]}`, on one line."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """A passage of a file, and what stands there instead."""

    path: str
    old: str
    """Empty for a file that is made."""
    new: str


def recorded_calls(patch: str) -> tuple[ToolCall, ...] | None:
    """Return the calls of a patch that is a recorded turn and nothing else; None for any other."""
    if f"+++ b/{TURN_FILE}\n" not in patch or patch.count("\n+++ ") != 1:
        return None
    line = patch.rstrip("\n").rpartition("\n+")[2]
    return tuple(
        ToolCall.model_validate(call | {"id": f"call_{index}"})
        for index, call in enumerate(json.loads(line)["calls"])
    )


def shell_commands(patch: str, *, longest: int = _CHUNK_CHARACTERS) -> list[str]:
    """Return commands that apply `patch`, one after another, whatever its bytes; mostly a single one."""
    if not patch:
        return ["true"]
    encoded = base64.b64encode(patch.encode("utf-8", "surrogateescape")).decode()
    commands = [
        f"printf %s '{encoded[start : start + longest]}' >> {PATCH_FILE}.base64"
        for start in range(0, len(encoded), longest)
    ]
    applying = (
        f"base64 -d {PATCH_FILE}.base64 > {PATCH_FILE}"
        f" && git apply --whitespace=nowarn {PATCH_FILE}"
        f" && rm {PATCH_FILE} {PATCH_FILE}.base64"
    )
    if len(commands) == 1:
        return [f"{commands[0]} && {applying}"]
    return [*commands, applying]


def hunks_of(patch: str) -> list[Hunk] | None:
    """Return the passages that `patch` changes; None where it does what passages cannot say."""
    try:
        files = PatchSet(patch)
    except UnidiffParseError:
        return None
    hunks = []
    for file in files:
        if file.is_removed_file or file.is_rename or file.is_binary_file:
            return None
        for hunk in file:
            old = "".join(line.value for line in hunk if line.is_context or line.is_removed)
            new = "".join(line.value for line in hunk if line.is_context or line.is_added)
            hunks.append(Hunk(file.path, old, new))
    return hunks


def edit_blocks(patch: str) -> str:
    """Return `patch` as search-and-replace blocks, as Aider reads them in an answer."""
    blocks = ["The cause is known; this is the fix."]
    for hunk in hunks_of(patch) or ():
        blocks.append(
            f"{hunk.path}\n```\n<<<<<<< SEARCH\n{hunk.old}=======\n{hunk.new}>>>>>>> REPLACE\n```"
        )
    return "\n\n".join(blocks)
