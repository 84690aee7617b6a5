"""Shared kinds that change an operator: comparison, arithmetic, Boolean, unary, assignment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.shared.reading import (
    condition_of,
    is_simple,
    left_of,
    negation,
    operator_of,
    right_of,
)
from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import shared_kind

__all__: list[str] = []

Table = Mapping[bytes, tuple[bytes, ...]]

COMPARISONS: Table = {
    b"<": (b"<=", b">"),
    b"<=": (b"<", b">="),
    b">": (b">=", b"<"),
    b">=": (b">", b"<="),
    b"==": (b"!=",),
    b"!=": (b"==",),
    b"===": (b"!==",),
    b"!==": (b"===",),
    b"<>": (b"==",),
    b"=~": (b"!~",),
    b"!~": (b"=~",),
}
ARITHMETIC: Table = {
    b"+": (b"-",),
    b"-": (b"+",),
    b"*": (b"+", b"/"),
    b"/": (b"*",),
    b"%": (b"/",),
    b"**": (b"*",),
    b"<<": (b">>",),
    b">>": (b"<<",),
    b">>>": (b">>",),
    b"&": (b"|",),
    b"|": (b"&",),
    b"^": (b"|",),
    b"&^": (b"&",),
}
LOGIC: Table = {
    b"&&": (b"||",),
    b"||": (b"&&",),
    b"and": (b"or",),
    b"or": (b"and",),
    b"??": (b"||",),
}
AUGMENTED: Table = {
    b"+=": (b"-=", b"="),
    b"-=": (b"+=", b"="),
    b"*=": (b"/=", b"="),
    b"/=": (b"*=",),
    b"%=": (b"/=",),
    b".=": (b"=",),
    b"|=": (b"&=", b"="),
    b"&=": (b"|=", b"="),
    b"^=": (b"|=",),
    b"<<=": (b">>=",),
    b">>=": (b"<<=",),
    b"||=": (b"&&=", b"="),
    b"&&=": (b"||=",),
    b"??=": (b"=",),
}
NON_COMMUTATIVE = (b"-", b"/", b"%", b"<<", b">>", b"**")
TEXTS = (
    *("string", "interpreted_string_literal", "string_literal", "template_string", "raw_string_literal"),
    *("array", "encapsed_string", "concatenated_string", "char_literal", "array_creation_expression"),
)  # fmt: skip
"""Operands for which another arithmetic operator is a plain type error."""


def _operator_edits(site: Site, table: Table) -> Iterator[Edit]:
    operator = operator_of(site.node)
    for other in table.get(text(operator), ()) if operator else ():
        yield site.replace(other, operator)


def _has_text(site: Site) -> bool:
    return any(child.type in TEXTS for child in site.node.named_children)


@shared_kind("comparison_change", "A comparison operator is another one", "binary")
def comparison_change(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`a < b` becomes `a <= b` or `a > b`."""
    yield from _operator_edits(site, COMPARISONS)


@shared_kind("arithmetic_change", "An arithmetic operator is another one", "binary")
def arithmetic_change(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`a + b` becomes `a - b`; operands that are plainly text or lists are left alone."""
    if not _has_text(site):
        yield from _operator_edits(site, ARITHMETIC)


@shared_kind("boolean_operator_change", "`and` and `or` are exchanged", "binary")
def boolean_operator_change(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`a && b` becomes `a || b`."""
    yield from _operator_edits(site, LOGIC)


@shared_kind("removed_operand", "One side of `and` or `or` is lost", "binary")
def removed_operand(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`a && b` becomes `a`, or `b`."""
    operator = operator_of(site.node)
    if operator is not None and text(operator) in LOGIC:
        for operand in (left_of(site.node), right_of(site.node)):
            if operand is not None:
                yield site.replace(text(operand))


@shared_kind("swapped_operands", "The sides of an operator are exchanged", "binary")
def swapped_operands(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`a - b` becomes `b - a`."""
    left, right, operator = left_of(site.node), right_of(site.node), operator_of(site.node)
    if left is None or right is None or operator is None or text(left) == text(right):
        return
    if text(operator) in NON_COMMUTATIVE and is_simple(left) and is_simple(right):
        between = site.source.data[left.end_byte : right.start_byte]
        yield site.replace(text(right) + between + text(left))


@shared_kind("negated_condition", "A condition is negated", "if", "while", "ternary")
def negated_condition(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`if (a)` becomes `if (!a)`, and `if (!a)` becomes `if (a)`."""
    condition = condition_of(site.node)
    if condition is not None:
        yield negation(site, condition)


@shared_kind("dropped_unary", "A minus, a bit inversion or a negation is lost", "unary")
def dropped_unary(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`-x` becomes `x`, `!x` becomes `x`."""
    operator = operator_of(site.node)
    inner = site.node.named_children
    if operator is not None and text(operator) in (b"-", b"!", b"~", b"^", b"not") and inner:
        yield site.replace(text(inner[-1]))


@shared_kind(
    "augmented_assignment_change",
    "An augmented assignment uses another operator, or forgets to accumulate",
    "augmented",
)
def augmented_assignment_change(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """`total += x` becomes `total -= x` or `total = x`."""
    right = right_of(site.node)
    for edit in _operator_edits(site, AUGMENTED):
        if edit.replacement == b"=" or (right is not None and right.type not in TEXTS):
            yield edit
