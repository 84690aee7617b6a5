"""Verifiers that do not run the code: told from their script alone, before anything is executed.

A script that only searches, prints, compares or inspects text passes for a patch that looks right. What
this lets through may still be one; the gate's own trials decide by execution.

    >>> find_idle_verifier("grep -q 'return x + 1' src/a.py && exit 0")
    'it only looks at text: grep, exit'
    >>> find_idle_verifier("cd /testbed && python -m pytest -q tests")
    ''
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from tree_sitter import Node

from journeyman.guard.shell.syntax import parse

__all__ = ["find_idle_verifier"]


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_TEXT = _set("""
    grep egrep fgrep rg ag ack git awk gawk sed cut tr sort uniq wc head tail cat tac nl less more
    diff cmp comm md5sum sha1sum sha256sum cksum test [ [[ find ls stat file du tree jq yq strings od
    xxd hexdump patch column fold paste join look tee xmllint
""")
"""Programs that look at files and never run them."""

_SHELL = _set("""
    cd pushd popd echo printf exit return true false : export set unset local readonly declare source .
    shift read trap wait sleep mkdir rm cp mv ln touch chmod chown date pwd env umask ulimit mktemp
    which command type hash pip pip3 apt apt-get activate deactivate let
    break continue
""")
"""Words that neither look nor run."""

_WRAPPERS = _set("sudo env nice nohup timeout time stdbuf xargs exec command eval bash sh dash zsh")
_TAKES_SCRIPT = re.compile(r"^(python[\d.]*|bash|sh|dash|zsh)$")
_READERS = _set("""
    open read read_text readlines exists is_file search match findall find print exit getsource parse
    walk dump count strip split splitlines format join len any all sum startswith endswith isfile
    compile Path loads load getsourcelines lower upper group isinstance set list str
""")
_LIBRARY = _set("""
    ast re sys os pathlib io json inspect tokenize difflib glob hashlib collections textwrap fnmatch
    itertools shutil string
""")


def find_idle_verifier(script: str) -> str:
    """Say why a verifier's script cannot run the code that it judges; "" where it may.

    A program that is neither known to look at text nor part of the shell may run anything.
    """
    programs = list(dict.fromkeys(_programs(script)))
    if not programs:
        return "it runs nothing"
    if any(_may_run(program) for program, _ in programs):
        idle = [text for program, text in programs if _TAKES_SCRIPT.match(program) and text]
        running = [
            (program, text)
            for program, text in programs
            if _may_run(program) and not (text and text in idle and _is_idle_python(program, text))
        ]
        if running:
            return ""
        return "its Python code only reads files"
    names = [program for program, _ in programs if program not in ("cd", "set", "export")]
    return f"it only looks at text: {', '.join(names[:6])}" if names else "it runs nothing"


def _may_run(program: str) -> bool:
    return program not in _TEXT and program not in _SHELL


def _programs(script: str) -> Iterator[tuple[str, str]]:
    """Yield the name of every program in a script, and the code that it is handed on the line."""
    root = parse(script).root_node
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(reversed(node.children))
        if node.type == "command":
            yield from _unwrapped(_words(node), _document(node))
        elif node.type == "test_command":
            yield "[", ""
        elif node.type == "ERROR" and node is not root:
            yield "?", ""


def _words(node: Node) -> list[str]:
    words = [
        (child.text or b"").decode(errors="replace")
        for child in node.children
        if child.type not in ("variable_assignment", "file_redirect", "heredoc_redirect")
    ]
    return [_unquoted(word) for word in words if not word.startswith("<")]


def _document(node: Node) -> str:
    """Return the text of a here-document that a command reads."""
    parent = node.parent
    if parent is None or parent.type != "redirected_statement":
        return ""
    found = re.search(
        r"<<-?\s*['\"]?(\w+)['\"]?[^\n]*\n(.*?)^\s*\1\s*$", _text(parent), re.S | re.M
    )
    return found[2] if found else ""


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _unwrapped(words: list[str], document: str) -> Iterator[tuple[str, str]]:
    """Look through wrappers: what `timeout 5 bash -c '…'` runs is what counts."""
    while words:
        program = PurePosixPath(words[0]).name
        rest = words[1:]
        if program in ("bash", "sh", "dash", "zsh", "eval"):
            inner = _code_of(rest) if program != "eval" else " ".join(rest)
            if inner or document:
                yield from _programs(inner or document)
                return
            yield program, ""
            return
        if program in _WRAPPERS:
            words = _after_options(rest)
            continue
        yield program, _code_of(rest) or (document if _TAKES_SCRIPT.match(program) else "")
        return


def _after_options(words: list[str]) -> list[str]:
    while words and (words[0].startswith("-") or re.fullmatch(r"[\d.]+[smhd]?|\w+=.*", words[0])):
        words = words[1:]
    return words


def _code_of(words: list[str]) -> str:
    for word, following in pairwise(words):
        if re.fullmatch(r"-\w*c", word):
            return following
    return ""


def _is_idle_python(program: str, code: str) -> bool:
    """Tell whether Python code imports only what reads text, and calls nothing that could run more."""
    if not program.startswith("python"):
        return False
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = names if isinstance(node, ast.Import) else [node.module or ""]
            if any(module.partition(".")[0] not in _LIBRARY for module in modules):
                return False
        if isinstance(node, ast.Call) and _called(node) not in _READERS:
            return False
    return True


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _unquoted(word: str) -> str:
    if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"":
        return word[1:-1]
    return word
