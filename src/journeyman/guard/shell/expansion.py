"""From the raw text of a shell word to the strings a program would get.

Quotes, escapes, variables, substitutions, braces and field splitting, as a shell does them; what
cannot be known becomes a hole.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from journeyman.guard.holes import UNKNOWN
from journeyman.guard.shell.parameters import FIELDS, Parameters, substitute
from journeyman.guard.shell.quoting import ansi_c, closing, expand_braces, quoted_end, split_raw

__all__ = ["Expander"]

_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")


class Expander:
    """Expands words with one shell's parameters; `run` gives the output of a command's text."""

    def __init__(
        self,
        parameters: Parameters,
        run: Callable[[str], str],
        process_file: Callable[[str, str], str],
    ) -> None:
        self.parameters = parameters
        self._run = run
        self._process_file = process_file

    def fields(self, text: str) -> list[str]:
        """Split raw text into words and expand each."""
        return [
            field
            for raw in split_raw(text)
            for part in expand_braces(raw)
            for field in self.word(part)
        ]

    def word(self, raw: str) -> list[str]:
        """Expand one raw word to the fields it becomes: none, one or many."""
        return _Word(self, raw, is_split=True).fields()

    def value(self, raw: str) -> str:
        """Expand raw text to one string, without field splitting, as in an assignment."""
        return " ".join(_Word(self, raw, is_split=False).fields())

    def here_document(self, text: str) -> str:
        """Expand the body of an unquoted here-document."""
        return _Word(self, "", is_split=False).double_quoted(text, is_document=True)

    def dollar(self, text: str, i: int) -> tuple[str, int]:
        """Return the value of the expansion at `i` and the index after it."""
        if text.startswith("$((", i):
            end = closing(text, i + 1)
            return self._arithmetic(text[i + 3 : end - 1]), end + 1
        if text.startswith("$(", i):
            end = closing(text, i + 1)
            return self._run(text[i + 2 : end]).rstrip("\n"), end + 1
        if text.startswith("${", i):
            end = closing(text, i + 1)
            return substitute(text[i + 2 : end], self.parameters, self.value), end + 1
        match = _NAME.match(text, i + 1)
        if match is None:
            return "$", i + 1
        return FIELDS.join(self.parameters.get(match[0]) or []), match.end()

    def backtick(self, text: str, i: int) -> tuple[str, int]:
        """Return the output of the command between back-ticks at `i` and the index after it."""
        end = i + 1
        while end < len(text) and text[end] != "`":
            end += 2 if text[end] == "\\" else 1
        body = re.sub(r"\\([`\\$])", r"\1", text[i + 1 : end])
        return self._run(body).rstrip("\n"), end + 1

    def process(self, text: str, i: int) -> tuple[str, int]:
        """Return the path that stands for `<(…)` or `>(…)` at `i` and the index after it."""
        end = closing(text, i + 1)
        return self._process_file(text[i], text[i + 2 : end]), end + 1

    def _arithmetic(self, text: str) -> str:
        text = re.sub(
            r"\$?\b([A-Za-z_]\w*)", lambda m: self.parameters.first(m[1]) or "0", self.value(text)
        )
        if not re.fullmatch(r"[\d\s+*()-]{1,40}", text) or "**" in text:
            return UNKNOWN
        return _sum(text)


def _sum(text: str) -> str:
    """Add and subtract plain integers; anything more is not followed."""
    bare = text.replace(" ", "").replace("(", "").replace(")", "")
    if "*" in bare or not re.fullmatch(r"[+-]?\d+(?:[+-]\d+)*", bare):
        return UNKNOWN
    return str(sum(int(it) for it in re.findall(r"[+-]?\d+", bare)))


class _Word:
    """One word while it is expanded: finished fields and the one being built."""

    def __init__(self, expander: Expander, raw: str, *, is_split: bool) -> None:
        self.expander = expander
        self.raw = raw
        self.is_split = is_split
        self.done: list[str] = []
        self.current: str | None = None

    def fields(self) -> list[str]:
        raw, i = self.raw, 0
        if re.match(r"~(?=/|$)", raw):
            self._add(self.expander.parameters.first("HOME"))
            i = 1
        while i < len(raw):
            i = self._step(raw, i)
        return self.done if self.current is None else [*self.done, self.current]

    def _step(self, raw: str, i: int) -> int:
        char = raw[i]
        if char == "\\":
            self._add("" if raw[i + 1 : i + 2] == "\n" else raw[i + 1 : i + 2])
            return i + 2
        if char == "'":
            end = quoted_end(raw, i)
            self._add(raw[i + 1 : end])
            return end + 1
        if raw.startswith("$'", i):
            return self._ansi(raw, i)
        if char == '"' or raw.startswith('$"', i):
            start = i + (char == "$")
            end = quoted_end(raw, start)
            self._quoted(self.double_quoted(raw[start + 1 : end]))
            return end + 1
        if char == "$":
            value, after = self.expander.dollar(raw, i)
            self._unquoted(value)
            return after
        if char == "`":
            value, after = self.expander.backtick(raw, i)
            self._unquoted(value)
            return after
        if char in "<>" and raw[i + 1 : i + 2] == "(":
            value, after = self.expander.process(raw, i)
            self._add(value)
            return after
        self._add(char)
        return i + 1

    def _ansi(self, raw: str, i: int) -> int:
        end = i + 2
        while end < len(raw) and raw[end] != "'":
            end += 2 if raw[end] == "\\" else 1
        self._add(ansi_c(raw[i + 2 : end]))
        return end + 1

    def double_quoted(self, text: str, *, is_document: bool = False) -> str:
        out, i = "", 0
        escaped = "$`\\\n" if is_document else '$`"\\\n'
        while i < len(text):
            if text[i] == "\\" and text[i + 1 : i + 2] in escaped and i + 1 < len(text):
                out += "" if text[i + 1] == "\n" else text[i + 1]
                i += 2
            elif text[i] == "$":
                value, i = self.expander.dollar(text, i)
                out += value.replace(FIELDS, " ") if is_document else value
            elif text[i] == "`":
                value, i = self.expander.backtick(text, i)
                out += value
            else:
                out += text[i]
                i += 1
        return out

    def _add(self, text: str) -> None:
        self.current = (self.current or "") + text

    def _quoted(self, text: str) -> None:
        first, *more = text.split(FIELDS)
        self._add(first)
        for item in more:
            self._next()
            self._add(item)

    def _unquoted(self, value: str) -> None:
        if not self.is_split:
            self._add(value.replace(FIELDS, " "))
            return
        blanks = self.expander.parameters.first("IFS") + FIELDS
        if self.expander.parameters.get("IFS") == [UNKNOWN]:
            blanks = " \t\n" + FIELDS
        parts = re.split(f"[{re.escape(blanks)}]+", value)
        for number, part in enumerate(parts):
            if number:
                self._next()
            if part:
                self._add(part)

    def _next(self) -> None:
        if self.current is not None:
            self.done.append(self.current)
        self.current = None
