"""Kinds that change an operator: comparison, arithmetic, Boolean, unary and augmented assignment."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from journeyman.tasks.mutate.source import Edit, Site
from journeyman.tasks.mutate.table import kind

__all__: list[str] = []

COMPARISONS: dict[bytes, tuple[bytes, ...]] = {
    b"<": (b"<=", b">"),
    b"<=": (b"<", b">="),
    b">": (b">=", b"<"),
    b">=": (b">", b"<="),
    b"==": (b"!=",),
    b"!=": (b"==",),
    b"in": (b"not in",),
    b"not in": (b"in",),
    b"is": (b"is not",),
    b"is not": (b"is",),
}

ARITHMETIC: dict[bytes, tuple[bytes, ...]] = {
    b"+": (b"-",),
    b"-": (b"+",),
    b"*": (b"+", b"//"),
    b"/": (b"*", b"//"),
    b"//": (b"/", b"%"),
    b"%": (b"//",),
    b"**": (b"*",),
    b"<<": (b">>",),
    b">>": (b"<<",),
    b"&": (b"|",),
    b"|": (b"&",),
    b"^": (b"|",),
}

AUGMENTED: dict[bytes, tuple[bytes, ...]] = {
    b"+=": (b"-=", b"="),
    b"-=": (b"+=", b"="),
    b"*=": (b"=",),
    b"/=": (b"*=",),
    b"//=": (b"/=", b"="),
    b"%=": (b"//=",),
    b"|=": (b"&=", b"="),
    b"&=": (b"|=", b"="),
    b"^=": (b"|=",),
    b"<<=": (b">>=",),
    b">>=": (b"<<=",),
}

TEXT = ("string", "concatenated_string", "list", "tuple", "list_comprehension")
"""Operands for which another arithmetic operator is a plain type error."""


def _operator_edits(
    site: Site, operator: Node, table: dict[bytes, tuple[bytes, ...]]
) -> Iterator[Edit]:
    for other in table.get(b" ".join(site.text(operator).split()), ()):
        yield site.replace(other, operator)


@kind("comparison_change", "A comparison operator is another one", "comparison_operator")
def comparison_change(site: Site) -> Iterator[Edit]:
    """`a < b` becomes `a <= b` or `a > b`."""
    for child in site.node.children:
        if not child.is_named:
            yield from _operator_edits(site, child, COMPARISONS)


@kind("arithmetic_change", "An arithmetic operator is another one", "binary_operator")
def arithmetic_change(site: Site) -> Iterator[Edit]:
    """`a + b` becomes `a - b`; operands that are plainly text or lists are left alone."""
    operator = site.node.child_by_field_name("operator")
    if operator is not None and not any(child.type in TEXT for child in site.node.named_children):
        yield from _operator_edits(site, operator, ARITHMETIC)


@kind("boolean_operator_change", "`and` and `or` are exchanged", "boolean_operator")
def boolean_operator_change(site: Site) -> Iterator[Edit]:
    """`a and b` becomes `a or b`."""
    operator = site.node.child_by_field_name("operator")
    if operator is not None:
        yield from _operator_edits(site, operator, {b"and": (b"or",), b"or": (b"and",)})


@kind("removed_operand", "One side of `and` or `or` is lost", "boolean_operator")
def removed_operand(site: Site) -> Iterator[Edit]:
    """`a and b` becomes `a`, or `b`."""
    for side in ("left", "right"):
        operand = site.node.child_by_field_name(side)
        if operand is not None:
            yield site.replace(site.text(operand))


@kind(
    "negated_condition",
    "A condition is negated",
    "if_statement",
    "elif_clause",
    "while_statement",
    "conditional_expression",
    "if_clause",
)
def negated_condition(site: Site) -> Iterator[Edit]:
    """`if a:` becomes `if not a:`, and `if not a:` becomes `if a:`."""
    condition = _condition(site.node)
    if condition is None:
        return
    inner = condition.child_by_field_name("argument")
    if condition.type == "not_operator" and inner is not None:
        yield site.replace(site.text(inner), condition)
    elif condition.type in ("identifier", "call", "attribute", "subscript"):
        yield site.replace(b"not " + site.text(condition), condition)
    else:
        yield site.replace(b"not (" + site.text(condition) + b")", condition)


def _condition(node: Node) -> Node | None:
    if node.type == "conditional_expression":
        return node.named_children[1] if node.named_child_count == 3 else None
    if node.type == "if_clause":
        return node.named_children[0] if node.named_child_count == 1 else None
    return node.child_by_field_name("condition")


@kind(
    "dropped_unary", "A minus, a bit inversion or a `not` is lost", "unary_operator", "not_operator"
)
def dropped_unary(site: Site) -> Iterator[Edit]:
    """`-x` becomes `x`, `not x` becomes `x`."""
    argument = site.node.child_by_field_name("argument")
    if argument is not None and not site.text().startswith(b"+"):
        yield site.replace(site.text(argument))


@kind(
    "augmented_assignment_change",
    "An augmented assignment uses another operator, or forgets to accumulate",
    "augmented_assignment",
)
def augmented_assignment_change(site: Site) -> Iterator[Edit]:
    """`total += x` becomes `total -= x` or `total = x`."""
    operator = site.node.child_by_field_name("operator")
    right = site.node.child_by_field_name("right")
    if operator is None or right is None:
        return
    for edit in _operator_edits(site, operator, AUGMENTED):
        if edit.replacement == b"=" or right.type not in TEXT:
            yield edit
