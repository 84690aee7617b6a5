"""Words that a file of a language can bear: a comment, and what makes it unusable.

>>> comment_text("a.go", "This changes nothing.")
b'// This changes nothing.\\n'
"""

from __future__ import annotations

from journeyman.tasks.convention import language_of

__all__ = ["broken_text", "comment_text", "emptied_text"]

_HASH = ("python", "ruby")
_UNUSABLE = "this file must not be needed"
_BROKEN = {
    "python": f"raise RuntimeError('{_UNUSABLE}')\n",
    "ruby": f"raise '{_UNUSABLE}'\n",
    "javascript": f"throw new Error('{_UNUSABLE}');\n",
    "typescript": f"throw new Error('{_UNUSABLE}');\n",
    "php": f"<?php throw new \\RuntimeException('{_UNUSABLE}'); ?>\n",
    "c": f"#error {_UNUSABLE}\n",
    "cpp": f"#error {_UNUSABLE}\n",
    "csharp": f"#error {_UNUSABLE}\n",
    "go": f"{_UNUSABLE}\n",
    "java": f"{_UNUSABLE}\n",
    "rust": f'compile_error!("{_UNUSABLE}");\n',
}


def comment_text(path: str, words: str) -> bytes:
    """Return a line that says something in a file and changes nothing; b"" for no known language."""
    language = language_of(path)
    if not language or path.endswith((".vue", ".svelte", ".phpt", ".phtml")):
        return b""
    return f"# {words}\n".encode() if language in _HASH else f"// {words}\n".encode()


def emptied_text(path: str) -> bytes:
    """Return the whole of a file that holds nothing any more."""
    start = b"<?php\n" if path.endswith(".php") else b""
    return start + (comment_text(path, "emptied") or b"emptied\n")


def broken_text(path: str) -> bytes:
    """Return what, put before a file's content, keeps it from being built or run."""
    if path.endswith((".html", ".htm")):
        return b"<template>\n"  # holds whatever follows, and shows none of it
    return _BROKEN.get(language_of(path), f"{_UNUSABLE}\n").encode()
