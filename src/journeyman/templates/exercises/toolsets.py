"""Tools as well-known coding agents declare them: their names and parameters, in our words.

Adherence must not hang on one scaffold's habits (Table 2 of the report measures five), so each set
differs in how it spells names, nests arguments and mixes types.
"""

from __future__ import annotations

from typing import Any

from journeyman.templates.exercises.exercise import ToolSet
from journeyman.types import ToolSpec

__all__ = ["TOOLSETS"]

Schema = dict[str, Any]


def _text(description: str, *choices: str) -> Schema:
    schema: Schema = {"type": "string", "description": description}
    return schema | {"enum": list(choices)} if choices else schema


def _whole(description: str) -> Schema:
    return {"type": "integer", "description": description}


def _number(description: str) -> Schema:
    return {"type": "number", "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _texts(description: str) -> Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _records(description: str, **fields: Schema) -> Schema:
    item = {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": "array", "items": item, "description": description}


def _tool(
    name: str,
    description: str,
    required: dict[str, Schema],
    optional: dict[str, Schema] | None = None,
) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": required | (optional or {}),
            "required": list(required),
        },
    )


_STATUS = ("pending", "in_progress", "completed")
_PATH = {"path": _text("Path of the file")}

_OPENHANDS = (
    _tool(
        "execute_bash",
        "Run a command in a shell that stays open.",
        {"command": _text("The command")},
        {
            "is_input": _text("Whether it is input for the running program", "true", "false"),
            "timeout": _number("Seconds to wait at most"),
        },
    ),
    _tool(
        "str_replace_editor",
        "View, create and edit files.",
        {
            "command": _text("What to do", "view", "create", "str_replace", "insert", "undo_edit"),
            "path": _text("Absolute path of the file"),
        },
        {
            "file_text": _text("The text of a new file"),
            "old_str": _text("The text to replace"),
            "new_str": _text("The text to put there"),
            "insert_line": _whole("The line after which to insert"),
            "view_range": {"type": "array", "items": {"type": "integer"}, "description": "Lines"},
        },
    ),
    _tool("think", "Write down a thought; nothing happens.", {"thought": _text("The thought")}),
    _tool(
        "finish",
        "Say that the work is over.",
        {
            "message": _text("What was done"),
            "task_completed": _text("Success", "true", "false", "partial"),
        },
    ),
)

_QWEN_CODE = (
    _tool(
        "read_file",
        "Read a file.",
        {"absolute_path": _text("Absolute path of the file")},
        {"offset": _whole("First line, from 0"), "limit": _whole("Most lines to read")},
    ),
    _tool(
        "write_file",
        "Write a file, replacing what was there.",
        {"file_path": _text("Absolute path of the file"), "content": _text("The new text")},
    ),
    _tool(
        "edit",
        "Replace a passage of a file.",
        {
            "file_path": _text("Absolute path of the file"),
            "old_string": _text("The passage as it stands"),
            "new_string": _text("The passage as it should be"),
        },
        {"expected_replacements": _whole("How often the passage occurs")},
    ),
    _tool(
        "run_shell_command",
        "Run a command with bash.",
        {"command": _text("The command"), "is_background": _flag("Whether not to wait for it")},
        {"description": _text("What it does, briefly"), "directory": _text("Where to run it")},
    ),
    _tool(
        "grep_search",
        "Search the contents of files with a regular expression.",
        {"pattern": _text("The regular expression")},
        {
            "path": _text("Folder to search"),
            "glob": _text("Which files"),
            "limit": _whole("Most lines"),
        },
    ),
    _tool(
        "list_directory",
        "List a folder.",
        {"path": _text("Absolute path")},
        {"ignore": _texts("Globs to leave out")},
    ),
    _tool(
        "todo_write",
        "Keep the list of what is to be done.",
        {
            "todos": _records(
                "The list",
                id=_text("Number"),
                content=_text("What"),
                status=_text("State", *_STATUS),
            )
        },
    ),
    _tool(
        "save_memory",
        "Remember a fact.",
        {"fact": _text("The fact")},
        {"scope": _text("For what", "global", "project")},
    ),
)

