"""Which files may hold a bug, which bugs they may hold, and in what order they are drawn.

The order goes round the kinds; within a kind it takes the function, then the file, that has been
used least so far, so that a short list is already spread over a project. Everything follows from the
seed and the bytes of the files.

    >>> [mutation.kind for mutation in list_mutations(Path("src"), limit=2)]  # doctest: +SKIP
    ['negated_condition', 'swapped_arguments']
"""

from __future__ import annotations

import difflib
import hashlib
import heapq
import os
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.convention import is_vendored, language_of, path_role
from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.diff import is_safe_path, unified_diff
from journeyman.tasks.mutate.source import Edit, Site, Source, apply_edit, num_errors, parse, walk
from journeyman.tasks.mutate.table import KINDS, SHARED_KINDS, Kind, kinds_of
from journeyman.tasks.mutate.walk import walk_dialect
from journeyman.types import Data

__all__ = [
    "Mutation",
    "check_kinds",
    "iterate_mutations",
    "language_in",
    "list_mutations",
    "list_sources",
    "parses_as_well",
    "read_source",
]

SKIPPED_FOLDERS = frozenset(
    {
        *("test", "tests", "testing", "doc", "docs", "example", "examples"),
        *("vendor", "_vendor", "vendored", "third_party", "extern", "node_modules"),
        *("build", "dist", "venv", "env", "site-packages"),
        *("benchmark", "benchmarks", "bench", "scripts", "tools", "ci"),
    }
)
SKIPPED_FILES = (
    "test_*.py",
    "*_test.py",
    "tests.py",
    "conftest.py",
    "setup.py",
    "noxfile.py",
    "fabfile.py",
    "versioneer.py",
    "*_version.py",
    "version.py",
    "__main__.py",
)
MAX_FILE_BYTES = 1 << 20
FAMILIES: dict[str, tuple[str, ...]] = {
    "javascript": ("javascript", "typescript"),
    "typescript": ("javascript", "typescript"),
    "c": ("c", "cpp"),
    "cpp": ("c", "cpp"),
}
"""Languages whose files stand beside one another in one project."""

_NO_BUGS = re.compile(
    r".*\.d\.ts|.*\.min\.js|.*\.(config|conf)\.[cm]?[jt]s|\..*rc\.js|(Gruntfile|gulpfile|Gemfile).*"
    r"|.*\.pb\.go|doc\.go|package-info\.java|module-info\.java|build\.rs|Rakefile|version\.\w+"
)
"""Files that no test runs, or that a program wrote."""


