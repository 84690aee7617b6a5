"""Runs shell text on strings alone: nothing is carried out, everything that would be is looked at.

Values are propagated through variables, substitutions, pipes, here-documents, functions and files
that were written before; what programs do is told by `programs`, what is forbidden by `Rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from journeyman.guard.holes import UNKNOWN, shown, without_holes
from journeyman.guard.offence import Label, Offence
from journeyman.guard.shell.expansion import Expander
from journeyman.guard.shell.parameters import Parameters
from journeyman.guard.world import World

__all__ = ["ExhaustedError", "Invocation", "Machine", "Program", "Rules"]

T = TypeVar("T")

_MOST_STEPS = 20_000
_MOST_DEPTH = 24


class ExhaustedError(Exception):
    """A command that takes more steps than a reader has."""


@dataclass(frozen=True)
class Invocation:
    """A program with its arguments, as far as they are known."""

    path: str
    """The command's name as it was written, e.g. `/usr/bin/git`."""
    args: tuple[str, ...] = ()
    stdin: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables given for this command alone."""

    @property
    def name(self) -> str:
        """The program's name without its folder."""
        return self.path.rpartition("/")[2]

    @property
    def text(self) -> str:
        """The command for people."""
        return shown(" ".join((self.path, *self.args)))

    def but(self, args: Sequence[str], *, stdin: str | None = None) -> Invocation:
        """Return what is run where this command runs another: the first of `args` is its name."""
        stdin = self.stdin if stdin is None else stdin
        return Invocation(args[0], tuple(args[1:]), stdin, self.env)


class Rules(Protocol):
    """What is forbidden; each method returns the offences of one effect."""

    def on_read(self, world: World, path: str) -> list[Offence]:
        """A file is read or listed."""
        ...

    def on_write(self, world: World, path: str, text: str, *, is_appended: bool) -> list[Offence]:
        """A file gets a content."""
        ...

    def on_remove(self, world: World, path: str) -> list[Offence]:
        """A file or folder is removed, moved away or made unreadable."""
        ...

    def on_connect(self, world: World, target: str, context: str) -> list[Offence]:
        """A URL or host is reached; `context` is everything that is sent or asked with it."""
        ...

    def is_local(self, target: str) -> bool:
        """Say whether a URL or host is this machine."""
        ...


Program = Callable[["Machine", Invocation], str]
"""Tells what a program does and returns what it prints."""


