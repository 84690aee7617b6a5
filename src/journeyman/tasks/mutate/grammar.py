"""The grammars of languages: Python's is always there, the others come with the extra `languages`.

>>> parser_of("python", "a.py").parse(b"x = 1").root_node.type
'module'
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from tree_sitter import Language, Parser

from journeyman.errors import JourneymanError

__all__ = ["LANGUAGES", "is_installed", "parser_of"]

_GRAMMARS: dict[str, tuple[str, str]] = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
}
LANGUAGES = tuple(name for name in _GRAMMARS if name != "tsx")
"""Languages in whose syntax trees bugs can be put."""


def is_installed(language: str) -> bool:
    """Tell whether the grammar of a language is there."""
    return language in _GRAMMARS and find_spec(_GRAMMARS[language][0]) is not None


def parser_of(language: str, path: str) -> Parser:
    """Return the parser of a file. Raises `JourneymanError` where its grammar is not installed."""
    return _parser("tsx" if language == "typescript" and path.endswith("x") else language)


@cache
def _parser(grammar: str) -> Parser:
    module, function = _GRAMMARS[grammar]
    try:
        return Parser(Language(getattr(import_module(module), function)()))
    except ImportError:
        raise JourneymanError(
            f"the grammar of {grammar} is not installed", "pip install 'journeyman[languages]'"
        ) from None