class Mutation(Data):
    """One bug that could be put into a project."""

    kind: str
    path: str
    """Relative to the project's root, with forward slashes."""
    line: int
    """First changed line, counted from 1."""
    function: str
    """Qualified name of the function that is changed."""
    original: str
    replacement: str
    patch: str
    """Unified Git diff that puts the bug in."""
    digest: str
    """Hexadecimal SHA-256 of the path and the changed file."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: Source
    kind: str
    function: str
    edit: Edit


def list_mutations(
    root: Path,
    *,
    kinds: Collection[str] | None = None,
    seed: int = 0,
    limit: int | None = None,
    exclude: Collection[str] = (),
    language: str = "python",
) -> list[Mutation]:
    """List bugs that could be put into the files of a language under `root`.

    `exclude` holds glob patterns of relative paths. The first n of a longer list are the list of
    limit n. Raises `JourneymanError` for an unknown kind or language, and for a missing grammar.
    """
    found: list[Mutation] = []
    drawn = iterate_mutations(root, kinds=kinds, seed=seed, exclude=exclude, language=language)
    for mutation in drawn:
        if limit is not None and len(found) >= limit:
            break
        found.append(mutation)
    return found


def iterate_mutations(
    root: Path,
    *,
    kinds: Collection[str] | None = None,
    seed: int = 0,
    exclude: Collection[str] = (),
    language: str = "python",
    max_function_lines: int | None = None,
) -> Iterator[Mutation]:
    """Yield the same as `list_mutations`, one at a time; each is checked only when it is drawn.

    With `max_function_lines`, bugs lie in functions of at most so many lines, the innermost counting.
    """
    check_kinds(kinds or (), language)
    candidates: list[_Candidate] = []
    for path in list_sources(root, exclude=exclude, language=language):
        source = read_source(root, path, language)
        if source is not None:
            chosen = _chosen_kinds(kinds, source.language)
            candidates.extend(_candidates(source, chosen, max_function_lines))
    seen: set[str] = set()
    for candidate in _spread(candidates, seed):
        mutation = _mutation(candidate)
        if mutation is not None and mutation.digest not in seen:
            seen.add(mutation.digest)
            yield mutation


def list_sources(
    root: Path, *, exclude: Collection[str] = (), language: str = "python"
) -> list[str]:
    """List the files that may hold a bug: no tests, documents, set-up, vendored or hidden files."""
    found: list[str] = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if _is_source_folder(name, language))
        for name in files:
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if _is_source_file(path, relative, language) and not any(
                fnmatch(relative, glob) for glob in exclude
            ):
                found.append(relative)
    return sorted(found)


def _is_source_folder(name: str, language: str) -> bool:
    if language != "python":
        return not is_vendored(name)
    return name.lower() not in SKIPPED_FOLDERS and not name.startswith((".", "test_"))


def _is_source_file(path: Path, relative: str, language: str) -> bool:
    name = path.name
    if language == "python":
        if not name.endswith(".py") or any(fnmatch(name, glob) for glob in SKIPPED_FILES):
            return False
    elif (
        language_in(relative, language) is None
        or path_role(relative) != "source"
        or _NO_BUGS.fullmatch(name)
    ):
        return False
    return not path.is_symlink() and path.stat().st_size <= MAX_FILE_BYTES


def language_in(path: str, language: str) -> str | None:
    """Return the language of a file in a project of `language`; None where it is not one of its own.

    A header may be of C or of C++; the project tells.
    """
    own = "cpp" if language == "cpp" and path.endswith(".h") else language_of(path)
    return own if own in FAMILIES.get(language, (language,)) else None


def read_source(root: Path, path: str, language: str = "python") -> Source | None:
    """Parse a file; None where it is binary or not UTF-8, cannot be parsed or cannot stand in a diff.

    Macros keep much of C and C++ from being parsed whole: there, and in the other languages beside
    Python, only the functions that cannot be read are left out.
    """
    data = (root / path).read_bytes()
    if b"\0" in data or not is_safe_path(path) or (language == "python" and not _compiles(data)):
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    source = parse(path, data, language_in(path, language) or language)
    return None if language == "python" and source.tree.root_node.has_error else source


def check_kinds(names: Collection[str], language: str = "") -> None:
    """Raise `JourneymanError` for the first name that is no kind, with the nearest right one.

    Without a language, the kinds of all languages are known.
    """
    known = kinds_of(language) if language else {**KINDS, **SHARED_KINDS}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"kinds: {', '.join(sorted(known))}"
            of = f" of {language}" if language and name in {**KINDS, **SHARED_KINDS} else ""
            raise JourneymanError(f"unknown mutation kind {name}{of}", hint)


def _chosen_kinds(names: Collection[str] | None, language: str) -> list[Kind]:
    return [kind for name, kind in kinds_of(language).items() if not names or name in names]


def _candidates(
    source: Source, kinds: list[Kind], max_function_lines: int | None
) -> Iterator[_Candidate]:
    by_type: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        for node_type in kind.node_types:
            by_type[node_type].append(kind)
    for site in _sites(source):
        if max_function_lines is not None and _num_lines(site) > max_function_lines:
            continue
        for kind in by_type.get(site.node.type, ()):
            for edit in kind.propose(site):
                yield _Candidate(source, kind.name, site.function, edit)


def _num_lines(site: Site) -> int:
    return site.scope.end_point[0] - site.scope.start_point[0] + 1


def _sites(source: Source) -> Iterator[Site]:
    if source.language == "python":
        return walk(source)
    return walk_dialect(source, dialect_of(source.language))


def _spread(candidates: list[_Candidate], seed: int) -> Iterator[_Candidate]:
    """Order candidates round-robin over kinds, least-used function and file first."""
    order = {id(item): _shuffle_key(seed, item) for item in candidates}
    groups: dict[str, dict[tuple[str, str], list[_Candidate]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for item in sorted(candidates, key=lambda item: order[id(item)], reverse=True):
        groups[item.kind][item.source.path, item.function].append(item)
    uses = _Uses(candidates)
    heaps = {
        kind: [(uses.key(place), order[id(items[-1])], place) for place, items in places.items()]
        for kind, places in sorted(groups.items())
    }
    for heap in heaps.values():
        heapq.heapify(heap)
    while heaps:
        for kind in list(heaps):
            place = _pop_least_used(heaps[kind], uses)
            items = groups[kind][place]
            yield items.pop()
            uses.add(place)
            if items:
                heapq.heappush(heaps[kind], (uses.key(place), order[id(items[-1])], place))
            if not heaps[kind]:
                del heaps[kind]


_Place = tuple[str, str]
_Heap = list[tuple[tuple[int, float], str, _Place]]


class _Uses:
    """How often each function and each file has been drawn; a file counts by its functions."""

    def __init__(self, candidates: list[_Candidate]) -> None:
        places = {(item.source.path, item.function) for item in candidates}
        self._num_functions = Counter(path for path, _ in places)
        self._places: Counter[_Place] = Counter()
        self._files: Counter[str] = Counter()

    def key(self, place: _Place) -> tuple[int, float]:
        return self._places[place], self._files[place[0]] / self._num_functions[place[0]]

    def add(self, place: _Place) -> None:
        self._places[place] += 1
        self._files[place[0]] += 1


def _pop_least_used(heap: _Heap, uses: _Uses) -> _Place:
    """Pop the least-used place; keys only grow, so a stale one goes back and is met again."""
    while True:
        key, order, place = heapq.heappop(heap)
        if key == uses.key(place):
            return place
        heapq.heappush(heap, (uses.key(place), order, place))


def _shuffle_key(seed: int, item: _Candidate) -> str:
    edit = item.edit
    named = f"{seed}|{item.source.path}|{item.kind}|{edit.start}|{edit.end}|".encode()
    return hashlib.sha256(named + edit.replacement).hexdigest()


def _mutation(candidate: _Candidate) -> Mutation | None:
    """Make the edit and describe it; None where nothing changes or the result does not parse."""
    source, edit = candidate.source, candidate.edit
    before, after = source.data, apply_edit(source.data, edit)
    if before == after or not parses_as_well(source, after):
        return None
    return Mutation(
        kind=candidate.kind,
        path=source.path,
        line=_first_changed_line(before, after),
        function=candidate.function,
        original=before[edit.start : edit.end].decode("utf-8"),
        replacement=edit.replacement.decode("utf-8"),
        patch=unified_diff(source.path, before, after),
        digest=hashlib.sha256(source.path.encode() + b"\0" + after).hexdigest(),
    )


def parses_as_well(source: Source, after: bytes) -> bool:
    """Tell whether a changed file still parses, or as well as before; Python's has to compile."""
    if source.language == "python" and not _compiles(after):
        return False
    changed = parse(source.path, after, source.language)
    return num_errors(changed.tree) <= num_errors(source.tree)


def _first_changed_line(before: bytes, after: bytes) -> int:
    pairs = zip(before.split(b"\n"), after.split(b"\n"), strict=False)
    return next((line for line, (old, new) in enumerate(pairs, 1) if old != new), 1)


def _compiles(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(data, "<mutation>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
