"""The tree of a shell text, by tree-sitter's Bash grammar.

>>> parse("ls | wc -l").root_node.children[0].type
'pipeline'
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser, Tree

from journeyman.guard.shell.documents import rename_delimiters
from journeyman.guard.shell.quoting import expand_braces, split_raw

__all__ = ["parse", "without"]


_LATIN_1 = 0xFF


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


@lru_cache(maxsize=512)
def parse(text: str) -> Tree:
    """Parse a shell text; what does not fit the grammar becomes `ERROR` nodes."""
    text = _tame(rename_delimiters(text))
    tree = _parser().parse(text.encode())
    if tree.root_node.has_error and "{" in text and "," in text and "\n" not in text.strip():
        # The grammar takes `{git,clone,x}` at a command's place for a block.
        expanded = " ".join(part for raw in split_raw(text) for part in expand_braces(raw))
        again = _parser().parse(expanded.encode())
        if not again.root_node.has_error:
            return again
    return tree


def _tame(text: str) -> str:
    """Replace what is beyond Latin-1, on which the grammar's scanner (tree-sitter-bash 0.25) crashes.

    It asks C's `isalpha` about any code point, which reads memory that is not its own. Letters, digits
    and marks that host names are normalised to (`ｇｉｔ` is `git` to a URL) become what they stand for.
    """
    return text if text.isascii() else "".join(map(_tame_character, text))


@lru_cache(maxsize=4096)
def _tame_character(character: str) -> str:
    if ord(character) <= _LATIN_1:
        return character
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain.isascii() and (plain.isalnum() or plain in "./-:@_") else "\xff"


def without(node: Node, source: bytes, holes: list[Node]) -> str:
    """Return a node's text with blanks in place of some nodes inside it."""
    text, at = b"", node.start_byte
    for hole in sorted(holes, key=lambda it: it.start_byte):
        text += source[at : hole.start_byte] + b" "
        at = max(at, hole.end_byte)
    return (text + source[at : node.end_byte]).decode(errors="replace")
