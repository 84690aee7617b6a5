"""Which file holds a test, for the runners of all languages but Python's: read from its name.

Many logs name the file themselves. Where they name a class, a package or a program, the files of tests
are searched for what declares it.

    >>> file_of_test(Path("pflag"), "go", "github.com/spf13/pflag::TestBool")  # doctest: +SKIP
    'bool_test.go'
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path, PurePosixPath

from journeyman.tasks.convention import language_of
from journeyman.tasks.languages.suites import test_files

__all__ = ["file_of_test"]

_LANGUAGES = {
    "go": ("go",),
    "junit": ("java",),
    "minitest": ("ruby",),
    "test_unit": ("ruby",),
    "rspec": ("ruby",),
    "phpunit": ("php",),
    "cargo": ("rust",),
    "native": ("c", "cpp"),
    "dotnet": ("csharp",),
}
_SCRIPTS = ("javascript", "typescript")


@lru_cache(maxsize=65536)
def file_of_test(repository: Path, log_parser: str, test: str) -> str:
    """Return the file of a test, relative to the repository; "" where none is known."""
    head, _, rest = test.partition("::")
    if rest and (language_of(head) or _is_file(repository, head)):
        return "" if head.startswith("/") else head
    files = _contents(repository, _LANGUAGES.get(log_parser, _SCRIPTS))
    if log_parser == "go":
        return _go_file(repository, files, head, rest)
    if log_parser in ("junit", "minitest", "test_unit", "dotnet"):
        owner, _, name = test.rpartition("::" if rest else ".")
        return _class_file(files, owner, re.split(r"[(\[ ]", name)[0])
    return _named_file(files, head, rest) if log_parser == "native" else ""


def _is_file(repository: Path, path: str) -> bool:
    return not path.startswith("/") and ".." not in path and (repository / path).is_file()


@lru_cache(maxsize=8)
def _contents(repository: Path, languages: tuple[str, ...]) -> dict[str, str]:
    return {
        path: (repository / path).read_text(encoding="utf-8", errors="replace")
        for path in test_files(repository, languages)
    }


def _go_file(repository: Path, files: dict[str, str], package: str, test: str) -> str:
    """Search the folder of a package, whose path begins with its module's, for a test's function."""
    found = re.search(r"^module\s+\"?(\S+?)\"?\s*$", _text(repository / "go.mod"), re.MULTILINE)
    module = found[1] if found else ""
    folder = package.removeprefix(module).strip("/") or "."
    name = test.partition("/")[0]
    declares = re.compile(rf"^func (\([^)]*\) )?{re.escape(name)}\(", re.MULTILINE)
    places = [path for path in files if not module or str(PurePosixPath(path).parent) == folder]
    return next((path for path in places if declares.search(files[path])), "")


def _class_file(files: dict[str, str], name: str, method: str) -> str:
    """Search for the file that declares a class: that is named like it, or holds the method too."""
    last = re.split(r"[.$:]+", name)[-1] if name else ""
    tail = name.partition("$")[0].replace(".", "/")
    named = [path for path in files if str(PurePosixPath(path).with_suffix("")).endswith(tail)]
    if named and tail:
        return named[0]
    declares = re.compile(
        rf"^\s*(public |final |internal |sealed )*class (\w+(::|\.))*{re.escape(last)}\b"
        rf"|^\s*describe\s*\(?\s*[\"']?(\w+::)*{re.escape(last)}\b",
        re.MULTILINE,
    )
    found = [path for path, text in files.items() if last and declares.search(text)]
    own = [path for path in found if re.search(rf"\b{re.escape(method)}\b", files[path])]
    return next(iter(own or found), "")


def _named_file(files: dict[str, str], head: str, rest: str) -> str:
    """Search for a test of C or C++: a program of a file's own name, or a name that a file holds."""
    base = PurePosixPath(head).name
    for path in files:
        if PurePosixPath(path).stem == base and language_of(path):
            return path
    words = [word for word in re.split(r"[^A-Za-z0-9_]+", rest or base) if len(word) > 2]
    for path, text in files.items():
        if words and all(re.search(rf"\b{re.escape(word)}\b", text) for word in words[:2]):
            return path
    quoted = f'"{rest or head}"'
    return next((path for path, text in files.items() if quoted in text), "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
