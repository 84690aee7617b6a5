"""What a project's tests need installed, read from its files without running any of them.

Extras, dependency groups, requirement files and tox settings are read; linters, type checkers and
documentation tools are set aside and only used if a test turns out to import them.

    >>> find_requirements(Path("humanize")).wanted  # doctest: +SKIP
    ('freezegun', 'pytest>=9', 'pytest-benchmark', 'pytest-codspeed', 'pytest-cov')
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from journeyman.tasks.environment.declared import ci_requirements, locked_versions
from journeyman.types import Data

__all__ = ["Requirements", "find_requirements", "providers_of", "python_of"]

_TEST_NAME = re.compile(r"test|^(dev|develop|development|ci)$", re.IGNORECASE)
_FILE_PATTERNS = (
    "*requirements*test*.txt",
    "*test*requirements*.txt",
    "*requirements*dev*.txt",
    "*dev*requirements*.txt",
    "requirements/*test*.txt",
    "requirements/*dev*.txt",
    "test/requirements*.txt",
    "tests/requirements*.txt",
)
_TOOLS = re.compile(
    r"^(pre-commit|prek|mypy.*|pyright|basedpyright|ty|ruff|black|flake8.*|pylint|isort|autoflake"
    r"|sphinx.*|furo|mkdocs.*|mkdocstrings.*|myst-.*|docutils|numpydoc|.*-theme|towncrier|twine"
    r"|build|tox.*|nox|bump.*|codecov|coveralls|ipython|ipdb|jupyter.*|notebook|cogapp|pyupgrade"
    r"|commitizen|uv|poetry.*|hatch|hatchling|types-.*|wheel|invoke|pycodestyle|pydocstyle|vulture"
    r"|bandit|safety|codespell|interrogate|pip|pip-tools|check-manifest|zest-releaser.*|gitpython"
    r"|python-semantic-release|setuptools-scm|pytest-randomly|pytest-random-order|pytest-xdist"
    r"|pytest-mypy.*|pytest-ruff|pytest-black|pytest-flake8|pytest-pylint|pytest-watch)$"
)
_IMPORTS = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "OpenSSL": "pyopenssl",
    "pil": "pillow",
    "pkg_resources": "setuptools",
    "serial": "pyserial",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")


class Requirements(Data):
    """What to install beside the project itself."""

    extras: tuple[str, ...] = ()
    """Extras of the project that its test requirements name."""
    wanted: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    """Declared, but tools rather than libraries: installed only when a test imports them."""
    dependencies: tuple[str, ...] = ()
    """What the project itself depends on, for when it cannot be installed as a whole."""
    locked: tuple[str, ...] = ()
    """Exact versions from the project's own lock file, which are tried first."""


def find_requirements(tree: Path) -> Requirements:
    """Read every place where a Python project declares what its tests need."""
    table = _toml(tree / "pyproject.toml")
    own = normal_name(str(_get(table, "project").get("name", "")))
    extras: list[str] = []
    wanted: dict[str, str] = {}
    spare: dict[str, str] = {}
    for text in (
        *_from_pyproject(table),
        *_from_setup_cfg(tree),
        *_from_files(tree),
        *_from_tox(tree),
        *ci_requirements(tree),
    ):
        match = _REQUIREMENT.match(text)
        if match is None:
            continue
        name = normal_name(match[1])
        if name == own:
            extras.extend(
                part.strip() for part in (match[2] or "[]")[1:-1].split(",") if part.strip()
            )
            continue
        pool = spare if _TOOLS.match(name) else wanted
        marker = text.partition(";")[2].strip()
        pool.setdefault(f"{name};{marker}", text)
    if not any(key.startswith("pytest;") for key in wanted):
        wanted["pytest;"] = "pytest"
    return Requirements(
        extras=tuple(dict.fromkeys(extras)),
        wanted=tuple(wanted.values()),
        spare=tuple(spare.values()),
        dependencies=_dependencies(table, tree),
        locked=locked_versions(tree),
    )


def providers_of(module: str, requirements: Requirements) -> tuple[str, ...]:
    """Return the declared requirements that provide a top-level module a test failed to import."""
    name = normal_name(_IMPORTS.get(module, module))
    pool = (*requirements.spare, *requirements.wanted)
    declared = tuple(text for text in pool if _name_of(text) == name)
    known = (name,) if module in _IMPORTS else ()
    return declared or known


