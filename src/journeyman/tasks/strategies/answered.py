"""A model's definition, read strictly and put into its file, in any language but Python.

It is read in its place: there it must be one definition of the same name and head, with another body,
and leave the file as readable as it was. Only the body is taken over.

    data = put_in(target, code)
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from tree_sitter import Node

from journeyman.tasks.mutate import parses_as_well
from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.shared.reading import COMMENTS
from journeyman.tasks.mutate.source import Source, parse, text
from journeyman.tasks.strategies.surroundings import ATTRIBUTES, leaves_of
from journeyman.tasks.strategies.targets import Target, all_targets

__all__ = ["Refusal", "put_in"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an answer is not taken."""

    reason: str
    """A key of `funnel.REASONS`."""
    why: str


def put_in(target: Target, code: str) -> bytes | Refusal:
    """Return the target's file with the body that a model's code gives it."""
    old_body = target.node.child_by_field_name("body")
    assert old_body is not None
    written, changed = _placed(target, code)
    if written is None:
        return Refusal("model_unreadable", f"not one definition of {target.leaf}")
    body = written.node.child_by_field_name("body")
    if body is None or _head(written) != _head(target):
        return Refusal("model_unreadable", "another signature")
    if _words(written.source, body) == _words(target.source, old_body):
        return Refusal("model_unchanged", "the same code")
    data = target.source.data
    after = data[: old_body.start_byte] + text(body) + data[old_body.end_byte :]
    is_sound = parses_as_well(target.source, changed.data) and parses_as_well(target.source, after)
    return after if is_sound else Refusal("model_unreadable", "the file would not parse")


def _placed(target: Target, code: str) -> tuple[Target | None, Source]:
    """Put the code where the target stands; return what is then defined there, if it is the one."""
    data, start = target.source.data, target.whole.start_byte
    lines = textwrap.dedent(code).strip("\n").rstrip().split("\n")
    rest = (target.indentation + line if line.strip() else line for line in lines[1:])
    newline = "\r\n" if b"\r\n" in data else "\n"
    placed = newline.join([lines[0].strip(), *rest]).encode()
    end = start + len(placed)
    changed = parse(
        target.path, data[:start] + placed + data[target.whole.end_byte :], target.language
    )
    found = [
        one
        for one in all_targets(changed)
        if one.name == target.name
        and one.kind == target.kind
        and start <= one.whole.start_byte
        and one.whole.end_byte <= end
    ]
    if len(found) != 1 or _has_more(changed, found[0].whole, start, end):
        return None, changed
    return found[0], changed


def _has_more(source: Source, whole: Node, start: int, end: int) -> bool:
    """Tell whether anything but comments and attributes stands beside a definition."""
    skipped = (*COMMENTS, *ATTRIBUTES)
    beside = [
        word.strip()
        for first, last in ((start, whole.start_byte), (whole.end_byte, end))
        for word in leaves_of(source.tree.root_node, first, last, skipped=skipped)
    ]
    return any(word not in (b"", b";") for word in beside)


def _head(target: Target) -> list[bytes]:
    body = target.node.child_by_field_name("body")
    assert body is not None
    return leaves_of(target.whole, target.whole.start_byte, body.start_byte)


def _words(source: Source, body: Node) -> list[bytes]:
    strings = dialect_of(source.language).roles["string"]
    return leaves_of(body, body.start_byte, body.end_byte, whole=strings)
