"""An editor for agents: view, create, str_replace, insert and undo_edit, as SWE-agent has them.

It works through `Sandbox.read` and `Sandbox.write`. What the agent does wrong is explained in the
answer; only what is not its doing is raised. Bytes that are no text survive every edit.

    editor = Editor()
    answer = await editor.run(context, {"command": "view", "path": "/testbed/a.py"})
"""

from __future__ import annotations

import posixpath
import shlex
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from journeyman.sandbox.base import WORKSPACE, Sandbox
from journeyman.scaffolds.edit_text import (
    count_lines,
    explain_absence,
    insert_lines,
    line_end_of,
    number_lines,
    places_of,
    show_around,
    to_shown,
)
from journeyman.scaffolds.tools import ToolContext, shorten

__all__ = ["Editor"]

_MOST_FILE_BYTES = 4 << 20
_MOST_SHOWN_CHARACTERS = 16_000
_MOST_NAMED_PLACES = 10
_MOST_UNDONE = 20
_TIMEOUT_S = 60.0
_LIST = "cd {path} && find . -mindepth 1 -maxdepth 2 -name '.*' -prune -o -printf '%P%y\\0'"

Arguments = Mapping[str, Any]


class _Refusal(Exception):  # noqa: N818 - an answer to the agent, not an error
    """What the agent asked for cannot be done; the message is the answer."""


class Editor:
    """The editor of one conversation: it remembers what it changed."""

    def __init__(self) -> None:
        self._changes: defaultdict[str, list[tuple[bytes | None, bytes]]] = defaultdict(list)
        self._commands: dict[str, Callable[[Sandbox, str, Arguments], Awaitable[str]]] = {
            "view": self._view,
            "create": self._create,
            "str_replace": self._replace,
            "insert": self._insert,
            "undo_edit": self._undo,
        }

    async def run(self, context: ToolContext, arguments: Arguments) -> str:
        """Carry out one command. Raises `AttributedError` if the sandbox is gone."""
        path = arguments["path"]
        try:
            if not posixpath.isabs(path):
                guess = posixpath.normpath(posixpath.join(WORKSPACE, path))
                raise _Refusal(f"the path {path!r} is not absolute; did you mean {guess}?")
            command = self._commands[arguments["command"]]
            return await command(context.sandbox, posixpath.normpath(path), arguments)
        except _Refusal as refusal:
            return f"Error: {refusal}"
        except OSError as error:
            return f"Error: {error}"

    async def _view(self, sandbox: Sandbox, path: str, arguments: Arguments) -> str:
        bounds = arguments.get("view_range")
        if await _kind(sandbox, path) == "directory":
            if bounds is not None:
                raise _Refusal(f"{path} is a directory, which has no lines to range over.")
            return await _list(sandbox, path)
        text = _text(path, await _read(sandbox, path))
        num_lines = count_lines(text)
        if not num_lines:
            return f"[{path} is empty]"
        first, last = _range(bounds, num_lines)
        return f"{path}:\n{_whole_lines(number_lines(text, first, last), first, num_lines)}"

    async def _create(self, sandbox: Sandbox, path: str, arguments: Arguments) -> str:
        data = _bytes("file_text", _needed(arguments, "file_text"))
        if await _kind(sandbox, path) != "missing":
            raise _Refusal(f"{path} exists already. Change it with `str_replace` or `insert`.")
        await self._write(sandbox, path, None, data)
        return f"Created {path} with {count_lines(arguments['file_text'])} lines."

    async def _replace(self, sandbox: Sandbox, path: str, arguments: Arguments) -> str:
        old, new = _needed(arguments, "old_str"), arguments.get("new_str", "")
        if not old:
            raise _Refusal("`old_str` is empty; use `insert` to add lines.")
        if old == new:
            raise _Refusal("`old_str` and `new_str` are the same, nothing would change.")
        before = await _read(sandbox, path)
        text = _text(path, before)
        old, new = _as_in(text, old), _as_in(text, new)
        places = places_of(old, text)
        if not places:
            raise _Refusal(f"`old_str` does not occur in {path}. {explain_absence(old, text)}")
        if len(places) > 1:
            raise _Refusal(_ambiguous(path, text, places))
        start = places[0]
        text = text[:start] + new + text[start + len(old) :]
        await self._write(sandbox, path, before, _bytes("new_str", text))
        return f"Changed {path}. It now reads:\n{show_around(text, start, len(new))}"

    async def _insert(self, sandbox: Sandbox, path: str, arguments: Arguments) -> str:
        after, added = _needed(arguments, "insert_line"), _needed(arguments, "new_str")
        before = await _read(sandbox, path)
        text = _text(path, before)
        num_lines = count_lines(text)
        if not 0 <= after <= num_lines:
            raise _Refusal(
                f"`insert_line` is {after}, but {path} has {num_lines} lines: give 0 to {num_lines}."
            )
        added = _as_in(text, added)
        text, start = insert_lines(text, after, added)
        await self._write(sandbox, path, before, _bytes("new_str", text))
        return f"Changed {path}. It now reads:\n{show_around(text, start, len(added))}"

    async def _undo(self, sandbox: Sandbox, path: str, arguments: Arguments) -> str:
        if not self._changes[path]:
            raise _Refusal(f"there is no edit of {path} to undo.")
        before, after = self._changes[path][-1]
        if await _read(sandbox, path) != after:
            raise _Refusal(f"{path} was changed by something else since; nothing was undone.")
        self._changes[path].pop()
        if before is None:
            await sandbox.execute(f"rm -f -- {shlex.quote(path)}", timeout_s=_TIMEOUT_S)
            return f"Removed {path} again."
        await sandbox.write(path, before)
        return f"Undid the last edit of {path}."

    async def _write(self, sandbox: Sandbox, path: str, before: bytes | None, data: bytes) -> None:
        if len(data) > _MOST_FILE_BYTES:
            raise _Refusal(f"{path} would be larger than {_MOST_FILE_BYTES >> 20} MiB.")
        await sandbox.write(path, data)
        self._changes[path] = [*self._changes[path], (before, data)][-_MOST_UNDONE:]


