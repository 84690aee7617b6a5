"""Ways to think of a bug: by rule, by removal, by a model, by combination, by undoing an old fix.

for drawn in draw("remove", setting):
    ...
"""

from journeyman.tasks.strategies.draw import (
    NEEDS_MODEL,
    STRATEGIES,
    Drawn,
    Setting,
    draw,
    label_of_drawn,
    resolve_drawn,
    share_out,
)

__all__ = [
    "NEEDS_MODEL",
    "STRATEGIES",
    "Drawn",
    "Setting",
    "draw",
    "label_of_drawn",
    "resolve_drawn",
    "share_out",
]
