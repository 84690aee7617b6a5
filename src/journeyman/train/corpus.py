"""Source files of a corpus: what folders hold, in one order, without what no model should read.

files = list(find_files([Path("src")]))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.train.documents import SourceFile

__all__ = ["SUFFIXES", "find_files"]

_NAMES = (
    "c cc cpp cs go h hpp java js jsx kt md php py pyi rb rs rst sh sql swift toml ts tsx yaml yml"
)
SUFFIXES = frozenset(f".{name}" for name in _NAMES.split())
_MAX_BYTES = 1_000_000
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "build", "dist", "target"})


def find_files(
    roots: Iterable[Path], *, suffixes: frozenset[str] = SUFFIXES
) -> Iterator[SourceFile]:
    """Yield the text files under each root by path, relative to it; a root may be one file.

    Left out are hidden folders, what builds and package managers make, links, files above 1 MB, empty
    files and those that are not UTF-8. Raises `JourneymanError` for a root that is not there.
    """
    for root in roots:
        if not root.exists():
            raise JourneymanError(f"no corpus at {root}", "give a folder of source files")
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            name = path.name if path == root else path.relative_to(root).as_posix()
            if path == root or (path.suffix in suffixes and not _is_skipped(name)):
                text = _read(path)
                if text:
                    yield SourceFile(name, text)


def _is_skipped(name: str) -> bool:
    return any(part.startswith(".") or part in _SKIPPED for part in name.split("/"))


def _read(path: Path) -> str:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
        return ""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return ""
