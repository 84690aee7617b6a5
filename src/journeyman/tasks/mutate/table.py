"""The table of mutation kinds: each is one small function from a site to edits.

@kind("negated_condition", "A condition is negated", "if_statement")
def negated_condition(site: Site) -> Iterator[Edit]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from journeyman.tasks.mutate.source import Edit, Site

__all__ = ["KINDS", "Kind", "kind"]

Propose = Callable[[Site], Iterator[Edit]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One family of bugs: which nodes it looks at, and how it changes them."""

    name: str
    description: str
    language: str
    node_types: tuple[str, ...]
    propose: Propose


KINDS: dict[str, Kind] = {}


def kind(
    name: str, description: str, *node_types: str, language: str = "python"
) -> Callable[[Propose], Propose]:
    """Register a function as the mutation kind `name`, called for every node of `node_types`."""

    def register(propose: Propose) -> Propose:
        KINDS[name] = Kind(name, description, language, node_types, propose)
        return propose

    return register