def python_of(tree: Path) -> str:
    """Return the `requires-python` of a project, empty where it does not say."""
    declared = _get(_toml(tree / "pyproject.toml"), "project").get("requires-python", "")
    if not declared and (tree / "setup.cfg").is_file():
        declared = _ini(tree / "setup.cfg").get("options", "python_requires", fallback="")
    return str(declared)


def has_node_packages(tree: Path) -> bool:
    """Tell whether a project wants `package.json` installed too: `[tool.journeyman] node-packages`."""
    return bool(_get(_toml(tree / "pyproject.toml"), "tool", "journeyman").get("node-packages"))


def normal_name(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name_of(requirement: str) -> str:
    match = _REQUIREMENT.match(requirement)
    return normal_name(match[1]) if match else ""


def _from_pyproject(table: dict[str, Any]) -> Iterator[str]:
    for name, texts in _get(table, "project", "optional-dependencies").items():
        if _TEST_NAME.search(name):
            yield from texts
    groups = _get(table, "dependency-groups")
    for name in groups:
        if _TEST_NAME.search(name):
            yield from _group(groups, name, set())
    tool = _get(table, "tool")
    for name, texts in _get(tool, "pdm", "dev-dependencies").items():
        if _TEST_NAME.search(name):
            yield from texts
    yield from _get(tool, "uv").get("dev-dependencies", [])
    for environment in _get(tool, "hatch", "envs").values():
        if isinstance(environment, dict):
            yield from environment.get("dependencies", [])
            yield from environment.get("extra-dependencies", [])
    yield from _from_poetry(_get(tool, "poetry"))


def _group(groups: dict[str, Any], name: str, seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    for item in groups.get(name, []):
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict) and "include-group" in item:
            yield from _group(groups, str(item["include-group"]), seen)


def _from_poetry(table: dict[str, Any]) -> Iterator[str]:
    """Poetry has its own version syntax: only the names are taken."""
    yield from _get(table, "dev-dependencies")
    for name, group in _get(table, "group").items():
        if _TEST_NAME.search(name) and isinstance(group, dict):
            yield from _get(group, "dependencies")


def _from_setup_cfg(tree: Path) -> Iterator[str]:
    config = _ini(tree / "setup.cfg")
    if config.has_section("options.extras_require"):
        for name, text in config.items("options.extras_require"):
            if _TEST_NAME.search(name):
                yield from _lines(text)
    yield from _lines(config.get("options", "tests_require", fallback=""))


def _from_tox(tree: Path) -> Iterator[str]:
    text = _ini(tree / "tox.ini").get("testenv", "deps", fallback="")
    for line in _lines(text):
        bare = line.split(":", 1)[1].strip() if re.match(r"^[\w{},!-]+\s*:", line) else line
        if "{" not in bare:
            yield from _expand(tree, bare)


def _from_files(tree: Path) -> Iterator[str]:
    paths = {path for pattern in _FILE_PATTERNS for path in tree.glob(pattern)}
    for path in sorted(paths):
        yield from _expand(tree, f"-r {path.relative_to(tree)}")


def _expand(tree: Path, line: str, depth: int = 0) -> Iterator[str]:
    match = re.match(r"^(?:-r|--requirement)[ =]*(\S+)$", line)
    if match is None:
        if not line.startswith(("-", ".", "/")) and "://" not in line:
            yield line
        return
    path = (tree / match[1]).resolve()
    if depth < 4 and path.is_file() and path.is_relative_to(tree.resolve()):
        for inner in _lines(path.read_text(encoding="utf-8", errors="replace")):
            if inner.startswith("-r") and not (tree / inner[2:].strip()).is_file():
                inner = f"-r {(path.parent / inner[2:].strip()).relative_to(tree.resolve())}"
            yield from _expand(tree, inner, depth + 1)


def _dependencies(table: dict[str, Any], tree: Path) -> tuple[str, ...]:
    declared = _get(table, "project").get("dependencies")
    if isinstance(declared, list):
        return tuple(str(item) for item in declared)
    poetry = [name for name in _get(table, "tool", "poetry", "dependencies") if name != "python"]
    if poetry:
        return tuple(poetry)
    return tuple(_lines(_ini(tree / "setup.cfg").get("options", "install_requires", fallback="")))


def _lines(text: str) -> list[str]:
    bare = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [line for line in bare if line]


def _get(table: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def _ini(path: Path) -> configparser.ConfigParser:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return configparser.ConfigParser(interpolation=None)
    return config
