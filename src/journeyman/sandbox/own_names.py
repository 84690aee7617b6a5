"""The names under which a repository publishes itself: what no index may serve to its tasks.

>>> own_names(Path("humanize"), "python-humanize/humanize")  # doctest: +SKIP
('humanize',)
"""

from __future__ import annotations

import ast
import configparser
import contextlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["own_names"]


def own_names(tree: Path, project: str) -> tuple[str, ...]:
    """Return the project's own name and those that its files declare, sorted.

    Read from `pyproject.toml`, `setup.cfg`, `setup.py` and `package.json` (with its workspaces)
    without running anything; a file that cannot be read declares nothing.
    """
    found = {project.rpartition("/")[2].removesuffix(".git"), *_python_names(tree)}
    for folder in [tree, *_workspaces(tree)]:
        found.add(_text(_json(folder / "package.json").get("name")))
    return tuple(sorted(found - {""}))


def _python_names(tree: Path) -> Iterator[str]:
    settings = _toml(tree / "pyproject.toml")
    yield _text(_get(settings, "project", "name"))
    yield _text(_get(settings, "tool", "poetry", "name"))
    yield _text(_get(settings, "tool", "flit", "metadata", "dist-name"))
    config = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(configparser.Error, OSError, UnicodeDecodeError):
        config.read(tree / "setup.cfg", encoding="utf-8")
        yield config.get("metadata", "name", fallback="").strip()
    yield from _setup_names(tree / "setup.py")


def _setup_names(path: Path) -> Iterator[str]:
    """Find literal names in calls of `setup`, and literals that such a name stands for."""
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return
    constants: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    constants[target.id] = _text(node.value.value)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and re.search(r"\bsetup$", ast.unparse(node.func)):
            for keyword in node.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    yield _text(keyword.value.value)
                elif keyword.arg == "name" and isinstance(keyword.value, ast.Name):
                    yield constants.get(keyword.value.id, "")


def _workspaces(tree: Path) -> Iterator[Path]:
    declared = _json(tree / "package.json").get("workspaces")
    patterns = declared.get("packages") if isinstance(declared, dict) else declared
    for pattern in patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, str) and not pattern.startswith(("/", "!")) and ".." not in pattern:
            with contextlib.suppress(ValueError, NotImplementedError, OSError):
                yield from (path for path in tree.glob(pattern) if path.is_dir())


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
