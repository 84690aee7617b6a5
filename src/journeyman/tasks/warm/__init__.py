"""Warm sandboxes: pytest imported once, forked for each run of the tests, each in a cell of its own.

A run in a cell gives what one in a fresh sandbox gives, for a third of the processor time. What cannot
be done so, or does not end as it should, is a `NotWarmError`: it is then done in a fresh sandbox.
"""

from journeyman.tasks.warm.bytecode import (
    BYTECODE_VARIABLES,
    bytecode_folder,
    collect_bytecode,
    keep_bytecode,
)
from journeyman.tasks.warm.cell import Cell, NotWarmError, run_warm
from journeyman.tasks.warm.pool import WarmPool

__all__ = [
    "BYTECODE_VARIABLES",
    "Cell",
    "NotWarmError",
    "WarmPool",
    "bytecode_folder",
    "collect_bytecode",
    "keep_bytecode",
    "run_warm",
]