_CLAUDE_CODE = (
    _tool(
        "Bash",
        "Execute a command.",
        {"command": _text("The command")},
        {
            "timeout": _number("Milliseconds at most"),
            "description": _text("What it does, briefly"),
            "run_in_background": _flag("Whether not to wait for it"),
        },
    ),
    _tool(
        "Read",
        "Read a file.",
        {"file_path": _text("Absolute path of the file")},
        {"offset": _number("First line"), "limit": _number("Most lines to read")},
    ),
    _tool(
        "Edit",
        "Replace a passage in a file.",
        {
            "file_path": _text("Absolute path of the file"),
            "old_string": _text("The passage as it stands"),
            "new_string": _text("The passage as it should be"),
        },
        {"replace_all": _flag("Whether to replace every occurrence")},
    ),
    _tool(
        "MultiEdit",
        "Make several replacements in one file.",
        {
            "file_path": _text("Absolute path of the file"),
            "edits": _records(
                "The replacements, in order", old_string=_text("Old"), new_string=_text("New")
            ),
        },
    ),
    _tool(
        "Grep",
        "Search the contents of files.",
        {"pattern": _text("Regular expression")},
        {
            "path": _text("File or folder"),
            "glob": _text("Which files, e.g. *.js"),
            "output_mode": _text("What to show", "content", "files_with_matches", "count"),
            "-i": _flag("Whether to ignore case"),
            "-n": _flag("Whether to show line numbers"),
            "head_limit": _number("Most entries"),
        },
    ),
    _tool(
        "Glob",
        "Find files by a pattern.",
        {"pattern": _text("Glob pattern")},
        {"path": _text("Folder")},
    ),
    _tool(
        "TodoWrite",
        "Keep the list of tasks.",
        {
            "todos": _records(
                "The list",
                content=_text("What"),
                status=_text("State", *_STATUS),
                activeForm=_text("While it is being done"),
            )
        },
    ),
    _tool(
        "WebFetch",
        "Read a page and answer a question on it.",
        {"url": _text("The URL"), "prompt": _text("The question")},
    ),
    _tool(
        "Task",
        "Let another agent do a piece of work.",
        {
            "description": _text("The work in a few words"),
            "prompt": _text("The work in full"),
            "subagent_type": _text("Which agent", "general-purpose", "explorer", "reviewer"),
        },
    ),
)

_CODEX = (
    _tool(
        "shell",
        "Run a program with its arguments.",
        {"command": _texts("Program and arguments")},
        {"workdir": _text("Folder to run it in"), "timeout_ms": _number("Milliseconds at most")},
    ),
    _tool("apply_patch", "Change files by a patch.", {"input": _text("The text of the patch")}),
    _tool(
        "update_plan",
        "Say what the plan is.",
        {"plan": _records("The steps", step=_text("What"), status=_text("State", *_STATUS))},
        {"explanation": _text("Why it changed")},
    ),
    _tool("view_image", "Look at an image.", {"path": _text("Path of the image")}),
)

_CLINE = (
    _tool("read_file", "Read the whole of a file.", _PATH),
    _tool("write_to_file", "Write a file.", _PATH | {"content": _text("The whole new text")}),
    _tool(
        "replace_in_file",
        "Change parts of a file.",
        _PATH | {"diff": _text("Search and replace blocks")},
    ),
    _tool(
        "search_files",
        "Search all files below a folder.",
        {"path": _text("The folder"), "regex": _text("The regular expression")},
        {"file_pattern": _text("Which files")},
    ),
    _tool(
        "list_files",
        "List the files of a folder.",
        {"path": _text("The folder")},
        {"recursive": _flag("Also folders below")},
    ),
    _tool(
        "execute_command",
        "Run a command on the user's machine.",
        {
            "command": _text("The command"),
            "requires_approval": _flag("Whether the user must agree first"),
        },
    ),
    _tool(
        "ask_followup_question",
        "Ask the user.",
        {"question": _text("The question")},
        {"options": _texts("Answers to choose from")},
    ),
    _tool(
        "attempt_completion",
        "Present the result.",
        {"result": _text("The result")},
        {"command": _text("A command that shows it")},
    ),
)

_OPENCODE = (
    _tool(
        "bash",
        "Run a command.",
        {"command": _text("The command"), "description": _text("What it does")},
        {"timeout": _whole("Milliseconds at most")},
    ),
    _tool(
        "read",
        "Read a file.",
        {"filePath": _text("The file")},
        {"offset": _whole("First line"), "limit": _whole("Most lines")},
    ),
    _tool(
        "edit",
        "Replace a text in a file.",
        {"filePath": _text("The file"), "oldString": _text("Old"), "newString": _text("New")},
        {"replaceAll": _flag("Every occurrence")},
    ),
    _tool("write", "Write a file.", {"content": _text("The text"), "filePath": _text("The file")}),
    _tool(
        "grep",
        "Search files.",
        {"pattern": _text("Expression")},
        {"path": _text("Folder"), "include": _text("Which files")},
    ),
    _tool(
        "webfetch",
        "Fetch a page.",
        {"url": _text("The URL"), "format": _text("As what", "text", "markdown", "html")},
        {"timeout": _number("Seconds at most")},
    ),
)

_TERMINAL = (
    _tool(
        "send_keys",
        "Type into the terminal.",
        {"keystrokes": _text("What to type"), "duration": _number("Seconds to wait afterwards")},
        {"is_blocking": _flag("Whether to wait for the prompt")},
    ),
    _tool(
        "read_screen",
        "Look at the terminal.",
        {},
        {"num_lines": _whole("How many lines of history")},
    ),
    _tool("mark_complete", "Say that the task is done.", {}),
)

TOOLSETS: dict[str, ToolSet] = {
    name: ToolSet(name=name, tools=tools)
    for name, tools in {
        "openhands": _OPENHANDS,
        "qwen_code": _QWEN_CODE,
        "claude_code": _CLAUDE_CODE,
        "codex": _CODEX,
        "cline": _CLINE,
        "opencode": _OPENCODE,
        "terminal": _TERMINAL,
    }.items()
}
"""By the name of the agent; `functions.draw_toolset` makes any number of others."""
