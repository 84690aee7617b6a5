"""Bugs put into a project by rule: small, realistic changes of its syntax trees.

Every mutation parses, compiles, differs from the original and touches no byte outside its edit.
Whether tests notice it is not decided here but by execution, in `tasks.make`.

    >>> from pathlib import Path
    >>> mutations = list_mutations(Path("src"), seed=1, limit=50)
"""

from journeyman.tasks.mutate import bodies, calls, control, literals, names, operators
from journeyman.tasks.mutate.diff import reverse_diff, unified_diff
from journeyman.tasks.mutate.select import (
    Mutation,
    check_kinds,
    iterate_mutations,
    list_mutations,
    list_sources,
)
from journeyman.tasks.mutate.table import KINDS, Kind

__all__ = [
    "KINDS",
    "Kind",
    "Mutation",
    "check_kinds",
    "iterate_mutations",
    "list_mutations",
    "list_sources",
    "reverse_diff",
    "unified_diff",
]

_FAMILIES = (bodies, calls, control, literals, names, operators)
"""Imported so that their kinds stand in the table."""
