"""Scaffold `editor`: `bash` and an editor of files, as SWE-agent and OpenHands have."""

from __future__ import annotations

from journeyman.scaffolds.edit import Editor
from journeyman.scaffolds.loop import ToolLoop
from journeyman.scaffolds.tools import BASH, SUBMIT, Tool
from journeyman.types import ToolSpec

__all__ = ["EDITOR_SPEC", "make_editor"]

EDITOR_SPEC = ToolSpec(
    name="str_replace_editor",
    description=(
        "View, create and edit files. `view` shows a file with line numbers, or what is in a "
        "directory; `create` makes a new file; `str_replace` replaces one passage, given exactly, "
        "white space included; `insert` adds lines after a line; `undo_edit` takes back the last "
        "edit of a file."
    ),
    parameters={
        "type": "object",
        "properties": {
            "command": {
                "type": "string",
                "enum": ["view", "create", "str_replace", "insert", "undo_edit"],
                "description": "What to do.",
            },
            "path": {
                "type": "string",
                "description": "Absolute path of a file or directory, e.g. /testbed/file.py.",
            },
            "file_text": {"type": "string", "description": "For `create`: the whole file."},
            "old_str": {
                "type": "string",
                "description": "For `str_replace`: the passage to replace. It must occur once.",
            },
            "new_str": {
                "type": "string",
                "description": "For `str_replace`: what stands there instead (nothing if left out). "
                "For `insert`: the lines to add.",
            },
            "insert_line": {
                "type": "integer",
                "description": "For `insert`: the line after which to add; 0 adds at the top.",
            },
            "view_range": {
                "type": "array",
                "items": {"type": "integer"},
                "description": "For `view` of a file: [first, last] line; [first, -1] to the end.",
            },
        },
        "required": ["command", "path"],
    },
)


def make_editor() -> ToolLoop:
    """Return the scaffold; each conversation has an editor of its own."""
    return ToolLoop("editor", lambda: (BASH, Tool(EDITOR_SPEC, Editor().run), SUBMIT))
