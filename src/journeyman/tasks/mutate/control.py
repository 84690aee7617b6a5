"""Kinds that change control flow: branches, loops, returns, exception handling, statements."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import kind

__all__: list[str] = []

LEAVING = ("return_statement", "raise_statement", "continue_statement", "break_statement")


def _statements(block: Node | None) -> list[Node]:
    return [child for child in block.named_children if child.type != "comment"] if block else []


def _line_start(site: Site, node: Node) -> int:
    """Return where a statement's own line begins, or where it begins if it shares the line."""
    start = site.source.data.rfind(b"\n", 0, node.start_byte) + 1
    return start if not site.source.data[start : node.start_byte].strip() else node.start_byte


def _removed(site: Site, node: Node) -> Edit:
    """Return the edit that takes a statement out, or leaves `pass` where the block would be empty."""
    siblings = _statements(node.parent)
    start = _line_start(site, node)
    end = site.source.data.find(b"\n", node.end_byte)
    is_alone = start == node.start_byte or site.source.data[node.end_byte : end].strip()
    if len(siblings) < 2 or is_alone or end < 0:
        return site.replace(b"pass", node)
    return Edit(start, end + 1, b"")


@kind("removed_branch", "An `else` or `elif` branch is missing", "else_clause", "elif_clause")
def removed_branch(site: Site) -> Iterator[Edit]:
    """The clause is taken out together with its lines."""
    before = site.node.prev_named_sibling
    parent = site.node.parent
    if before is None or parent is None or parent.type != "if_statement":
        return
    while before is not None and before.type == "comment":
        before = before.prev_named_sibling
    if before is not None:
        yield Edit(before.end_byte, site.node.end_byte, b"")


@kind("removed_early_return", "A guard that leaves early is missing", "if_statement")
def removed_early_return(site: Site) -> Iterator[Edit]:
    """`if x is None: return default` is taken out."""
    body = _statements(site.node.child_by_field_name("consequence"))
    has_alternative = site.node.child_by_field_name("alternative") is not None
    if not has_alternative and body and body[-1].type in LEAVING and len(body) <= 2:
        yield _removed(site, site.node)


@kind("removed_condition_body", "A conditional step is missing", "if_statement")
def removed_condition_body(site: Site) -> Iterator[Edit]:
    """`if x: y = z`, which goes on afterwards, is taken out."""
    body = _statements(site.node.child_by_field_name("consequence"))
    has_alternative = site.node.child_by_field_name("alternative") is not None
    if not has_alternative and body and body[-1].type not in LEAVING:
        yield _removed(site, site.node)


@kind("removed_loop_body", "A loop does nothing", "for_statement", "while_statement")
def removed_loop_body(site: Site) -> Iterator[Edit]:
    """`for x in y: …` keeps its head and loses its body; loops without an end are left alone."""
    body = site.node.child_by_field_name("body")
    if body is not None and site.node.type == "for_statement" and text(body) != b"pass":
        yield site.replace(b"pass", body)


@kind(
    "loop_control_change",
    "`break` and `continue` are mixed up",
    "break_statement",
    "continue_statement",
)
def loop_control_change(site: Site) -> Iterator[Edit]:
    """`break` becomes `continue` or nothing, and the other way round."""
    yield site.replace(b"continue" if site.node.type == "break_statement" else b"break")
    yield site.replace(b"pass")


@kind("exception_handling_removed", "An exception is no longer handled", "try_statement")
def exception_handling_removed(site: Site) -> Iterator[Edit]:
    """`try: a` with handlers becomes `a`, unindented; the text of strings stays as it is."""
    body = site.node.child_by_field_name("body")
    clauses = {child.type for child in site.node.named_children}
    if body is None or clauses & {"finally_clause", "else_clause"}:
        return
    if body.start_point.row > site.node.start_point.row:
        shift = body.start_point.column - site.node.start_point.column
        yield site.replace(_dedented(site, body, shift))


