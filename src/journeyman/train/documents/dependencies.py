"""Files in the order in which they depend on one another: what is imported comes first.

A model that reads a repository then has seen what a file uses before it reads the file (DeepSeek-Coder,
arXiv 2401.14196, section 2.2). Imports are found by their words; what is outside is left alone, and a
circle is cut where the walk by path meets it.

    >>> files = [SourceFile("a.py", "from pkg import b"), SourceFile("pkg/b.py", "")]
    >>> [file.path for file in order_by_dependency(files)]
    ['pkg/b.py', 'a.py']
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from journeyman.train.documents.repository import SourceFile

__all__ = ["dependencies_of", "order_by_dependency"]

_PYTHON = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)|import[ \t]+([^\n#;]+))",
    re.MULTILINE,
)
_SCRIPT = re.compile(r"""(?:from|import|require\()\s*\(?["'](\.{1,2}/[^"']+)["']""")
_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
_RUST = re.compile(r"^\s*(?:pub\s+)?mod\s+(\w+)\s*;", re.MULTILINE)
_SCRIPT_ENDS = ("", ".ts", ".tsx", ".js", ".jsx", "/index.ts", "/index.js")


def order_by_dependency(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the files, each behind those that it imports; otherwise by path."""
    by_path = {file.path: file for file in sorted(files, key=lambda it: it.path)}
    done: dict[str, SourceFile] = {}
    for path in by_path:
        _visit(path, by_path, done)
    return list(done.values())


def dependencies_of(file: SourceFile, paths: Mapping[str, object]) -> list[str]:
    """Return the paths, of those given, that a file imports, in the order of its text."""
    end = posixpath.splitext(file.path)[1]
    if end in (".py", ".pyi"):
        wanted = _python(file)
    elif end in (".ts", ".tsx", ".js", ".jsx"):
        wanted = _beside(file, _SCRIPT.findall(file.text), _SCRIPT_ENDS)
    elif end in (".c", ".cc", ".cpp", ".h", ".hpp"):
        wanted = _beside(file, _INCLUDE.findall(file.text), ("",))
    elif end == ".rs":
        wanted = _beside(file, _RUST.findall(file.text), (".rs", "/mod.rs"))
    else:
        return []
    return list(dict.fromkeys(it for it in wanted if it in paths and it != file.path))


def _visit(path: str, by_path: Mapping[str, SourceFile], done: dict[str, SourceFile]) -> None:
    """Add a file behind its dependencies; a stack of our own, because chains can be long."""
    begun = {path}
    stack = [(path, iter(dependencies_of(by_path[path], by_path)))] if path not in done else []
    while stack:
        current, rest = stack[-1]
        following = next((it for it in rest if it not in done and it not in begun), None)
        if following is None:
            done[current] = by_path[current]
            stack.pop()
        else:
            begun.add(following)
            stack.append((following, iter(dependencies_of(by_path[following], by_path))))


def _python(file: SourceFile) -> Iterator[str]:
    folder = posixpath.dirname(file.path)
    for origin, names, plain in _PYTHON.findall(file.text):
        if plain:
            for name in plain.split(","):
                yield from _module_paths(name.split(" as ")[0].strip().replace(".", "/"), folder)
            continue
        dots = len(origin) - len(origin.lstrip("."))
        base = origin.lstrip(".").replace(".", "/")
        if dots:
            up = posixpath.normpath(posixpath.join(folder, *[".."] * (dots - 1)))
            base = posixpath.normpath(posixpath.join(up, base)).removeprefix("./")
        for name in names.strip("() \n\\").split(","):
            yield from _module_paths(f"{base}/{name.split(' as ')[0].strip()}", folder)
        yield from _module_paths(base, folder)


def _module_paths(base: str, folder: str) -> Iterator[str]:
    """Yield where a module may lie: from the top, under `src/`, or beside the file."""
    for start in ("", "src/", f"{folder}/" if folder else ""):
        place = posixpath.normpath(f"{start}{base}")
        yield from (f"{place}.py", f"{place}/__init__.py")


def _beside(file: SourceFile, names: Sequence[str], ends: Sequence[str]) -> Iterator[str]:
    folder = posixpath.dirname(file.path)
    for name in names:
        for end in ends:
            yield posixpath.normpath(posixpath.join(folder, f"{name}{end}"))
