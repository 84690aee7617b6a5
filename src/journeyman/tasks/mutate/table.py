"""The tables of mutation kinds: each is one small function from a site to edits.

Python's kinds know its grammar by name and more of its ways; the shared ones ask a dialect which
nodes play a role, and so hold for every language that has one.

@kind("negated_condition", "A condition is negated", "if_statement")
def negated_condition(site: Site) -> Iterator[Edit]: ...

@shared_kind("negated_condition", "A condition is negated", "if", "while")
def negated_condition(site: Site, dialect: Dialect) -> Iterator[Edit]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.dialects import dialect_of
from journeyman.tasks.mutate.source import Edit, Site

__all__ = ["KINDS", "SHARED_KINDS", "Kind", "kind", "kinds_of", "shared_kind"]

Propose = Callable[[Site], Iterator[Edit]]


class ProposeIn(Protocol):
    """How a shared kind changes what it finds at a site."""

    def __call__(self, site: Site, dialect: Dialect) -> Iterator[Edit]:
        """Yield the edits, if any."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One family of bugs: which nodes it looks at, and how it changes them."""

    name: str
    description: str
    language: str
    node_types: tuple[str, ...]
    propose: Propose


@dataclass(frozen=True, slots=True)
class SharedKind:
    """One family of bugs of many languages: which roles it looks at, and how it changes them."""

    name: str
    description: str
    roles: tuple[str, ...]
    propose: ProposeIn

    def within(self, dialect: Dialect) -> Kind:
        """Return this kind for one language; without node types where that has no such thing."""
        nodes = [node for role in self.roles for node in dialect.roles.get(role, ())]
        propose = partial(self.propose, dialect=dialect)
        named = (self.name, self.description, dialect.language)
        return Kind(*named, tuple(dict.fromkeys(nodes)), propose)


KINDS: dict[str, Kind] = {}
"""Those of Python."""

SHARED_KINDS: dict[str, SharedKind] = {}


def kind(
    name: str, description: str, *node_types: str, language: str = "python"
) -> Callable[[Propose], Propose]:
    """Register a function as the mutation kind `name`, called for every node of `node_types`."""

    def register(propose: Propose) -> Propose:
        KINDS[name] = Kind(name, description, language, node_types, propose)
        return propose

    return register


def shared_kind(name: str, description: str, *roles: str) -> Callable[[ProposeIn], ProposeIn]:
    """Register a function as the shared kind `name`, called for every node that plays a role."""

    def register(propose: ProposeIn) -> ProposeIn:
        SHARED_KINDS[name] = SharedKind(name, description, roles, propose)
        return propose

    return register


def kinds_of(language: str) -> Mapping[str, Kind]:
    """Return the kinds that a language has. Raises `JourneymanError` for one without a grammar."""
    if language == "python":
        return KINDS
    dialect = dialect_of(language)
    found = {name: one.within(dialect) for name, one in SHARED_KINDS.items()}
    return {name: one for name, one in found.items() if one.node_types}
