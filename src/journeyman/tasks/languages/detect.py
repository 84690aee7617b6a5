"""Which language a project is of: the one of its manifests with the most source.

>>> find_language(Path("toolz"))  # doctest: +SKIP
'python'
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from journeyman.tasks.convention import is_vendored, language_of, path_role
from journeyman.tasks.git import list_files
from journeyman.tasks.languages.profiles import PROFILES, environment_language

__all__ = ["find_language"]

_PYTHON = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "requirements.txt", "pytest.ini")


def find_language(tree: Path) -> str:
    """Return the language of a tree's source, as its files are called; Python where nothing tells."""
    sizes: Counter[str] = Counter()
    for path in list_files(tree):
        language = language_of(path)
        is_own = not any(is_vendored(part) for part in path.split("/")[:-1])
        if language and is_own and path_role(path) == "source" and not (tree / path).is_symlink():
            sizes[language] += (tree / path).stat().st_size
    named = [language for language in sizes if _has_manifest(tree, language)]
    ranked = sorted(named or sizes, key=lambda language: (-sizes[language], language))
    if not ranked:
        return "python"
    # A wrapper in C beside a language with a package manager is not what the project is.
    with_manager = [language for language in ranked if language not in ("c", "cpp")]
    is_wrapper = ranked[0] in ("c", "cpp") and with_manager and _has_manager(tree)
    return with_manager[0] if is_wrapper else ranked[0]


def _has_manifest(tree: Path, language: str) -> bool:
    profile = PROFILES.get(environment_language(language))
    names = _PYTHON if profile is None else profile.manifests
    return any(any(tree.glob(name)) for name in names)


def _has_manager(tree: Path) -> bool:
    names = ("pyproject.toml", "setup.py", "package.json", "Cargo.toml", "go.mod", "Gemfile")
    return any((tree / name).is_file() for name in names)
