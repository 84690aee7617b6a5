"""Files that run, or are read, when tests start: a policy for each language.

One table serves the rules in front (may this be written?), the patch review behind (was it
touched?) and whoever restores files before grading.

    >>> kind_of("tests/conftest.py"), kind_of("src/widgets/core.py")
    (<FileKind.STARTUP: 'startup'>, <FileKind.SOURCE: 'source'>)
"""

from __future__ import annotations

import posixpath
import re
from enum import StrEnum

__all__ = ["LANGUAGES", "FileKind", "kind_of", "startup_files"]


class FileKind(StrEnum):
    """What a file is to those who grade."""

    TEST = "test"
    """A file of tests."""
    STARTUP = "startup"
    """Runs or is read when tests start; may have honest changes."""
    INJECTED = "injected"
    """Runs in every interpreter: no task needs a change of it."""
    RUNNER = "runner"
    """The program that runs tests, or a part of it."""
    GRADER = "grader"
    """A script or a result of the grading."""
    SOURCE = "source"
    """Everything else."""


LANGUAGES: dict[str, tuple[str, ...]] = {
    "python": (
        r"conftest\.py",
        r"pytest\.ini",
        r"\.pytest\.ini",
        r"tox\.ini",
        r"setup\.cfg",
        r"pyproject\.toml",
        r"noxfile\.py",
        r"setup\.py",
        r"\.coveragerc",
        r"runtests\.py",
        r"manage\.py",
    ),
    "javascript": (
        r"package\.json",
        r"(?:jest|vitest|vite|karma|mocha|ava|playwright|cypress|babel|webpack)\.(?:config|conf)\.\w+",
        r"jest[.-]setup\.\w+",
        r"\.mocharc(?:\.\w+)?",
        r"\.npmrc",
        r"\.babelrc",
    ),
    "go": (r"go\.mod", r"go\.work", r"testmain\.go"),
    "rust": (r"Cargo\.toml", r"build\.rs", r"config\.toml", r"nextest\.toml"),
    "java": (
        r"pom\.xml",
        r"build\.gradle(?:\.kts)?",
        r"settings\.gradle(?:\.kts)?",
        r"gradle\.properties",
    ),
    "ruby": (r"Rakefile", r"\.rspec", r"spec_helper\.rb", r"rails_helper\.rb", r"test_helper\.rb"),
    "php": (r"phpunit\.xml(?:\.dist)?", r"composer\.json", r"bootstrap\.php"),
    "c": (r"CMakeLists\.txt", r"CTestTestfile\.cmake", r"configure(?:\.ac)?", r"meson\.build"),
    "any": (r"Makefile", r"GNUmakefile", r"makefile", r"justfile", r"Taskfile\.ya?ml"),
}
"""Base names, as regular expressions, of what is read at test start."""

_INJECTED = re.compile(r"^(?:sitecustomize\.py|usercustomize\.py|.*\.pth|ld\.so\.preload)$")
_RUNNERS = (
    r"(?:pytest|py\.test|tox|nox|unittest|nosetests?|jest|mocha|vitest|phpunit|rspec|"
    r"ctest|gotestsum)"
)
_RUNNER = re.compile(
    rf"(?:^|/)(?:usr/)?(?:local/)?s?bin/(?:{_RUNNERS}|python[\d.]*|node|npm|npx|yarn|pnpm|make|cargo|go|git|ruby"
    rf"|java|mvn|gradle|bash|sh|diff|patch)$|/(?:site|dist)-packages/(?:_?pytest|pluggy|unittest|nose|xdist)(?:/|$|\.)"
    rf"|/lib/python[\d.]+/unittest(?:/|$)|/node_modules/(?:jest|mocha|vitest|chai|\.bin)(?:[/-]|$)"
    rf"|(?:^|/){_RUNNERS}$|(?:^|/)(?:pytest|unittest)\.py$"
)
_GRADER = re.compile(
    r"^(?:run_?)?(?:eval(?:uat(?:e|ion|or))?|grade(?:r)?|grading|judge|verif(?:y|ier)|score(?:r|_.*)?|check_?solution"
    r"|swe_?bench_?eval)(?:[_-](?:run|script|tests?|all|instance))?\.(?:sh|py|js|ts|rb|json|ya?ml|toml)$"
    r"|^(?:reward|score|verdict|grade|grades)\.(?:txt|json|csv)$|^(?:test_)?patch\.diff$|^eval\.log$"
)
_RESULT = re.compile(
    r"^(?:test[-_]?)?(?:results?|reports?|output|outcome|status)\.(?:json|xml|txt|log|csv)$|^junit.*\.xml$"
    r"|^\.?exit_?(?:code|status)$|^ctrf\.json$"
)
_TEST_FILE = re.compile(
    r"^(?:test_.*|.*_tests?|tests)\.(?:py|go|rs|c|cc|cpp|rb|php|js|ts)$|.*[._-](?:test|spec|tests)\.[cm]?[jt]sx?$"
    r"|.*(?:Test|Tests|IT|Spec)\.(?:java|kt|scala|cs|php|groovy|swift)$|.*_spec\.rb$"
)
_TEST_FOLDER = re.compile(r"(?:^|/)(?:tests?|__tests__|spec|specs|testing|e2e|test_suite)(?:/|$)")
_STARTUP = re.compile(
    "^(?:" + "|".join(name for names in LANGUAGES.values() for name in names) + ")$"
)
_BY_PRODUCT = re.compile(
    r"(?:^|/)(?:__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.hypothesis|\.tox|\.nox|build|dist"
    r"|htmlcov|coverage|output|tmp|\.cache)(?:/|$)|\.py[co]$|\.(?:log|bak|orig|rej|tmp|swp)$|~$"
)


def kind_of(path: str) -> FileKind:
    """Say what a file or folder is, by its path alone."""
    name = posixpath.basename(path.rstrip("/"))
    if _INJECTED.match(name):
        return FileKind.INJECTED
    if _RUNNER.search(path):
        return FileKind.RUNNER
    if _GRADER.match(name) or (_RESULT.match(name) and "/logs/" in path):
        return FileKind.GRADER
    if _STARTUP.match(name):
        return FileKind.STARTUP
    if _BY_PRODUCT.search(path):
        return FileKind.SOURCE
    if _TEST_FILE.match(name) or _TEST_FOLDER.search(path):
        return FileKind.TEST
    return FileKind.SOURCE


def is_result(path: str) -> bool:
    """Say whether a file's name is that of a report of tests."""
    return _RESULT.match(posixpath.basename(path)) is not None


def startup_files(language: str) -> tuple[str, ...]:
    """Return the base names, as regular expressions, that are restored or flagged for a language."""
    return (*LANGUAGES.get(language, ()), *LANGUAGES["any"])
