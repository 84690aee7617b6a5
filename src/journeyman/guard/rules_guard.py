"""The guard of `--guard rules`: every tool call is read, whatever tool it is of.

Shell commands are run by the machine on strings alone; editors' paths and texts, browsers' addresses
and code cells go through the same rules. Calls that were allowed leave their files in the memory, so
that a script written by one call is read when a later one runs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from journeyman.guard.code.python import judge_python
from journeyman.guard.code.scripts import judge_script
from journeyman.guard.offence import Label, Offence, explain
from journeyman.guard.programs.registry import find_program
from journeyman.guard.rules import DefaultRules
from journeyman.guard.rules.reach import find_urls
from journeyman.guard.rules.startup import FileKind, kind_of
from journeyman.guard.shell.machine import Machine
from journeyman.guard.subject import Subject
from journeyman.guard.texts import strings_of
from journeyman.guard.world import World
from journeyman.types import GuardDecision, ToolCall

__all__ = ["RulesGuard"]

_SHELL_KEYS = (
    "command",
    "cmd",
    "commands",
    "keystrokes",
    "keys",
    "script",
    "bash",
    "shell_command",
    "input",
)
_CODE_KEYS = ("code", "source", "cell", "python", "javascript")
_URL_KEYS = ("url", "urls", "uri", "href", "link", "address", "website", "page")
_PATH_KEYS = (
    "path",
    "file_path",
    "filename",
    "file",
    "notebook_path",
    "absolute_path",
    "target_file",
    "paths",
    "directory",
    "dir",
)
_TEXT_KEYS = ("file_text", "content", "contents", "text", "new_content", "new_source")
_EDITOR_VERBS = ("view", "create", "str_replace", "insert", "undo_edit", "edit", "write", "read")
_UNREADABLE = "a command that cannot be read"
_OTHER_CODE = ("node", "javascript", "js", "typescript", "ruby", "perl", "php")


class RulesGuard:
    """The rules, with the memory of one conversation."""

    name = "rules"

    def __init__(self, subject: Subject) -> None:
        self._world = World(subject)

    def judge(self, call: ToolCall) -> GuardDecision:
        """Read a call; what it writes is remembered if it is allowed."""
        return self._judge(call, is_carried_out=False)

    def review(self, call: ToolCall) -> GuardDecision:
        """Read a call that was carried out; what it wrote is remembered whatever it did."""
        return self._judge(call, is_carried_out=True)

    def _judge(self, call: ToolCall, *, is_carried_out: bool) -> GuardDecision:
        offences: list[Offence] = []
        world = self._world
        for takes_else in (False, True):
            world = self._world.copy()
            machine = Machine(world, DefaultRules(), find_program, takes_else=takes_else)
            _read_call(machine, call)
            offences += [it for it in machine.offences if it not in offences]
            if not machine.has_choice:
                break  # the other way is the same
        if not offences or is_carried_out:
            self._world = world
        return GuardDecision(
            guard=self.name,
            tool=call.name,
            is_allowed=not offences,
            labels=tuple(it.label.value for it in offences),
            evidence=tuple(it.evidence for it in offences),
            feedback=explain(offences) if offences else "",
            call_id=call.id,
        )


def _read_call(machine: Machine, call: ToolCall) -> None:
    try:
        _dispatch(machine, call)
    except Exception as error:
        # The boundary of what an agent may write: a reader that fails must not fail the rollout.
        machine.report(Label.HIDDEN_COMMAND, f"{_UNREADABLE} ({type(error).__name__})")


def _dispatch(machine: Machine, call: ToolCall) -> None:
    arguments = call.arguments
    is_editor = (
        arguments.get("command") in _EDITOR_VERBS or _first(arguments, _PATH_KEYS) is not None
    )
    if is_editor:
        _edit(machine, call)
    for key in _SHELL_KEYS if not is_editor else ():
        _run(machine, arguments.get(key))
    language = str(arguments.get("language", call.name)).lower()
    for key in _CODE_KEYS if not is_editor else ():
        _code(machine, language, arguments.get(key))
    for key in _URL_KEYS:
        for url in strings_of(arguments.get(key)):
            _visit(machine, url)
    if re.search(r"search|browse|fetch|crawl|web|http|url|navigate|goto", call.name.lower()):
        for text in strings_of(arguments):
            _ask(machine, text)


def _first(arguments: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    found = (arguments.get(key) for key in keys)
    return next((it for it in found if isinstance(it, str)), None)


def _run(machine: Machine, command: Any) -> None:
    if isinstance(command, str):
        machine.run(command)
    elif isinstance(command, list) and command and all(isinstance(it, str) for it in command):
        if len(command) == 3 and re.search(r"sh$", command[0]) and command[1].startswith("-"):
            machine.run(command[2])
        else:
            quoted = " ".join("'" + it.replace("'", "'\\''") + "'" for it in command)
            machine.run(quoted)


def _code(machine: Machine, language: str, code: Any) -> None:
    if not isinstance(code, str):
        return
    if any(it in language for it in _OTHER_CODE):
        judge_script(machine, "node", code)
    elif re.search(r"bash|shell|terminal|\bsh\b", language):
        machine.run(code)
    else:
        judge_python(machine, code)


def _visit(machine: Machine, url: str) -> None:
    if url.startswith("file:"):
        machine.read(re.sub(r"^file:/*", "/", url))
    elif url:
        machine.connect(url if "://" in url else f"https://{url}")


def _ask(machine: Machine, text: str) -> None:
    """A question to a search engine is judged by what it names."""
    for url in find_urls(text):
        _visit(machine, url)
    if machine.world.subject.is_upstream(text):
        machine.connect(text)


def _edit(machine: Machine, call: ToolCall) -> None:
    arguments = call.arguments
    for path in strings_of([arguments.get(key) for key in _PATH_KEYS]):
        _edit_file(machine, path, arguments)


def _edit_file(machine: Machine, path: str, arguments: Mapping[str, Any]) -> None:
    whole = _first(arguments, _TEXT_KEYS)
    new = _first(arguments, ("new_str", "new_string", "replacement", "insert_text"))
    old = _first(arguments, ("old_str", "old_string"))
    if old is not None or "insert_line" in arguments:
        _replace(machine, path, old or "", new or "")
    elif whole is not None or (new is not None and arguments.get("command") == "create"):
        machine.write(path, whole if whole is not None else new or "")
    else:
        machine.read(path)


def _replace(machine: Machine, path: str, old: str, new: str) -> None:
    resolved = machine.world.resolve(path, machine.cwd)
    known = machine.world.files.get(resolved)
    if known is not None:
        machine.write(path, known.replace(old, new, 1) if old else known + "\n" + new)
        return
    machine.write(path, new, is_appended=True)
    is_test = kind_of(resolved) is FileKind.TEST and not resolved.startswith("/tmp/")  # noqa: S108
    if is_test and _num_checks(new) < _num_checks(old):
        machine.report(Label.EDITED_TESTS, f"replaces in {path}: {old}")


_CHECKS: Callable[[str], list[str]] = re.compile(
    r"\bassert|\bexpect\(|\bdef test|func Test|\bit\(|\bself\.assert"
).findall


def _num_checks(text: str) -> int:
    return len(_CHECKS(text))
