"""How the tests of a C or C++ project are built and run: with CMake, Automake, Meson or Make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from journeyman.tasks.languages.profile import Suite

__all__ = ["native_suites"]

_BUILD = "/tmp/build"  # noqa: S108 - a path inside the sandbox
_TARGET = re.compile(r"^(test|check|tests|unittest|run-tests|runtests)\s*:", re.MULTILINE)
_CMAKE_FLAGS = "-DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON -DCMAKE_POLICY_VERSION_MINIMUM=3.5"


def native_suites(tree: Path) -> Iterator[Suite]:
    """Yield the ways to build and test a tree, likeliest first; each builds all that has changed."""
    cmake = _read(tree / "CMakeLists.txt")
    if re.search(
        r"enable_testing|include\s*\(\s*CTest|add_test", cmake + _nested(tree), re.IGNORECASE
    ):
        options = " ".join(f"-D{name}=ON" for name in _test_options(cmake))
        yield _suite(
            f"cmake -S . -B {_BUILD} {_CMAKE_FLAGS} {options} >/dev/null"
            f" && cmake --build {_BUILD} -j 2 --target all -- -k >/dev/null;"
            f" cd {_BUILD} && ctest -V --timeout 120"
        )
    if (tree / "meson.build").is_file():
        yield _suite(f"meson setup {_BUILD} >/dev/null && meson test -C {_BUILD} -v")
    if (tree / "configure").is_file() or (tree / "configure.ac").is_file():
        prepare = "[ -x configure ] || autoreconf -fi >/dev/null 2>&1; "
        yield _suite(
            f"{prepare}sh ./configure -q >/dev/null 2>&1 && make -s -j 2 >/dev/null; make -k check"
        )
    for name in ("GNUmakefile", "makefile", "Makefile"):
        targets = _TARGET.findall(_read(tree / name))
        if targets:
            wanted = "test" if "test" in targets else targets[0]
            yield _suite(f"make -k {wanted}")
            return


def _suite(command: str) -> Suite:
    return Suite(command=command, log_parser="native")


def _test_options(cmake: str) -> list[str]:
    """Return the options of a project that turn its tests on."""
    found = re.findall(r"^\s*option\s*\(\s*(\w+)", cmake, re.MULTILINE | re.IGNORECASE)
    return [
        name for name in found if re.search(r"(^|_)(BUILD_)?(TESTS?|TESTING|UNIT_TESTS?)$", name)
    ]


def _nested(tree: Path) -> str:
    return "".join(_read(path) for path in sorted(tree.glob("*/CMakeLists.txt")))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
