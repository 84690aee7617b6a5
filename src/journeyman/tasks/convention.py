"""Which role a file plays in a change, by language convention: test, source, documentation, the rest.

A path says it nearly always; where it does not, the file's content does (`role_of`). Ten languages
have conventions of their own.

    >>> path_role("src/test/java/org/a/PriceTest.java"), path_role("docs/index.rst")
    ('test', 'docs')
"""

from __future__ import annotations

import itertools
import re
from pathlib import PurePosixPath
from typing import Literal

__all__ = ["Role", "is_test_module", "is_vendored", "language_of", "path_role", "role_of"]

Role = Literal["test", "source", "docs", "dependencies", "other"]

_LANGUAGES: dict[str, tuple[str, ...]] = {
    "python": (".py", ".pyi", ".pyx", ".pxd"),
    "javascript": (".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte"),
    "typescript": (".ts", ".tsx", ".mts", ".cts"),
    "go": (".go",),
    "java": (".java", ".kt", ".kts", ".scala", ".groovy"),
    "ruby": (".rb", ".rake"),
    "php": (".php", ".phtml", ".phpt"),
    "c": (".c", ".h"),
    "cpp": (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".inl", ".ipp"),
    "rust": (".rs",),
    "csharp": (".cs",),
}
_BY_SUFFIX = {suffix: name for name, suffixes in _LANGUAGES.items() for suffix in suffixes}

_TEST_NAMES: dict[str, re.Pattern[str]] = {
    "python": re.compile(r"(test_.*|.*_tests?|tests?|conftest)\.pyi?"),
    "javascript": re.compile(r".*[.-](test|tests|spec|e2e|cy)\.[a-z]+|(test|tests|spec)\.[a-z]+"),
    "typescript": re.compile(
        r".*[.-](test|tests|spec|e2e|cy|test-d)\.[a-z]+|(test|tests|spec)\.[a-z]+"
    ),
    "go": re.compile(r".*_test\.go"),
    "java": re.compile(r"(Test[A-Z].*|.*(Test|Tests|TestCase|IT|Spec))\.[a-z]+"),
    "ruby": re.compile(r"(.*_(test|spec)|test_.*|(spec|test)_helper)\.rb"),
    "php": re.compile(r".*(Test|TestCase)\.php|.*\.phpt"),
    "c": re.compile(r"(test_.*|.*_(test|tests|unittest)|tests?)\.[ch]"),
    "cpp": re.compile(r"(test_.*|.*_(test|tests|unittest)|.*Tests?|tests?)\.[a-z]+"),
    "rust": re.compile(r"(tests?|.*_tests?|test_.*)\.rs"),
    "csharp": re.compile(r".*Tests?\.cs"),
}

_TEST_FOLDERS = frozenset((
    "tests", "__tests__", "__mocks__", "__snapshots__", "__fixtures__", "testdata", "test_data",
    "test-data", "unittests", "unittest", "unit_tests", "functional_tests", "integration_tests",
    "e2e", "cypress", "androidTest", "testFixtures", "jvmTest", "commonTest", "integrationTest",
))  # fmt: skip
_LOOSE_TEST_FOLDERS = frozenset(("test", "spec", "specs", "features", "testing", "t"))
"""Folders of tests in most projects, and of a library for tests in some."""

_DOCS_FOLDERS = frozenset(
    ("doc", "docs", "documentation", "changelog.d", "changes.d", "newsfragments")
)
_ASIDE_FOLDERS = frozenset(
    (
        "examples",
        "example",
        "samples",
        "demo",
        "demos",
        "benchmarks",
        "benches",
        "bench",
        "asv_bench",
    )
)
"""At the top: code that shows or measures the project and is not it."""

_VENDORED = frozenset(
    (
        *("vendor", "vendored", "third_party", "thirdparty", "extern", "external", "deps"),
        *("node_modules", "bower_components", "build", "dist", "target", "out", "venv"),
        *("scripts", "tools", "ci", "examples", "example", "benchmark", "benchmarks", "bench"),
        *("fuzz", "fuzzing", "benches", "demo", "doc", "docs", "website", "coverage", "generated"),
    )
)
_DOCS_SUFFIXES = frozenset((".md", ".rst", ".adoc", ".mdx", ".textile", ".pod"))
_DOCS_NAMES = re.compile(
    r"(readme|changelog|changes|history|news|authors|contributors|contributing|license|licence"
    r"|copying|notice|code_of_conduct|security|maintainers|todo|whatsnew)([._-].*)?",
    re.IGNORECASE,
)
_DEPENDENCIES = re.compile(
    r"(.*requirements.*\.(txt|in)|constraints.*\.txt|poetry\.lock|uv\.lock|pdm\.lock|Pipfile(\.lock)?"
    r"|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?"
    r"|go\.(mod|sum|work|work\.sum)|Cargo\.lock|Gemfile(\.lock)?|composer\.lock"
    r"|gradle\.lockfile|libs\.versions\.toml|\.pre-commit-config\.yaml|dependabot\.yml|renovate\.json5?)"
)

