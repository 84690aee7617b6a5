"""What the assistant is told before the user says anything."""

from __future__ import annotations

from pathlib import Path

__all__ = ["system_prompt"]

_SYSTEM = """\
You are a coding assistant in a terminal. You help the user with the project in {folder}.

Use the tools to look at the code before you say or change anything about it: `search` finds lines, \
`str_replace_editor` views and changes files, `bash` runs commands in {folder}.{network} The user sees \
every change and every command, and may refuse it: then ask, or do it another way. Make the smallest \
change that does what was asked, and check it. When you are done, say in a few words what you did; an \
answer without a tool call gives the word back to the user."""

_NOTES = ("AGENTS.md", "CLAUDE.md", "QWEN.md")
_MOST_CHARACTERS = 8000


def system_prompt(folder: Path, *, has_network: bool) -> str:
    """Return the prompt, with the project's own notes for agents where it has some."""
    network = "" if has_network else " There is no network."
    text = _SYSTEM.format(folder=folder, network=network)
    for name in _NOTES:
        try:
            notes = (folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        return f"{text}\n\nThe project says ({name}):\n\n{notes[:_MOST_CHARACTERS]}"
    return text
