"""Shared kinds that change control flow: branches, loops, returns, exception handling, statements."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.shared.reading import (
    COMMENTS,
    field_name,
    is_simple,
    left_of,
    operator_of,
    removal,
    right_of,
    statement_of,
    statements_in,
)
from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import shared_kind

__all__: list[str] = []

TRUTHS = (b"true", b"false")


def _first_branch(node: Node) -> Node | None:
    found = node.child_by_field_name("consequence") or node.child_by_field_name("body")
    return found or next((one for one in node.named_children if one.type == "then"), None)


def _last_branch(node: Node) -> Node | None:
    branches = node.children_by_field_name("alternative")
    return branches[-1] if branches else None


def _leaves(block: Node | None, dialect: Dialect) -> bool:
    """Tell whether a branch ends by leaving: with a return, an exception, a break or a continue."""
    statements = statements_in(block, dialect)
    if not statements:
        return False
    last = statements[-1]
    if last.type in dialect.roles.get("statement", ()) and last.named_child_count == 1:
        last = last.named_children[0]
    roles = ("return", "throw", "break", "continue")
    return any(last.type in dialect.roles.get(role, ()) for role in roles) and len(statements) <= 2


@shared_kind("removed_branch", "An `else` branch is missing", "if")
def removed_branch(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`if (a) {…} else {…}` becomes `if (a) {…}`."""
    last = _last_branch(site.node)
    before = last.prev_sibling if last is not None else None
    while before is not None and (before.type in COMMENTS or text(before) == b"else"):
        before = before.prev_sibling
    if last is not None and before is not None:
        yield Edit(before.end_byte, last.end_byte, b"")


