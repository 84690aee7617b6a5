"""Demonstrations: how one who knows the fix would work, as scripts to be rolled out and graded.

A script only says what to call. Whether it solves its task, and what the tools answer, is found out by
rolling it out like any model; what fails is dropped by the filters of fine-tuning.

    scripts = demonstrate(taskset.tasks, scaffold="editor")
    write_scripts(scripts, Path("shown.json"))     # journeyman rollout … --model scripted:shown.json
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from journeyman.runs import write_atomic
from journeyman.types import Message, Task, ToolCall

__all__ = ["DemonstratedScaffold", "demonstrate", "write_scripts"]

DemonstratedScaffold = Literal["bash", "editor"]
_ROOT = "/testbed"
_AROUND = 12


def demonstrate(
    tasks: Iterable[Task], *, scaffold: DemonstratedScaffold
) -> dict[str, tuple[Message, ...]]:
    """Return a script for each task whose fix edits files that are there, by `instance_id`."""
    scripts: dict[str, tuple[Message, ...]] = {}
    for task in tasks:
        messages = _script(task, scaffold)
        if messages:
            scripts[task.instance_id] = messages
    return scripts


def write_scripts(scripts: Mapping[str, tuple[Message, ...]], path: Path) -> None:
    """Write scripts as `scripted:FILE` reads them."""
    plain = {
        name: [it.model_dump(exclude_defaults=True, exclude={"role"}) for it in messages]
        for name, messages in scripts.items()
    }
    write_atomic(path, json.dumps({"default": [], "scripts": plain}, indent=1) + "\n")


def _script(task: Task, scaffold: DemonstratedScaffold) -> tuple[Message, ...]:
    try:
        files = [it for it in PatchSet(task.patch) if it.is_modified_file]
    except UnidiffParseError:
        return ()
    if not files or len(files) != len(PatchSet(task.patch)):
        return ()
    steps: list[Message] = []
    for file in files:
        steps.append(_look(file, scaffold))
        steps += [_edit(file.path, old, new, scaffold) for old, new in _replacements(file)]
        steps.append(_check(file.path))
    return (*steps, _said("The fix is in place.", ToolCall(name="submit")))


def _replacements(file: PatchedFile) -> list[tuple[str, str]]:
    """Return old and new text of each hunk, whole lines."""
    return [
        ("".join(it[1:] for it in hunk.source), "".join(it[1:] for it in hunk.target))
        for hunk in file
    ]


def _look(file: PatchedFile, scaffold: DemonstratedScaffold) -> Message:
    first = max(1, file[0].source_start - _AROUND)
    last = file[0].source_start + file[0].source_length + _AROUND
    text = f"I look at {file.path}."
    if scaffold == "bash":
        return _said(text, _bash(f"sed -n '{first},{last}p' {shlex.quote(file.path)}"))
    arguments = {"command": "view", "path": f"{_ROOT}/{file.path}", "view_range": [first, last]}
    return _said(text, ToolCall(name="str_replace_editor", arguments=arguments))


def _edit(path: str, old: str, new: str, scaffold: DemonstratedScaffold) -> Message:
    text = "This is where it goes wrong."
    if scaffold == "editor":
        arguments = {
            "command": "str_replace",
            "path": f"{_ROOT}/{path}",
            "old_str": old,
            "new_str": new,
        }
        return _said(text, ToolCall(name="str_replace_editor", arguments=arguments))
    program = (
        f"from pathlib import Path\npath = Path({path!r})\ntext = path.read_text()\n"
        f"old = {old!r}\nnew = {new!r}\n"
        "assert text.count(old) == 1\npath.write_text(text.replace(old, new))\n"
    )
    return _said(text, _bash(f"python3 - <<'EDIT'\n{program}EDIT"))


def _check(path: str) -> Message:
    is_python = path.endswith(".py")
    command = f"python3 -m py_compile {shlex.quote(path)} && " if is_python else ""
    return _said("I check the change.", _bash(f"{command}git diff --stat"))


def _bash(command: str) -> ToolCall:
    return ToolCall(name="bash", arguments={"command": command})


def _said(text: str, call: ToolCall) -> Message:
    return Message(role="assistant", content=text, tool_calls=(call,))
