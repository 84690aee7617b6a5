"""Finds, among the tools that a client declares, those with which work can be done, by their schemas.

>>> bash = ToolSpec(name="Bash", parameters={"type": "object", "properties": {
...     "command": {"type": "string"}, "is_background": {"type": "boolean"}},
...     "required": ["command", "is_background"]})
>>> find_shell([bash]).call(command="ls").arguments
{'command': 'ls', 'is_background': False}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.types import ToolCall, ToolSpec

__all__ = ["Editor", "Hand", "find_editor", "find_ender", "find_shell"]

_COMMAND = ("command", "cmd", "commands", "script")
_PATH = ("file_path", "filePath", "absolute_path", "path", "target_file")
_OLD = ("old_string", "oldString", "old_str")
_NEW = ("new_string", "newString", "new_str")
_SHELL_NAME = re.compile(r"bash|shell|exec|terminal|command|run", re.IGNORECASE)
_READER_NAME = re.compile(r"read|view|cat|open", re.IGNORECASE)
_ENDER_NAME = re.compile(r"^(submit|finish|attempt_completion|task_complete)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hand:
    """A tool, and how its arguments are called."""

    spec: ToolSpec
    names: Mapping[str, str]
    """From our words (`command`, `path`, `old`, `new`) to the tool's."""

    def call(self, **values: str) -> ToolCall:
        """Return a call with these values, and something allowed for all else that is required."""
        properties: dict[str, Any] = self.spec.parameters.get("properties", {})
        arguments: dict[str, Any] = {}
        for word, value in values.items():
            name = self.names[word]
            is_list = properties[name].get("type") == "array"
            arguments[name] = ["bash", "-lc", value] if is_list else value
        for name in self.spec.parameters.get("required", ()):
            if name not in arguments:
                arguments[name] = _filler(properties.get(name, {}))
        return ToolCall(name=self.spec.name, arguments=arguments)


@dataclass(frozen=True, slots=True)
class Editor:
    """A tool that replaces a passage of a file, and the one that must have shown it before."""

    hand: Hand
    reader: Hand | None


def find_shell(tools: Sequence[ToolSpec]) -> Hand | None:
    """Return the tool that runs commands: named like one, with a command among its arguments."""
    hands = [Hand(tool, {"command": name}) for tool in tools if (name := _has(tool, _COMMAND))]
    fitting = [it for it in hands if not _has(it.spec, _PATH)]
    named = [it for it in fitting if _SHELL_NAME.search(it.spec.name)]
    return next(iter(named or fitting), None)


def find_editor(tools: Sequence[ToolSpec]) -> Editor | None:
    """Return the tool that replaces one passage by another, with its reader of files."""
    for tool in tools:
        path, old, new = (_has(tool, names) for names in (_PATH, _OLD, _NEW))
        if path and old and new and not _has(tool, _COMMAND):
            return Editor(Hand(tool, {"path": path, "old": old, "new": new}), _find_reader(tools))
    return None


def find_ender(tools: Iterable[ToolSpec]) -> Hand | None:
    """Return the tool that ends the agent's work, where there is one."""
    return next((Hand(tool, {}) for tool in tools if _ENDER_NAME.search(tool.name)), None)


def _find_reader(tools: Sequence[ToolSpec]) -> Hand | None:
    for tool in tools:
        path = _has(tool, _PATH)
        required = tool.parameters.get("required", ())
        if path and list(required) == [path] and _READER_NAME.search(tool.name):
            return Hand(tool, {"path": path})
    return None


def _has(tool: ToolSpec, names: Sequence[str]) -> str:
    properties = tool.parameters.get("properties", {})
    return next((name for name in names if name in properties), "")


def _filler(schema: Mapping[str, Any]) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    fillers: dict[str, Any] = {"boolean": False, "array": [], "object": {}}
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 0), 0)
    return fillers.get(str(kind), "apply the fix")
