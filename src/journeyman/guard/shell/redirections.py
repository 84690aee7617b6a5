"""Redirections of a command: what it reads instead of its input, and where its output goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from journeyman.guard.holes import UNKNOWN
from journeyman.guard.shell.machine import Machine

__all__ = ["Redirections", "read_redirections"]


@dataclass
class Redirections:
    """What a command's redirections say."""

    stdin: str | None = None
    targets: list[tuple[str, bool]] = field(default_factory=list)
    """Files that get the output, and whether it is appended."""
    words: list[str] = field(default_factory=list)
    """Raw arguments that stand behind a here-document's start."""
    piped: list[Node] = field(default_factory=list)
    """Commands on the line of a here-document's start that read the output."""
    following: list[Node] = field(default_factory=list)
    """Commands on that line that run afterwards."""


def read_redirections(
    machine: Machine, nodes: Sequence[Node], text: Callable[[Node], str]
) -> Redirections:
    """Read the redirections of one command."""
    given = Redirections()
    for node in nodes:
        if node.type == "heredoc_redirect":
            _document(machine, node, text, given)
        elif node.type == "herestring_redirect":
            raw = text(node).partition("<<<")[2].strip()
            given.stdin = machine.expander().value(raw) + "\n"
        else:
            _file(machine, node, text, given)
    return given


def _file(machine: Machine, node: Node, text: Callable[[Node], str], given: Redirections) -> None:
    match = re.match(r"(\d*)(&>>|&>|>>|>\||>&|<>|<&|>|<)\s*(.*)", text(node), re.S)
    if match is None:
        return
    descriptor, operator, raw = match.groups()
    words = machine.expander().fields(raw)
    path = words[0] if words else UNKNOWN
    if path.startswith(("/dev/tcp/", "/dev/udp/")):
        machine.connect_device(path)
        given.stdin = UNKNOWN
    elif operator == "<":
        given.stdin = machine.read(path) if path != "/dev/stdin" else machine.stdin
    elif operator in ("<&", "<>") or path.isdigit() or path == "-" or not path:
        return
    elif descriptor in ("", "1") and path not in ("/dev/stdout", "/dev/stderr", "/dev/null"):
        given.targets.append((path, operator.endswith(">>")))
    elif descriptor in ("", "1") and path == "/dev/null":
        given.targets.append((path, False))
    elif path != "/dev/null":
        machine.write(path, UNKNOWN, is_appended=operator == ">>")


def _document(
    machine: Machine, node: Node, text: Callable[[Node], str], given: Redirections
) -> None:
    start = next((text(it) for it in node.children if it.type == "heredoc_start"), "")
    body = next((text(it) for it in node.children if it.type == "heredoc_body"), "")
    if text(node).startswith("<<-") or "<<-" in text(node)[:4]:
        body = re.sub(r"^\t+", "", body, flags=re.M)
    is_literal = bool(re.search(r"['\"\\]", start))
    given.stdin = body if is_literal else machine.expander().here_document(body)
    for child in node.children:
        if child.type == "file_redirect":
            _file(machine, child, text, given)
        elif child.type == "pipeline":
            given.piped.append(child)
        elif node.child_by_field_name("right") == child:
            given.following.append(child)
        elif child.type not in ("heredoc_start", "heredoc_body", "heredoc_end") and child.is_named:
            given.words.append(text(child))
