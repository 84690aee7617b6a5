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
    title: str
    """For people and for models."""
    roles: Mapping[str, tuple[str, ...]]
    """Roles are `binary unary if while loop ternary return throw call statement assignment augmented
    number boolean string identifier break continue try function scalar marked`."""
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
    """What stands where a whole body was. With `{nothing}` in it an empty value is returned, for in
    some languages a crash ends the tests of a whole program."""
    nothing: bytes = b""
    """An empty value of `{type}`."""
    result: str = ""
    """Field of a function that holds the type of its result."""
    empty: bytes = b"{}"
    """What may stand where one statement has to."""
    is_typed: bool = False
    """Whether a wrong type keeps the project from being built."""
    classes: Names = frozenset()
    """Those of the scopes whose methods can be written again together."""
    holders: Names = frozenset()
    """Nodes around a definition that belong to it, e.g. of a function that is a variable's value."""
    kept_first: Names = frozenset()
    """Statements that have to begin a body, as the call of another constructor."""
    unremovable: Names = frozenset()
    """Nodes in a function's head which say that its body cannot be taken away: it may not throw."""
    imports: str = ""
    """An import that the language refuses where nothing uses it."""
    skipped_functions: Names = frozenset()
    arguments: str = "arguments"
    """Field of a call that holds its arguments."""
