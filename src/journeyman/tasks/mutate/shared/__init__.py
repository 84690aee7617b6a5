"""Kinds of bugs that languages share, told by the roles of a dialect."""

from journeyman.tasks.mutate.shared import bodies, calls, control, literals, names, operators

__all__ = ["FAMILIES"]

FAMILIES = (bodies, calls, control, literals, names, operators)
"""Imported so that their kinds stand in the table."""
