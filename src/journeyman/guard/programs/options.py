"""Splitting a program's arguments into options and operands.

>>> split(["-o", "out", "--url=u", "x"], with_value={"-o", "--url"})
Given(options=[('-o', 'out'), ('--url', 'u')], operands=['x'])
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

__all__ = ["Given", "split"]


@dataclass
class Given:
    """What was given to a program."""

    options: list[tuple[str, str]] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Say whether one of the options was given."""
        return any(name in names for name, _ in self.options)

    def values(self, *names: str) -> list[str]:
        """Return the values of these options in order."""
        return [value for name, value in self.options if name in names]


def split(
    args: Sequence[str], *, with_value: Collection[str] = (), stops_early: bool = False
) -> Given:
    """Split arguments; short options may be joined (`-xvf`) and hold their value (`-ofile`)."""
    given = Given()
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            given.operands += rest
            break
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word.partition("=")
            if not equals and name in with_value and rest:
                value = rest.pop(0)
            given.options.append((name, value))
        elif word.startswith("-") and len(word) > 1:
            _short(word, rest, with_value, given)
        else:
            given.operands.append(word)
            if stops_early:
                given.operands += rest
                break
    return given


def _short(word: str, rest: list[str], with_value: Collection[str], given: Given) -> None:
    if word in with_value:
        given.options.append((word, rest.pop(0) if rest else ""))
        return
    for i, char in enumerate(word[1:], start=1):
        name = f"-{char}"
        if name in with_value:
            given.options.append((name, word[i + 1 :] or (rest.pop(0) if rest else "")))
            return
        given.options.append((name, ""))