class Machine:
    """One shell: parameters, functions, and the offences found so far."""

    def __init__(
        self,
        world: World,
        rules: Rules,
        find_program: Callable[[str], Program],
        *,
        takes_else: bool,
    ) -> None:
        self.world = world
        self.rules = rules
        self.find_program = find_program
        self._takes_else = takes_else
        self.has_choice = False
        """Whether it came to several branches of which one is taken."""
        self.parameters = Parameters()
        self.aliases: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.cwd = world.subject.workspace
        self.stdin = ""
        self.offences: list[Offence] = []
        self._consumers: dict[str, str] = {}
        self._num_steps = 0
        self._num_files = 0
        self._depth = 0

    # --- what is found ---

    def report(self, label: Label, evidence: str) -> None:
        """Note an offence."""
        self._note([Offence(label, shown(evidence))])

    def spend(self) -> None:
        """Count a step. Raises `ExhaustedError` after too many: what never ends cannot be read."""
        self._num_steps += 1
        if self._num_steps > _MOST_STEPS:
            raise ExhaustedError("more steps than can be read")

    def read(self, path: str) -> str:
        """Return what a file holds, after looking whether it may be read."""
        resolved = self.world.resolve(path, self.cwd)
        self._note(self.rules.on_read(self.world, resolved))
        return self.world.read(resolved)

    def write(self, path: str, text: str, *, is_appended: bool = False) -> None:
        """Let a file get a content, after looking whether it may."""
        if consumer := self._consumers.get(path):
            self.run(consumer, stdin=text)
            return
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            self.connect_device(path)
            return
        resolved = self.world.resolve(path, self.cwd)
        found = self.rules.on_write(self.world, resolved, text, is_appended=is_appended)
        self._note(found)
        self.world.write(resolved, text, is_appended=is_appended)

    def remove(self, path: str) -> None:
        """Let a file or folder go, after looking whether it may."""
        resolved = self.world.resolve(path, self.cwd)
        self._note(self.rules.on_remove(self.world, resolved))
        self.world.remove(resolved)

    def connect(self, target: str, context: str = "") -> None:
        """Let a URL or host be reached, after looking whether it may."""
        self._note(self.rules.on_connect(self.world, target, context))

    def connect_device(self, path: str) -> None:
        """Look at `/dev/tcp/HOST/PORT`."""
        _, _, _, host, *_ = [*path.split("/"), "", ""]
        found = len(self.offences)
        self.connect(f"tcp://{host}", path)
        if len(self.offences) == found and without_holes(host) and not self.rules.is_local(host):
            # What is said over the connection cannot be followed.
            self.report(Label.UPSTREAM_FETCH, path)

    def _note(self, offences: Sequence[Offence]) -> None:
        self.offences += [it for it in offences if it not in self.offences]

    def in_order(self, branches: list[T]) -> list[T]:
        """Return branches of which one is taken, that which counts as taken last."""
        self.has_choice |= len(branches) > 1
        return branches if self._takes_else else branches[::-1]

    # --- running ---

    def run(self, text: str, *, stdin: str = "", words: Sequence[str] | None = None) -> str:
        """Run shell text in a child shell and return what it prints."""
        with self.child():
            if words is not None:
                self.parameters.words = list(words)
            return self.here(text, stdin=stdin)

    def here(self, text: str, *, stdin: str = "") -> str:
        """Run shell text in this shell, as `eval` does, and return what it prints."""
        from journeyman.guard.shell.statements import execute_text

        if not without_holes(text).strip():
            return UNKNOWN if text.strip() else ""
        with self._deeper() as is_allowed:
            if not is_allowed:
                return UNKNOWN
            before, self.stdin = self.stdin, stdin
            output = execute_text(self, text)
            self.stdin = before
            return output

    @contextmanager
    def child(self) -> Iterator[None]:
        """A child shell: what it sets is forgotten after it."""
        kept = self.parameters, self.cwd, dict(self.functions), dict(self.aliases)
        self.parameters = self.parameters.copy()
        try:
            yield
        finally:
            self.parameters, self.cwd, self.functions, self.aliases = kept

    @contextmanager
    def _deeper(self) -> Iterator[bool]:
        self._depth += 1
        try:
            if self._depth > _MOST_DEPTH:
                self.report(Label.HIDDEN_COMMAND, "commands nested too deep to be read")
            yield self._depth <= _MOST_DEPTH
        finally:
            self._depth -= 1

    def expander(self) -> Expander:
        """Return what expands words with this shell's parameters."""
        return Expander(self.parameters, self.run, self._process_file)

    def _process_file(self, direction: str, text: str) -> str:
        self._num_files += 1
        path = f"/dev/fd/{62 + self._num_files}"
        if direction == "<":
            self.world.files[path] = self.run(text)
        else:
            self._consumers[path] = text
            self.run(text, stdin=UNKNOWN)
        return path

    def call(self, invocation: Invocation) -> str:
        """Run one command and return what it prints."""
        self.spend()
        name = without_holes(invocation.path)
        if name in self.aliases:
            rest = " ".join(_quote(it) for it in invocation.args)
            text = self.aliases.pop(name)
            output = self.here(f"{text} {rest}", stdin=invocation.stdin)
            self.aliases[name] = text
            return output
        if name in self.functions:
            return self._call_function(name, invocation)
        with self._deeper() as is_allowed:
            return self.find_program(name)(self, invocation) if is_allowed else UNKNOWN

    def _call_function(self, name: str, invocation: Invocation) -> str:
        kept, self.parameters.words = self.parameters.words, list(invocation.args)
        output = self.here(self.functions[name], stdin=invocation.stdin)
        self.parameters.words = kept
        return output


def _quote(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
