"""What a language's profile holds. A profile is data: adding a language is filling one in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from pydantic import Field

from journeyman.types import Data

__all__ = ["Profile", "Rung", "Suite", "chosen", "with_tests"]


class Suite(Data):
    """A command that runs all tests, and the parser of its log."""

    command: str
    log_parser: str


_TESTS = re.compile(r"^TESTS='([^']*)'$", re.MULTILINE)
_PLAIN = re.compile(r"[\w./*@+={},:-]+")


def chosen(command: str, tests: Sequence[str], log_parser: str) -> Suite:
    """Return a suite whose command names its tests, or none for all, as `$TESTS`.

    Names that a shell would take apart cannot stand there; where one would, all are named once.
    """
    if not all(map(_PLAIN.fullmatch, tests)):
        named = " ".join(map(shlex.quote, tests))
        return Suite(command=command.replace("$TESTS", named), log_parser=log_parser)
    return Suite(command=f"set -f\nTESTS='{' '.join(tests)}'\n{command}", log_parser=log_parser)


def with_tests(command: str, tests: Sequence[str]) -> str | None:
    """Return a suite's command with other tests; None where it cannot name them."""
    if not _TESTS.search(command) or not tests or not all(map(_PLAIN.fullmatch, tests)):
        return None
    return _TESTS.sub(f"TESTS='{' '.join(tests)}'", command, count=1)


class Rung(Data):
    """One way to install what a project's tests need, tried where its files are there."""

    name: str
    command: str
    """Run in the workspace of a build sandbox; `$BEFORE` is the commit's date, a day on."""
    needs: tuple[str, ...] = ()
    """Files of the project's top, as glob patterns, of which one has to be there."""
    content: str = ""
    """A regular expression that one of these files has to hold, e.g. that there is a dependency."""
    registry: str = ""
    """Whose registry it asks; empty where it needs no network."""


class Profile(Data):
    """How projects of one language are known, installed and tested."""

    language: str
    title: str
    manifests: tuple[str, ...]
    """Files at a project's top that say that it is one of this language."""
    programs: tuple[str, ...]
    """What has to be installed on this machine."""
    packages: tuple[str, ...]
    """Debian's packages that bring the programs, and what its tests commonly need."""
    version_command: str
    install: tuple[Rung, ...] = ()
    """In order; the first that works is taken, and none where no rung's files are there."""
    before_tests: str = ""
    """Shell lines that each run of the tests begins with."""
    after_install: str = ""
    """Shell lines at the end of a build, e.g. to keep what compiling the libraries gave."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Of every sandbox."""
    build_variables: dict[str, str] = Field(default_factory=dict)
    """Of build sandboxes, over `variables`."""
    links: dict[str, str] = Field(default_factory=dict)
    """Folders of the toolchain that stand in the tree as links: name in the tree, in the toolchain."""
    byproducts: tuple[str, ...] = ()
    """Folders of the tree, made by installing, that belong to it."""
    unreachable: str = ""
    """A regular expression for how its package manager says that its registry cannot be reached."""
    unbuilt: str = ""
    """A regular expression for how its compiler says that the project cannot be built."""
