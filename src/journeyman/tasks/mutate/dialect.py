"""A language as the shared kinds of bugs see it: the names that its grammar gives to things.

A kind asks for a role, e.g. `binary`; a dialect says which nodes of its syntax trees play it. What a
language has no node for, it has no bugs of.

    >>> dialect_of("go").roles["loop"]
    ('for_statement',)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Dialect"]

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The node types of one grammar, and the few words that differ between languages."""

    language: str
    roles: Mapping[str, tuple[str, ...]]
    """Roles are `binary unary if while loop ternary return throw call statement assignment augmented
    number boolean string identifier break continue try function`."""
    functions: Names
    """Nodes with a body of statements."""
    scopes: Names
    """Nodes that only give a name to what is in them: classes, modules, implementations."""
    blocks: Names
    """Nodes whose named children are statements."""
    skipped: Names
    """Subtrees in which a change is trivia or breaks the build."""
    bindings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Nodes that bind a variable: the fields of its name and of its type ("" for none)."""
    null: bytes = b""
    """What a function of a dynamic language may return instead of a value; empty elsewhere."""
    unimplemented: bytes = b""
    """A statement for the place of a whole body; empty where that depends on the function."""
    empty: bytes = b"{}"
    """What may stand where one statement has to."""
    is_typed: bool = False
    """Whether a wrong type keeps the project from being built."""
    skipped_functions: Names = frozenset()
    arguments: str = "arguments"
    """Field of a call that holds its arguments."""
