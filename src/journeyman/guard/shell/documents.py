"""Gives every here-document of a shell text a delimiter that nothing in it begins with.

The grammar ends a document at a line that merely starts with its delimiter, and knows few delimiters
that hold other signs than letters. After this pass neither matters.

    >>> "E" in rename_delimiters("cat <<E\\nEach line\\nE\\n").split("\\n")
    False
"""

from __future__ import annotations

import re

__all__ = ["rename_delimiters"]

_START = re.compile(r"<<(-?)[ \t]*('[^'\n]*'|\"[^\"\n]*\"|(?:\\.|[^\s;&|<>()'\"\\])+)")


def rename_delimiters(text: str) -> str:
    """Return the same shell text with delimiters of our own."""
    return _Scanner(text).run() if "<<" in text else text


class _Scanner:
    """One pass over the text: where quotes, substitutions and comments lie."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.out: list[str] = []
        self.pending: list[tuple[str, bool, str]] = []
        self.contexts = ["command"]
        self.number = 0

    def run(self) -> str:
        i = 0
        while i < len(self.text):
            i = self._step(i)
        return "".join(self.out)

    def _step(self, i: int) -> int:
        char = self.text[i]
        if char == "\n" and self.pending:
            return self._bodies(i + 1)
        if char == "\\":
            return self._keep(i, i + 2)
        if self.text.startswith("$(", i):
            self.contexts.append("arithmetic" if self.text.startswith("$((", i) else "command")
            return self._keep(i, i + 2)
        if self.contexts[-1] == "quoted":
            if char == '"':
                self.contexts.pop()
            return self._keep(i, i + 1)
        return self._in_command(i, char)

    def _in_command(self, i: int, char: str) -> int:
        if char == "'":
            end = self.text.find("'", i + 1)
            return self._keep(i, len(self.text) if end < 0 else end + 1)
        if char == '"':
            self.contexts.append("quoted")
        elif char == "(":
            self.contexts.append("arithmetic" if self.text.startswith("((", i) else "command")
        elif char == ")" and len(self.contexts) > 1:
            self.contexts.pop()
        elif char == "#" and (i == 0 or self.text[i - 1] in " \t\n;"):
            end = self.text.find("\n", i)
            return self._keep(i, len(self.text) if end < 0 else end)
        elif self.text.startswith("<<<", i):
            return self._keep(i, i + 3)
        elif char == "<" and self.contexts[-1] == "command":
            match = _START.match(self.text, i)
            if match is not None:
                return self._open(match)
        return self._keep(i, i + 1)

    def _keep(self, start: int, end: int) -> int:
        self.out.append(self.text[start:end])
        return min(end, len(self.text))

    def _open(self, match: re.Match[str]) -> int:
        self.number += 1
        name = f"JOURNEYMAN_DOCUMENT_{self.number}"
        raw = match[2]
        is_literal = raw[0] in "'\"" or "\\" in raw
        self.pending.append((re.sub(r"['\"\\]", "", raw), match[1] == "-", name))
        self.out.append(f"<<{match[1]}'{name}'" if is_literal else f"<<{match[1]}{name}")
        return match.end()

    def _bodies(self, start: int) -> int:
        self.out.append("\n")
        lines = self.text[start:].split("\n")
        at = 0
        for delimiter, is_indented, name in self.pending:
            while at < len(lines):
                line = lines[at].lstrip("\t") if is_indented else lines[at]
                at += 1
                if line == delimiter:
                    self.out.append(name)
                    break
                if at == len(lines) and re.match(rf"{re.escape(delimiter)}[)\s`]", line):
                    # `E)` on the last line closes a substitution in one go.
                    self.out.append(f"{name}\n{line[len(delimiter) :]}")
                    break
                self.out.append(f"{lines[at - 1]}\n")
            else:
                self.out.append(f"{name}\n")
            if at < len(lines):
                self.out.append("\n")
        self.pending = []
        return len(self.text) - len("\n".join(lines[at:])) if at < len(lines) else len(self.text)