_PYTHON_TEST = re.compile(
    rb"^\s*(async )?def test\w*\(|^class \w*\([^)]*TestCase\b|^\s*(import|from) (pytest|unittest)\b",
    re.MULTILINE,
)
_JS_TEST = re.compile(rb"^\s*(describe|it|test)(\.\w+)*\(\s*['\"`]", re.MULTILINE)
_C_TEST = re.compile(
    rb"^\s*(TEST|TEST_F|TEST_P|TEST_CASE|BOOST_AUTO_TEST_CASE|START_TEST)\s*\(", re.MULTILINE
)
_CONTENT: dict[str, re.Pattern[bytes]] = {
    "python": _PYTHON_TEST,
    "javascript": _JS_TEST,
    "typescript": _JS_TEST,
    "java": re.compile(rb"^\s*@(Test|ParameterizedTest|RepeatedTest)\b", re.MULTILINE),
    "ruby": re.compile(
        rb"^\s*(RSpec\.)?describe\b|< *(Minitest::Test|Test::Unit::TestCase|ActiveSupport::TestCase)\b",
        re.MULTILINE,
    ),
    "php": re.compile(rb"extends\s+\\?(PHPUnit\\Framework\\)?\w*TestCase\b"),
    "c": _C_TEST,
    "cpp": _C_TEST,
    "rust": re.compile(
        rb"^\s*#\[(tokio::|rstest|async_std::)?test\b|^\s*#!\[cfg\(test\)\]", re.MULTILINE
    ),
}


def language_of(path: str) -> str:
    """Return the language of a source file by its suffix; "" for one that is no source."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower(), "")


def is_vendored(folder: str) -> bool:
    """Tell whether a folder, by its own name, holds what others wrote or what programs made."""
    return folder.startswith(".") or folder.lower() in _VENDORED


def is_test_module(path: str) -> bool:
    """Tell whether a file's own name says that it holds tests, rather than helping them."""
    language, name = language_of(path), PurePosixPath(path).name
    if name.startswith("conftest."):
        return False
    return language in _TEST_NAMES and bool(_TEST_NAMES[language].fullmatch(name))


def path_role(path: str) -> Role | None:
    """Return the role that a path tells; None where the content has to."""
    place = PurePosixPath(path)
    language, folders = language_of(path), place.parts[:-1]
    if language and _TEST_NAMES[language].fullmatch(place.name):
        return "test"
    if _is_test_folder(folders, language):
        return "test"
    if _DEPENDENCIES.fullmatch(place.name):
        return "dependencies"
    if not language:
        return "docs" if _is_docs(place) else "other"
    if _DOCS_FOLDERS & set(folders[:1]):
        return "docs"
    if _ASIDE_FOLDERS & set(folders[:1]):
        return "other"
    if _LOOSE_TEST_FOLDERS & set(folders):
        # At the top it is the project's; deeper down it may be a library that helps with tests.
        return None if folders[0] not in ("test", "spec") else "test"
    return "source"


def role_of(path: str, data: bytes) -> Role:
    """Return the role of a file, from its content where its path leaves it open."""
    role = path_role(path)
    if role is not None:
        return role
    found = _CONTENT.get(language_of(path))
    return "test" if found is None or found.search(data) else "source"


def _is_test_folder(folders: tuple[str, ...], language: str) -> bool:
    if _TEST_FOLDERS & set(folders):
        return True
    if any(
        here == "src" and there.endswith(("test", "Test"))
        for here, there in itertools.pairwise(folders)
    ):
        return True
    # What is no source, beside tests, is what they read.
    return not language and bool(_LOOSE_TEST_FOLDERS & set(folders))


def _is_docs(place: PurePosixPath) -> bool:
    folders = set(place.parts[:-1])
    is_named = bool(_DOCS_NAMES.fullmatch(place.name)) and place.suffix in (
        "",
        ".txt",
        *_DOCS_SUFFIXES,
    )
    return is_named or place.suffix.lower() in _DOCS_SUFFIXES or bool(_DOCS_FOLDERS & folders)
