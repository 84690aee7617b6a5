"""How many threads compute where nobody says.

torch.set_num_threads(settings.num_threads or default_threads())
"""

from __future__ import annotations

import os

__all__ = ["default_threads"]


def default_threads() -> int:
    """Return `OMP_NUM_THREADS` where that is a number above 0, else the cores this process may use."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else len(os.sched_getaffinity(0))
