"""Where a test lives, and the command that runs only some files or functions of tests.

Nothing is run here; what the test identifiers and commands of pytest and unittest look like is
known in this file alone.

    >>> narrowing = Narrowing("python -m pytest -v", "pytest", Path("."))
    >>> narrowing.command(["tests/test_a.py"])
    'python -m pytest -v --tb=line tests/test_a.py'
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from journeyman.tasks.convention import is_test_module, language_of
from journeyman.tasks.languages.profile import with_tests
from journeyman.tasks.places import file_of_test
from journeyman.types import Environment

__all__ = ["Narrowing", "narrowing_of"]


_SHORT = "--tb=line"
"""Longer tracebacks take longer to write than most tests take to fail."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The tests of one environment: their files, and commands for a part of them."""

    whole: str
    """The command of the whole suite."""
    log_parser: str
    repository: Path

    def file_of(self, test: str) -> str:
        """Return the file that holds a test, relative to the repository; "" where none does."""
        if self.log_parser not in _PYTHON:
            return file_of_test(self.repository, self.log_parser, test)
        if self.log_parser != "unittest":
            return test.partition("::")[0]
        parts = test.split(".")
        for length in range(len(parts) - 1, 0, -1):
            path = PurePosixPath(self._top(), *parts[:length]).with_suffix(".py")
            if (self.repository / path).is_file():
                return str(path)
        return ""

    def files_of(self, tests: Iterable[str]) -> tuple[str, ...]:
        """Return the files of some tests, sorted."""
        return tuple(sorted({self.file_of(test) for test in tests} - {""}))

    def target_of(self, test: str) -> str:
        """Return what a command names to run a test: its function, with all its parameters.

        In other languages than Python that is its file.
        """
        if not self.is_probed:
            return self.file_of(test) or test
        return test.partition("[")[0] if self.log_parser == "pytest" else test

    def can_run(self, files: Iterable[str]) -> bool:
        """Tell whether a command can name the tests of some files and leave out the others."""
        if not self.is_probed:
            return self._named(list(files)) is not None
        if self.log_parser == "pytest":
            return not any("[" in file for file in files)
        names = [".".join(_module(file)) for file in files]
        return self.log_parser == "unittest" and self._top() == "." and _are_importable(names)

    def command(self, targets: Sequence[str]) -> str:
        """Return a command that runs some files or functions, or all where that cannot be said."""
        if not self.is_probed:
            return self._named(targets) or self.whole
        if self.log_parser == "pytest":
            return shlex.join([*self._without_targets(), _SHORT, *targets])
        names = [".".join(_module(it)) if it.endswith(".py") else it for it in targets]
        if self.log_parser == "unittest" and self._top() == "." and _are_importable(names):
            return shlex.join(["python", "-m", "unittest", "-v", *names])
        return self.whole

    @property
    def is_probed(self) -> bool:
        """Whether the probe tells which tests reach which lines: of Python's runners alone."""
        return self.log_parser in _PYTHON

    def _named(self, files: Sequence[str]) -> str | None:
        """Return the command for some files of another language; None where it cannot name them."""
        sources = [file for file in files if language_of(file)]
        if self.log_parser == "go":
            parents = (str(PurePosixPath(file).parent) for file in sources)
            return with_tests(self.whole, sorted({f"./{parent}" for parent in parents}))
        if self.log_parser == "cargo":
            crates = [PurePosixPath(file) for file in sources]
            is_plain = all(str(crate.parent) == "tests" for crate in crates)
            words = [word for crate in crates for word in ("--test", crate.stem)]
            return with_tests(self.whole, words) if is_plain else None
        named = [file for file in sources if is_test_module(file) or self.log_parser in _BY_FILE]
        return with_tests(self.whole, named)

    def _without_targets(self) -> list[str]:
        words = shlex.split(self.whole)
        while len(words) > 1 and not words[-2].startswith("-") and self._exists(words[-1]):
            words.pop()
        return words

    def _exists(self, word: str) -> bool:
        return (self.repository / word).exists()

    def _top(self) -> str:
        """Return the folder from which unittest imports, as its options say."""
        words = shlex.split(self.whole)
        for option in ("-t", "-s"):
            if option in words[:-1]:
                return words[words.index(option) + 1]
        return "."


def narrowing_of(environment: Environment, repository: Path) -> Narrowing:
    """Return what is known of an environment's tests."""
    return Narrowing(environment.test_command, environment.log_parser, repository)


_PYTHON = ("pytest", "unittest")
_BY_FILE = ("tap", "mocha")


def _module(file: str) -> tuple[str, ...]:
    return PurePosixPath(file).with_suffix("").parts


def _are_importable(names: Iterable[str]) -> bool:
    return all(part.isidentifier() for name in names for part in name.split("."))
