"""A bug of any strategy: a mutation that may change many places in many files.

>>> Bug.model_fields["strategy"].default
'procedural'
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from journeyman.tasks.convention import language_of
from journeyman.tasks.mutate import Mutation
from journeyman.tasks.mutate.dialects import DIALECTS
from journeyman.tasks.mutate.grammar import is_installed
from journeyman.tasks.mutate.source import Site, parse, walk
from journeyman.tasks.mutate.walk import walk_dialect
from journeyman.tasks.patches import Place, changed_places, diff_files
from journeyman.types import Data

__all__ = ["Bug", "Unmade", "make_bug"]


class Bug(Mutation):
    """One bug, whoever thought of it."""

    strategy: str = "procedural"
    places: tuple[Place, ...] = ()
    """Every changed place; empty where `path` and `line` say it all."""
    source: str = ""
    """What it was made from, e.g. a pull request's number or the instances that it combines."""
    functions: tuple[str, ...] = ()
    """Qualified names of all functions that are changed."""


class Unmade(Data):
    """A place where a strategy came to no bug, and why."""

    reason: str
    example: str


def make_bug(
    strategy: str,
    kind: str,
    changes: Mapping[str, tuple[bytes, bytes]],
    *,
    functions: tuple[str, ...] = (),
    source: str = "",
) -> Bug | None:
    """Describe the change of some files from the first bytes to the second; None where none differs.

    Raises `UnicodeDecodeError` for bytes that are not UTF-8.
    """
    patch = diff_files(changes)
    if not patch:
        return None
    places = changed_places(patch)
    functions = functions or _functions(changes, places)
    seen = hashlib.sha256()
    for path in sorted(changes):
        seen.update(path.encode() + b"\0" + changes[path][1] + b"\0")
    return Bug(
        kind=kind,
        path=places[0].path,
        line=places[0].first,
        function=functions[0] if functions else "",
        original="",
        replacement="",
        patch=patch,
        digest=seen.hexdigest(),
        strategy=strategy,
        places=places,
        source=source,
        functions=functions,
    )


def _functions(
    changes: Mapping[str, tuple[bytes, bytes]], places: Sequence[Place]
) -> tuple[str, ...]:
    """Name the innermost functions in which files are changed, in order."""
    found: dict[str, None] = {}
    for path, (before, _) in changes.items():
        lines = [place for place in places if place.path == path]
        for site in _sites(path, before):
            first, last = site.node.start_point.row + 1, site.node.end_point.row + 1
            if first == last and any(place.first <= first <= place.last for place in lines):
                found[site.function] = None
    return tuple(found)


def _sites(path: str, data: bytes) -> Iterator[Site]:
    language = language_of(path)
    if path.endswith(".py"):
        yield from walk(parse(path, data))
    elif language in DIALECTS and is_installed(language):
        yield from walk_dialect(parse(path, data, language), DIALECTS[language])
