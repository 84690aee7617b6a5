"""How a project's tests are run, found in its files: the runner, its options and what to run.

The project's own `addopts` are replaced by the few that decide which tests exist, so that a stray
`-x`, `-n auto`, `--cov` or `--doctest-modules` neither stops, reorders nor adds tests.

    >>> find_suite(Path("toolz")).command  # doctest: +SKIP
    'python -m pytest -v -rap --color=no --tb=short -p no:cacheprovider -o addopts='
"""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from journeyman.tasks.git import list_files
from journeyman.tasks.languages.profile import Suite

__all__ = ["PYTEST", "UNITTEST", "Suite", "find_suite", "is_test_file"]

PYTEST = (
    "python -m pytest -v -rap --color=no --tb=short -p no:cacheprovider -p no:randomly -o addopts="
)
"""Verbose, so that a crash keeps what was done; `-rap`, so that names are given in full at the end."""

UNITTEST = "python -m unittest discover -v"

_KEPT_OPTION = re.compile(r"^(--import-mode|--ignore|--ignore-glob|--deselect|--pyargs)(=|$)")
_KEPT_PAIR = ("-p", "-m", "-k", "--ignore", "--ignore-glob", "--import-mode", "--deselect")
_TEST_FILE = re.compile(r"^(test_.*|.*_tests?|tests?)\.py$")
_TEST_FOLDERS = ("tests", "test", "testing")


def find_suite(tree: Path) -> list[Suite]:
    """Return the ways to run a project's tests, likeliest first; none where it has no tests."""
    config = _pytest_config(tree)
    files = [path for path in list_files(tree) if is_test_file(path)]
    if not files and "testpaths" not in config:
        return []
    options = "".join(f" {shlex.quote(option)}" for option in _kept(_words(config.get("addopts"))))
    targets = [""] if "testpaths" in config else [f" {folder}" for folder in _targets(tree, files)]
    found = [Suite(command=PYTEST + options + target, log_parser="pytest") for target in targets]
    return [
        *found,
        *(Suite(command=UNITTEST + f" -s {at}", log_parser="unittest") for at in _starts(tree)),
    ]


def is_test_file(path: str) -> bool:
    """Tell whether a relative path looks like a file of tests."""
    name = path.rpartition("/")[2]
    in_folder = any(part in _TEST_FOLDERS for part in path.split("/")[:-1])
    return bool(_TEST_FILE.match(name)) and (
        in_folder or name.startswith("test") or "_test" in name
    )


def _targets(tree: Path, files: list[str]) -> Iterator[str]:
    for folder in _TEST_FOLDERS:
        if any(path.startswith(f"{folder}/") for path in files):
            yield folder
    yield "."


def _starts(tree: Path) -> Iterator[str]:
    yield from (
        f"{folder} -t ." for folder in _TEST_FOLDERS if (tree / folder / "__init__.py").is_file()
    )


def _pytest_config(tree: Path) -> dict[str, Any]:
    """Return the settings that pytest would read, from the file that it would choose."""
    for name, sections in (
        ("pytest.toml", ("pytest",)),
        (".pytest.toml", ("pytest",)),
        ("pytest.ini", ("pytest",)),
        (".pytest.ini", ("pytest",)),
        ("pyproject.toml", ("tool.pytest", "tool.pytest.ini_options")),
        ("tox.ini", ("pytest",)),
        ("setup.cfg", ("tool:pytest",)),
    ):
        path = tree / name
        if not path.is_file():
            continue
        read = _toml_section if name.endswith(".toml") else _ini_section
        for section in reversed(sections):
            table = read(path, section)
            if table is not None:
                return table
    return {}


def _toml_section(path: Path, section: str) -> dict[str, Any] | None:
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    for key in section.split("."):
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def _ini_section(path: Path, section: str) -> dict[str, Any] | None:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return None
    return dict(config.items(section)) if config.has_section(section) else None


def _words(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    try:
        return shlex.split(str(value or ""), comments=True)
    except ValueError:
        return []


def _kept(words: list[str]) -> Iterator[str]:
    """Keep the options that decide which tests exist and how their modules are imported."""
    index = 0
    while index < len(words):
        word = words[index]
        if word in _KEPT_PAIR and index + 1 < len(words):
            yield from (word, words[index + 1])
            index += 1
        elif _KEPT_OPTION.match(word) or re.match(r"^-p\w", word):
            yield word
        index += 1