def _dedented(site: Site, body: Node, shift: int) -> bytes:
    protected = _string_rows(body)
    lines = text(body).split(b"\n")
    first = body.start_point.row
    for index in range(1, len(lines)):
        if first + index not in protected and not lines[index][:shift].strip():
            lines[index] = lines[index][shift:]
    return b"\n".join(lines)


def _string_rows(node: Node) -> set[int]:
    """Return the rows that begin inside a string."""
    rows: set[int] = set()
    stack = [node]
    while stack:
        node = stack.pop()
        if node.type == "string":
            rows.update(range(node.start_point.row + 1, node.end_point.row + 1))
        stack.extend(node.children)
    return rows


@kind("exception_narrowed", "One of several handled exceptions is forgotten", "except_clause")
def exception_narrowed(site: Site) -> Iterator[Edit]:
    """`except (KeyError, TypeError):` becomes `except KeyError:`."""
    for child in site.node.named_children[:1]:
        caught = child.named_children[0] if child.type == "as_pattern" else child
        if caught.type == "tuple" and caught.named_child_count > 1:
            for kept in caught.named_children:
                yield site.replace(text(kept), caught)


@kind("return_value_change", "A function returns something else", "return_statement")
def return_value_change(site: Site) -> Iterator[Edit]:
    """`return x` becomes `return None`; a returned pair is exchanged."""
    if site.node.named_child_count != 1:
        return
    value = site.node.named_children[0]
    if value.type in ("expression_list", "tuple") and value.named_child_count == 2:
        first, second = value.named_children
        between = site.source.data[first.end_byte : second.start_byte]
        yield Edit(first.start_byte, second.end_byte, text(second) + between + text(first))
    elif value.type in ("comparison_operator", "boolean_operator"):
        yield site.replace(b"not (" + text(value) + b")", value)
    elif value.type not in ("none", "true", "false"):
        yield site.replace(b"None", value)


@kind(
    "removed_assignment", "A variable or an attribute keeps its old value", "expression_statement"
)
def removed_assignment(site: Site) -> Iterator[Edit]:
    """`self.count = n`, or a second assignment to a variable, is taken out."""
    inner = site.node.named_children[0] if site.node.named_child_count == 1 else None
    left = inner.child_by_field_name("left") if inner else None
    if inner is None or left is None:
        return
    is_update = inner.type == "augmented_assignment" or text(left) in text(inner)[len(text(left)) :]
    if left.type in ("attribute", "subscript") or is_update:
        yield _removed(site, site.node)


@kind("comprehension_filter_removed", "A comprehension keeps what it should leave out", "if_clause")
def comprehension_filter_removed(site: Site) -> Iterator[Edit]:
    """`[x for x in y if x]` becomes `[x for x in y]`."""
    before = site.node.prev_sibling
    if before is not None and site.node.parent and site.node.parent.type != "case_clause":
        yield Edit(before.end_byte, site.node.end_byte, b"")


@kind(
    "swapped_statements",
    "Two neighbouring statements are in the wrong order",
    "expression_statement",
)
def swapped_statements(site: Site) -> Iterator[Edit]:
    """`a = f(b)` and `b = g(a)` change places; both stand on lines of their own."""
    following = site.node.next_named_sibling
    if (
        following is None
        or following.type != "expression_statement"
        or not _share_name(site.node, following)
    ):
        return
    between = site.source.data[site.node.end_byte : following.start_byte]
    if not between.strip() and b"\n" in between:
        swapped = text(following) + between + text(site.node)
        yield Edit(site.node.start_byte, following.end_byte, swapped)


def _share_name(first: Node, second: Node) -> bool:
    """Tell whether the second statement reads what the first one assigns."""
    assigned = first.named_children[0].child_by_field_name("left") if first.named_children else None
    return assigned is not None and text(assigned) in text(second)
