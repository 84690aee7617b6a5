"""The assistant's tools: the shell, the editor and a search, in the user's folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from journeyman.assistant.approval import Approvals, Refused
from journeyman.assistant.folder import GuardedFolder
from journeyman.scaffolds.edit import Editor
from journeyman.scaffolds.editor import EDITOR_SPEC
from journeyman.scaffolds.tools import BASH, Tool, ToolContext, shorten
from journeyman.types import ToolSpec

__all__ = ["make_tools"]

_SEARCH_S = 30.0
_MOST_FOUND_CHARACTERS = 8000
_SEARCH = """\
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git -c core.fsmonitor=false grep -nIE --untracked -e {pattern} -- {path}
else
  grep -rnIE --exclude-dir=.git -e {pattern} -- {path}
fi | cut -c1-300 | head -n 200"""


def make_tools(folder: GuardedFolder, approvals: Approvals) -> tuple[Tool, ...]:
    """Return the tools; the editor remembers what it changed."""
    editor = Editor()

    async def run_bash(context: ToolContext, arguments: dict[str, Any]) -> str:
        try:
            approvals.command(arguments["command"])
        except Refused as refusal:
            return f"Error: {refusal}"
        return await BASH.run(context, arguments)

    async def run_editor(context: ToolContext, arguments: dict[str, Any]) -> str:
        path = str(folder.folder / arguments["path"])
        try:
            folder.check(path)
        except Refused as refusal:
            return f"Error: {refusal}"
        return await editor.run(context, {**arguments, "path": path})

    async def run_search(context: ToolContext, arguments: dict[str, Any]) -> str:
        path = folder.folder / arguments.get("path", ".")
        try:
            folder.check(str(path))
        except Refused as refusal:
            return f"Error: {refusal}"
        return await _search(context, arguments["pattern"], path.relative_to(folder.folder))

    where = f"in {folder.folder}"
    bash = BASH.spec.model_copy(
        update={"description": BASH.spec.description.replace("in /testbed", where)}
    )
    return (Tool(bash, run_bash), Tool(EDITOR_SPEC, run_editor), Tool(_SEARCH_SPEC, run_search))


async def _search(context: ToolContext, pattern: str, path: Path) -> str:
    command = _SEARCH.format(pattern=shlex.quote(pattern), path=shlex.quote(str(path)))
    done = await context.sandbox.execute(command, timeout_s=_SEARCH_S)
    found = done.stdout.decode("utf-8", "replace").strip()
    if done.stderr.strip() and not found:
        return f"Error: {shorten(done.stderr.decode('utf-8', 'replace').strip(), 500)}"
    return shorten(found, _MOST_FOUND_CHARACTERS) or "[nothing found]"


_SEARCH_SPEC = ToolSpec(
    name="search",
    description=(
        "Find lines that match an extended regular expression in the files of the project. Answers "
        "with path:line:text, at most 200 lines."
    ),
    parameters={
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "The regular expression."},
            "path": {"type": "string", "description": "A file or folder to look in; else all."},
        },
        "required": ["pattern"],
    },
)
