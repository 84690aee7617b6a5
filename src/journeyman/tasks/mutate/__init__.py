"""Bugs put into a project by rule: small, realistic changes of its syntax trees.

In Python by kinds that know it well, in nine other languages by kinds that they share. Every mutation
parses (Python's compiles), differs from the original and touches no byte outside its edit.
Whether tests notice it is not decided here but by execution, in `tasks.make`.

    >>> from pathlib import Path
    >>> mutations = list_mutations(Path("src"), seed=1, limit=50)
"""

from journeyman.tasks.mutate import bodies, calls, control, literals, names, operators, shared
from journeyman.tasks.mutate.diff import reverse_diff, unified_diff
from journeyman.tasks.mutate.select import (
    Mutation,
    check_kinds,
    iterate_mutations,
    language_in,
    list_mutations,
    list_sources,
    parses_as_well,
    read_source,
)
from journeyman.tasks.mutate.table import KINDS, SHARED_KINDS, Kind, kinds_of

__all__ = [
    "KINDS",
    "SHARED_KINDS",
    "Kind",
    "Mutation",
    "check_kinds",
    "iterate_mutations",
    "kinds_of",
    "language_in",
    "list_mutations",
    "list_sources",
    "parses_as_well",
    "read_source",
    "reverse_diff",
    "unified_diff",
]

_FAMILIES = (bodies, calls, control, literals, names, operators, shared)
"""Imported so that their kinds stand in the table."""