@shared_kind("removed_early_return", "A guard that leaves early is missing", "if")
def removed_early_return(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`if (x == null) return y;` is taken out."""
    statement = statement_of(site.node, dialect)
    if statement is None or _last_branch(site.node) is not None:
        return
    if _leaves(_first_branch(site.node), dialect):
        yield removal(site, statement)


@shared_kind("removed_condition_body", "A conditional step is missing", "if")
def removed_condition_body(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`if (x) y = z;`, which goes on afterwards, is taken out."""
    statement = statement_of(site.node, dialect)
    if statement is None or _last_branch(site.node) is not None:
        return
    if not _leaves(_first_branch(site.node), dialect):
        yield removal(site, statement)


@shared_kind("swapped_branches", "Two branches are exchanged", "if", "ternary")
def swapped_branches(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`a ? b : c` becomes `a ? c : b`; the same with `else`, where that is no other condition."""
    first, last = _first_branch(site.node), _last_branch(site.node)
    if first is None or last is None or first.type in dialect.roles.get("if", ()):
        return
    if last.type == "else_clause":
        last = last.child_by_field_name("body") or (last.named_children or [last])[-1]
    if last.type == "else":  # Ruby's, whose word stands inside its node
        inner = statements_in(last, dialect)
        kept = statements_in(first, dialect)
        if inner and kept:
            yield _swapped(site, (kept[0], kept[-1]), (inner[0], inner[-1]))
    elif last.type not in dialect.roles.get("if", ()) and last.type != "elsif":
        yield _swapped(site, (first, first), (last, last))


def _swapped(site: Site, first: tuple[Node, Node], second: tuple[Node, Node]) -> Edit:
    data = site.source.data
    one = data[first[0].start_byte : first[1].end_byte]
    other = data[second[0].start_byte : second[1].end_byte]
    between = data[first[1].end_byte : second[0].start_byte]
    return Edit(first[0].start_byte, second[1].end_byte, other + between + one)


@shared_kind("removed_loop_body", "A loop does nothing", "loop")
def removed_loop_body(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`for (x of y) {…}` keeps its head and loses its body; loops without an end are left alone."""
    body = site.node.child_by_field_name("body")
    heads = [one for one in site.node.named_children if one.type not in COMMENTS]
    statements = statements_in(body, dialect)
    if body is None or not statements or heads[0].id == body.id:
        return
    if body.type in dialect.blocks:
        yield Edit(statements[0].start_byte, statements[-1].end_byte, b"")
    else:
        yield site.replace(dialect.empty, body)


@shared_kind("loop_control_change", "`break` and `continue` are mixed up", "break", "continue")
def loop_control_change(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`break` becomes `continue`, and the other way round."""
    words = (b"break", b"next" if dialect.language == "ruby" else b"continue")
    is_break = site.node.type in dialect.roles["break"]
    if _is_in_loop(site.node, dialect) and site.node.named_child_count == 0:
        old, new = words if is_break else words[::-1]
        yield site.replace(text(site.node).replace(old, new, 1))


def _is_in_loop(node: Node, dialect: Dialect) -> bool:
    """Tell whether the nearest thing that `break` ends is a loop, not a case of a switch."""
    loops = (*dialect.roles.get("loop", ()), *dialect.roles.get("while", ()), "do_block", "block")
    current = node.parent
    while current is not None and "switch" not in current.type and "select" not in current.type:
        if current.type in loops and (current.type != "block" or dialect.language == "ruby"):
            return True
        current = current.parent
    return False


@shared_kind("exception_handling_removed", "An exception is no longer handled", "try")
def exception_handling_removed(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`try {a} catch {b}` becomes `{a}`; with a `finally` it is left alone."""
    body = site.node.child_by_field_name("body")
    kinds = {child.type for child in site.node.named_children}
    if body is not None and not any("finally" in kind for kind in kinds):
        yield site.replace(text(body))


@shared_kind("return_value_change", "A function returns something else", "return")
def return_value_change(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`return a == b` becomes `return !(a == b)`, `return 1` becomes `return 2`, a value null."""
    value = _returned(site.node)
    if value is None:
        return
    operator = operator_of(value) if value.type in dialect.roles["binary"] else None
    if operator is not None and text(operator) in _CONDITIONS:
        yield site.replace(b"!(" + text(value) + b")", value)
    elif text(value) in TRUTHS:
        yield site.replace(TRUTHS[1 - TRUTHS.index(text(value))], value)
    elif value.type in dialect.roles["number"] and text(value).isdigit():
        yield site.replace(str(int(text(value)) + 1).encode(), value)
    elif dialect.null and text(value) not in (dialect.null, b"null", b"undefined"):
        yield site.replace(dialect.null, value)


_CONDITIONS = (b"==", b"!=", b"===", b"!==", b"<", b">", b"<=", b">=", b"&&", b"||")


def _returned(node: Node) -> Node | None:
    """Return the one value of a return statement; None for none and for several."""
    inner = [child for child in node.named_children if child.type not in COMMENTS]
    while len(inner) == 1 and inner[0].type in ("expression_list", "argument_list"):
        inner = inner[0].named_children
    return inner[0] if len(inner) == 1 else None


@shared_kind(
    "removed_assignment", "A variable or a field keeps its old value", "assignment", "augmented"
)
def removed_assignment(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`this.count = n`, or an assignment that goes on from the old value, is taken out."""
    statement, left = statement_of(site.node, dialect), left_of(site.node)
    if statement is None or left is None or field_name(site.node) == "update":
        return
    target = left.named_children[0] if left.type == "expression_list" else left
    is_member = not is_simple(target) or target.type not in ("identifier", "variable_name")
    right = right_of(site.node)
    is_update = right is not None and text(target) in text(right)
    operator = operator_of(site.node)
    is_augmented = operator is not None and text(operator) != b"="
    if is_member or is_update or is_augmented:
        yield removal(site, statement)


@shared_kind(
    "swapped_statements", "Two neighbouring statements are in the wrong order", "assignment"
)
def swapped_statements(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`a = f(b)` and a statement that reads `a` change places; both have lines of their own."""
    statement, left = statement_of(site.node, dialect), left_of(site.node)
    following = statement.next_named_sibling if statement is not None else None
    if statement is None or left is None or following is None:
        return
    if following.type not in (statement.type, *dialect.roles.get("call", ())):
        return
    between = site.source.data[statement.end_byte : following.start_byte]
    if text(left) in text(following) and not between.strip() and b"\n" in between:
        swapped = text(following) + between + text(statement)
        yield Edit(statement.start_byte, following.end_byte, swapped)
