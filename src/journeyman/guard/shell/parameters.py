"""Shell parameters: variables, arrays and positional words, and the `${…}` that cut and replace.

A variable is a list of strings, so that arrays and plain variables are one thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from journeyman.guard.foreign import compile_foreign
from journeyman.guard.holes import UNKNOWN
from journeyman.guard.shell.quoting import ansi_c, glob_pattern

__all__ = ["FIELDS", "Parameters", "substitute"]

FIELDS = "\x00"
"""Separates the fields of `"$@"` and `"${a[@]}"` inside one quoted value."""

_DEFAULTS = {"IFS": " \t\n", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/agent"}
_DEFAULTS |= {"USER": "agent", "SHELL": "/bin/bash", "LANG": "C.UTF-8"}
_MOST_CHARACTERS = 1 << 18
_MOST_WORK = 1 << 24
_MOST_TRIMMED = 4096
_SPECIAL = {"?": "0", "$": UNKNOWN, "!": UNKNOWN, "-": "", "_": "", "0": "bash"}


@dataclass
class Parameters:
    """The variables of one shell."""

    values: dict[str, list[str]] = field(default_factory=dict)
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    """`$1`, `$2`, …"""

    def copy(self) -> Parameters:
        """Return the variables of a child shell."""
        return Parameters(
            {key: list(value) for key, value in self.values.items()},
            {key: dict(value) for key, value in self.maps.items()},
            list(self.words),
        )

    def set(self, name: str, value: str) -> None:
        """Give a variable one value; `name` may be an element, `a[3]`."""
        value = value[:_MOST_CHARACTERS]
        base, bracket, index = name.partition("[")
        index = index.removesuffix("]")
        if not bracket:
            self.values[name] = [value]
        elif index.isdigit() and int(index) < 256:
            items = self.values.setdefault(base, [])
            items += [""] * (int(index) + 1 - len(items))
            items[int(index)] = value
        else:
            self.maps.setdefault(base, {})[index.strip("\"'")] = value

    def get(self, name: str) -> list[str] | None:
        """Return the values; None if the variable is not set, `UNKNOWN` if only the machine knows."""
        if name in ("@", "*"):
            return list(self.words)
        if name == "#":
            return [str(len(self.words))]
        if name in self.values:
            return self.values[name]
        if name.isdigit() and name != "0":
            return [self.words[int(name) - 1]] if int(name) <= len(self.words) else None
        if name in self.values:
            return self.values[name]
        if name in _SPECIAL:
            return [_SPECIAL[name]]
        if name in _DEFAULTS:
            return [_DEFAULTS[name]]
        # A fresh shell has no lower-case variables of its own; upper-case ones may be exported.
        return [UNKNOWN] if name.isupper() or not name.islower() else None

    def first(self, name: str) -> str:
        """Return the value of a plain variable; empty if it is not set."""
        return (self.get(name) or [""])[0]


def substitute(body: str, parameters: Parameters, expand: Callable[[str], str]) -> str:
    """Return the value of `${body}`; `expand` expands the words inside it."""
    if match := re.fullmatch(r"#(\w+|[@*?#])(?:\[[@*]\])?", body):
        values = parameters.get(match[1]) or [""]
        return str(len(values)) if "[" in body or match[1] in "@*" else str(len(values[0]))
    if match := re.fullmatch(r"!(\w+)[@*]?", body):
        return parameters.first(parameters.first(match[1]))
    if match := re.fullmatch(r"!(\w+)\[[@*]\]", body):
        indices = map(str, range(len(parameters.values.get(match[1], []))))
        return FIELDS.join(parameters.maps.get(match[1]) or indices)
    match = re.match(r"(\w+|[@*#?$!-])", body)
    if match is None:
        return UNKNOWN
    rest = body[match.end() :]
    selected, rest = _selected(match[1], rest, parameters, expand)
    if not rest:
        return FIELDS.join(selected or [])
    if is_default := re.match(r":?[-=+?]", rest):
        return _defaulted(match[1], selected, is_default[0], rest, parameters, expand)
    if match[1] in "@*" and rest.startswith(":"):
        # Positional words are counted from one: the shell's own name is the word before them.
        words = [parameters.first("0"), *(selected or [])]
        return FIELDS.join(_sliced(words, rest[1:], expand))
    return FIELDS.join(_transformed(value, rest, expand) for value in selected or [""])


def _selected(
    name: str, rest: str, parameters: Parameters, expand: Callable[[str], str]
) -> tuple[list[str] | None, str]:
    values = parameters.get(name)
    if not rest.startswith("["):
        return (values[:1] if values and name not in "@*" else values), rest
    end = rest.find("]")
    index, rest = expand(rest[1:end]).strip("\"'"), rest[end + 1 :]
    if name in parameters.maps:
        table = parameters.maps[name]
        return (list(table.values()) if index in "@*" else [table.get(index, "")]), rest
    if index in ("@", "*") and rest.startswith(":") and not re.match(r":[-=+?]", rest):
        return _sliced(list(values or []), rest[1:], expand), ""
    if index in ("@", "*") or values is None:
        return values, rest
    number = _integer(index)
    inside = number is not None and -len(values) <= number < len(values)
    return ([values[number]] if inside and number is not None else [""]), rest


def _sliced(values: list[str], bounds: str, expand: Callable[[str], str]) -> list[str]:
    first, _, length = expand(bounds).partition(":")
    start = _integer(first) or 0
    count = _integer(length) if length else None
    return values[start:] if count is None else values[start : start + count]


def _defaulted(
    name: str,
    values: list[str] | None,
    operator: str,
    rest: str,
    parameters: Parameters,
    expand: Callable[[str], str],
) -> str:
    word = rest[len(operator) :]
    is_absent = values is None or values == [UNKNOWN] or (":" in operator and not "".join(values))
    if operator[-1] == "+":
        return "" if is_absent and values != [UNKNOWN] else expand(word)
    if not is_absent:
        return FIELDS.join(values or [])
    value = expand(word)
    if operator[-1] == "=":
        parameters.set(name, value)
    return value


def _transformed(value: str, rest: str, expand: Callable[[str], str]) -> str:
    if rest[0] == ":":
        return _substring(value, expand(rest[1:]))
    if rest[0] in "#%":
        return _trimmed(value, rest, expand)
    if rest[0] == "/":
        return _replaced(value, rest[1:], expand)
    if rest[0] in "^,":
        return _cased(value, rest)
    if rest == "@E":
        return ansi_c(value)
    return {"@U": value.upper(), "@L": value.lower(), "@u": value.capitalize()}.get(rest, value)


def _substring(value: str, bounds: str) -> str:
    first, _, length = bounds.partition(":")
    start, count = _integer(first), _integer(length) if length else len(value)
    if start is None or count is None:
        return UNKNOWN
    start = max(0, start + len(value)) if start < 0 else start
    return value[start : start + count] if count >= 0 else value[start:count]


def _trimmed(value: str, rest: str, expand: Callable[[str], str]) -> str:
    is_long = rest[:2] in ("##", "%%")
    pattern = glob_pattern(expand(rest[2 if is_long else 1 :]), is_greedy=is_long)
    regex = compile_foreign(pattern)
    if regex is None or len(value) > _MOST_TRIMMED:
        return UNKNOWN
    if rest[0] == "#":
        match = regex.match(value)
        return value[match.end() :] if match else value
    starts = range(len(value) + 1) if is_long else range(len(value), -1, -1)
    return next((value[:i] for i in starts if regex.fullmatch(value[i:])), value)


def _replaced(value: str, rest: str, expand: Callable[[str], str]) -> str:
    is_every = rest.startswith("/")
    rest = rest[1:] if is_every else rest
    cut = next(
        (i for i, char in enumerate(rest) if char == "/" and i and rest[i - 1] != "\\"), len(rest)
    )
    pattern, new = glob_pattern(expand(rest[:cut])), expand(rest[cut + 1 :])
    if not pattern or len(value) * (len(new) + 1) > _MOST_WORK:
        return value
    if pattern[0] in "#%" and not is_every:
        pattern = rf"\A{pattern[1:]}" if pattern[0] == "#" else rf"{pattern[1:]}\Z"
    regex = compile_foreign(pattern)
    return UNKNOWN if regex is None else regex.sub(lambda _: new, value, count=0 if is_every else 1)


def _cased(value: str, rest: str) -> str:
    change = str.upper if rest[0] == "^" else str.lower
    return change(value) if rest[:2] in ("^^", ",,") else change(value[:1]) + value[1:]


def _integer(text: str) -> int | None:
    text = text.strip().strip("()")
    return int(text) if re.fullmatch(r"\s*-?\d+\s*", text) else None
