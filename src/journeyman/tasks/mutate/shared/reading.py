"""Questions about nodes that the grammars answer in different ways: conditions, statements, the rest."""

from __future__ import annotations

from tree_sitter import Node

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.source import Edit, Site, text

__all__ = [
    "COMMENTS",
    "argument_nodes",
    "condition_of",
    "field_name",
    "is_simple",
    "left_of",
    "negation",
    "operator_of",
    "removal",
    "right_of",
    "statement_of",
    "statements_in",
]

COMMENTS = ("comment", "line_comment", "block_comment")
_SIMPLE = frozenset(
    (
        *("identifier", "call_expression", "member_expression", "selector_expression", "call"),
        *(
            "method_invocation",
            "field_access",
            "field_expression",
            "variable_name",
            "true",
            "false",
        ),
        *("parenthesized_expression", "subscript_expression", "index_expression", "boolean"),
        *("function_call_expression", "member_call_expression", "member_access_expression"),
        *("boolean_literal", "instance_variable", "array_access", "invocation_expression"),
    )
)
_UNREADABLE = ("let_condition", "let_chain", "declaration", "assignment", "assignment_expression")


def field_name(node: Node) -> str | None:
    """Return the field that a node is of its parent."""
    for index, child in enumerate(node.parent.children if node.parent else ()):
        if child.id == node.id and node.parent is not None:
            return node.parent.field_name_for_child(index)
    return None


def operator_of(node: Node) -> Node | None:
    """Return the node of an expression's operator."""
    found = node.child_by_field_name("operator")
    return found or next((child for child in node.children if not child.is_named), None)


def left_of(node: Node) -> Node | None:
    """Return the left side of an expression or an assignment."""
    found = node.child_by_field_name("left")
    return found or (node.named_children[0] if node.named_child_count else None)


def right_of(node: Node) -> Node | None:
    """Return the right side of an expression or an assignment."""
    found = node.child_by_field_name("right")
    return found or (node.named_children[-1] if node.named_child_count > 1 else None)


def condition_of(node: Node) -> Node | None:
    """Return what is tested, without the brackets of its statement; None for a pattern."""
    found = node.child_by_field_name("condition")
    if found is None and node.type == "for_statement":
        clause = next((one for one in node.named_children if one.type == "for_clause"), None)
        found = clause.child_by_field_name("condition") if clause else None
    if found is not None and found.type == "condition_clause":
        found = found.child_by_field_name("value")
    while found is not None and found.type == "parenthesized_expression":
        inner = [one for one in found.named_children if one.type not in COMMENTS]
        found = inner[0] if len(inner) == 1 else None
    return None if found is None or found.type in _UNREADABLE else found


def is_simple(node: Node) -> bool:
    """Tell whether an operator may stand before a node without brackets."""
    return node.type in _SIMPLE


def negation(site: Site, condition: Node) -> Edit:
    """Return the edit that negates a condition, or takes its negation off."""
    operator = operator_of(condition)
    is_negated = operator is not None and text(operator) in (b"!", b"not")
    if is_negated and len(condition.named_children) == 1:
        return site.replace(text(condition.named_children[0]), condition)
    if is_simple(condition):
        return site.replace(b"!" + text(condition), condition)
    return site.replace(b"!(" + text(condition) + b")", condition)


def statements_in(block: Node | None, dialect: Dialect) -> list[Node]:
    """Return the statements of a block, or the one that stands in a block's place."""
    if block is None:
        return []
    if block.type not in dialect.blocks:
        return [block]
    inner = [child for child in block.named_children if child.type not in COMMENTS]
    if len(inner) == 1 and inner[0].type == "statement_list":
        return statements_in(inner[0], dialect)
    return inner


def statement_of(node: Node, dialect: Dialect) -> Node | None:
    """Return the statement that a node is, or is all of, in a block; None where it is neither."""
    parent = node.parent
    if parent is not None and parent.type in dialect.roles.get("statement", ()):
        node, parent = parent, parent.parent
    return node if parent is not None and parent.type in dialect.blocks else None


def argument_nodes(node: Node, dialect: Dialect) -> list[Node]:
    """Return the arguments of a call, without blocks and comments."""
    listed = node.child_by_field_name(dialect.arguments)
    if listed is None:
        return []
    left_out = (*COMMENTS, "block_argument", "block")
    return [child for child in listed.named_children if child.type not in left_out]


def removal(site: Site, node: Node) -> Edit:
    """Return the edit that takes a statement out, with its line where it has one of its own."""
    data = site.source.data
    start = data.rfind(b"\n", 0, node.start_byte) + 1
    end = data.find(b"\n", node.end_byte)
    is_alone = end >= 0 and not data[start : node.start_byte].strip()
    rest = data[node.end_byte : end].strip()
    if is_alone and rest in (b"", b";"):
        return Edit(start, end + 1, b"")
    return Edit(node.start_byte, node.end_byte, b"")
