"""What a Python repository's own lock files and CI files say is installed to run its tests.

Lock files give exact versions, which the first attempt at an installation keeps to. CI files, `Makefile`
and `noxfile.py` name what nothing else declares. Nothing is run.

    >>> locked_versions(Path("project"))  # doctest: +SKIP
    ('attrs==23.2.0', 'pytest==8.0.0')
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["ci_requirements", "locked_versions"]

_TOML_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_PIP_INSTALL = re.compile(r"\b(?:pip3?|uv pip|python3? -m pip)\s+install\s+([^\n|;&#]+)")
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[\w,-]+\])?\s*([<>=!~]=?.*)?$")
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)$")
_WITH_VALUE = frozenset(
    {
        *("-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url"),
        *("--extra-index-url", "-f", "--find-links", "-t", "--target", "--prefix", "--python"),
    }
)
_NOT_TESTS = re.compile(r"doc|lint|release|publish|deploy|type|format|benchmark", re.IGNORECASE)
_MAX_LOCKED = 400


def locked_versions(tree: Path) -> tuple[str, ...]:
    """Return the exact versions of a lock file, `name==version`, sorted; none where there is no lock.

    A package that a lock has in several versions, for several platforms, is left open.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for name, version in _locked(tree):
        found[re.sub(r"[-_.]+", "-", name).lower()].add(version)
    single = [f"{name}=={next(iter(it))}" for name, it in sorted(found.items()) if len(it) == 1]
    return tuple(single) if len(single) <= _MAX_LOCKED else ()


def ci_requirements(tree: Path) -> Iterator[str]:
    """Yield the requirements that workflows, `Makefile` and `noxfile.py` install by name."""
    workflows = sorted((tree / ".github/workflows").glob("*.y*ml"))
    texts = [path for path in workflows if not _NOT_TESTS.search(path.stem)]
    others = (".travis.yml", "appveyor.yml", ".gitlab-ci.yml", "Makefile")
    for path in (*texts, *(tree / name for name in others)):
        for line in _PIP_INSTALL.findall(_text(path)):
            yield from _named(line)
    yield from _of_nox(tree / "noxfile.py")


def _locked(tree: Path) -> Iterator[tuple[str, str]]:
    for name in _TOML_LOCKS:
        table = _toml(tree / name)
        packages = table.get("package", table.get("packages", []))
        for package in packages if isinstance(packages, list) else ():
            if isinstance(package, dict) and package.get("version") and _is_from_index(package):
                yield str(package["name"]), str(package["version"])
    yield from _of_pipfile(tree / "Pipfile.lock")
    if not (tree / "pyproject.toml").is_file() and (tree / "requirements.txt").is_file():
        for line in _text(tree / "requirements.txt").split("\n"):
            if pinned := _PINNED.match(line.partition(";")[0].partition("#")[0].strip()):
                yield pinned[1], pinned[2]


def _is_from_index(package: dict[str, Any]) -> bool:
    source = package.get("source")
    return not isinstance(source, dict) or "registry" in source or source.get("type") == "legacy"


def _of_pipfile(path: Path) -> Iterator[tuple[str, str]]:
    try:
        lock = json.loads(_text(path) or "{}")
    except ValueError:
        return
    for group in ("default", "develop"):
        for name, facts in lock.get(group, {}).items():
            version = facts.get("version", "") if isinstance(facts, dict) else ""
            if version.startswith("=="):
                yield name, version[2:]


def _named(line: str) -> Iterator[str]:
    """Yield the requirements of one `pip install`, without options, paths and variables."""
    try:
        words = shlex.split(_EXPRESSION.sub("$", line))
    except ValueError:
        return
    is_value = False
    for word in words:
        if re.match(r"^\d?>", word):  # where its output goes
            return
        if is_value or word.startswith("-"):
            is_value = not is_value and word in _WITH_VALUE
            continue
        if "$" not in word and "/" not in word and _REQUIREMENT.match(word) and word != "pip":
            yield word


def _of_nox(path: Path) -> Iterator[str]:
    """Yield what sessions that are about tests install by name."""
    try:
        tree = ast.parse(_text(path))
    except (SyntaxError, ValueError):
        return
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or _NOT_TESTS.search(function.name):
            continue
        for node in ast.walk(function):
            is_install = isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".install")
            for argument in node.args if is_install and isinstance(node, ast.Call) else ():
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield from _named(shlex.quote(argument.value))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}