def _needed(arguments: Arguments, name: str) -> Any:
    if name not in arguments:
        raise _Refusal(f"`{arguments['command']}` needs the argument `{name}`.")
    return arguments[name]


async def _kind(sandbox: Sandbox, path: str) -> str:
    """`missing`, `directory`, `regular file`, `fifo`, …; links are followed."""
    done = await sandbox.execute(f"stat -L -c %F -- {shlex.quote(path)}", timeout_s=_TIMEOUT_S)
    if done.exit_code:
        return "missing"
    return done.stdout.decode().strip().replace("regular empty file", "regular file")


async def _read(sandbox: Sandbox, path: str) -> bytes:
    """Read a file that can be edited; the size is looked at first, so that none fills the memory."""
    command = f"stat -L -c '%s %F' -- {shlex.quote(path)}"
    done = await sandbox.execute(command, timeout_s=_TIMEOUT_S)
    if done.exit_code:
        raise _Refusal(f"{path} does not exist.")
    size, _, kind = done.stdout.decode().strip().partition(" ")
    if kind == "directory":
        raise _Refusal(f"{path} is a directory; only `view` works on it.")
    if not kind.startswith("regular"):
        raise _Refusal(f"{path} is a {kind}, not a file.")
    if int(size) > _MOST_FILE_BYTES:
        raise _Refusal(f"{path} has {int(size):,} bytes, too many to edit; use `bash`.")
    return await sandbox.read(path)


async def _list(sandbox: Sandbox, path: str) -> str:
    done = await sandbox.execute(_LIST.format(path=shlex.quote(path)), timeout_s=_TIMEOUT_S)
    if done.exit_code:
        reason = done.stderr.decode("utf-8", "replace").strip()
        raise _Refusal(f"cannot list {path}: {shorten(reason, 500)}")
    entries = filter(None, done.stdout.decode("utf-8", "replace").split("\x00"))
    names = sorted(f"{it[:-1]}/" if it.endswith("d") else it[:-1] for it in entries)
    listed = shorten("\n".join(names)) if names else "[nothing]"
    return f"What is in {path}, two levels deep, without hidden files:\n{listed}"


def _text(path: str, data: bytes) -> str:
    if b"\x00" in data:
        raise _Refusal(f"{path} is a binary file.")
    return data.decode("utf-8", "surrogateescape")


def _bytes(name: str, text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _Refusal(f"`{name}` holds half a character, which no file can hold.") from None


def _as_in(text: str, passage: str) -> str:
    """Write a passage with the line ends of the text around it."""
    return passage if "\r\n" in passage else passage.replace("\n", line_end_of(text))


def _range(bounds: Any, num_lines: int) -> tuple[int, int]:
    if bounds is None:
        return 1, num_lines
    are_numbers = all(isinstance(it, int) and not isinstance(it, bool) for it in bounds)
    if len(bounds) != 2 or not are_numbers:
        raise _Refusal("`view_range` must be two line numbers, e.g. [1, 20].")
    first, last = bounds
    last = num_lines if last == -1 else min(last, num_lines)
    if not 1 <= first <= num_lines or last < first:
        raise _Refusal(
            f"`view_range` is {bounds}, but there are lines 1 to {num_lines}: give [first, last], "
            "or [first, -1] for all that follow."
        )
    return first, last


def _whole_lines(numbered: str, first: int, num_lines: int) -> str:
    """As many whole lines as may be shown, and how to see the others."""
    if len(numbered) <= _MOST_SHOWN_CHARACTERS:
        return numbered
    kept = numbered[:_MOST_SHOWN_CHARACTERS].rpartition("\n")[0]
    following = first + kept.count("\n") + 1
    return f"{kept}\n[… cut here; the file has {num_lines} lines: view_range [{following}, -1]]"


def _ambiguous(path: str, text: str, places: list[int]) -> str:
    numbers = [text.count("\n", 0, place) + 1 for place in places]
    named = ", ".join(map(str, numbers[:_MOST_NAMED_PLACES]))
    more = "" if len(numbers) <= _MOST_NAMED_PLACES else ", …"
    return (
        f"`old_str` occurs {len(places)} times in {to_shown(path)}, at lines {named}{more}. "
        "Add lines around it until it occurs once."
    )
