"""Sandboxes without a workspace yet: one is kept ready, so that the next to be opened starts sooner.

To enter control groups and to make namespaces takes the kernel longer than all that follows, and is
the same for every sandbox. A blank is of the process that made it and ends with it.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os

from journeyman.config import cache_folder
from journeyman.sandbox import cgroups
from journeyman.sandbox.launcher import Porter
from journeyman.sandbox.state import own_mark

__all__ = ["Blank", "discard_ready", "keep_one_ready", "make_ready", "take_blank"]

_DELAY_S = 0.02
_counter = itertools.count(1)


class Blank:
    """A porter in fresh control groups and namespaces."""

    def __init__(self, *, is_isolated: bool) -> None:
        self.owner = os.getpid()
        self.cache = cache_folder()
        self.group = f"{own_mark()}-{next(_counter)}"
        try:
            self.porter = Porter(cgroups.create(self.group), is_isolated=is_isolated)
        except BaseException:
            cgroups.remove(self.group)
            raise

    def discard(self) -> None:
        """Undo it."""
        self.porter.close()
        cgroups.remove(self.group)


_ready: list[Blank] = []


def take_blank(*, is_isolated: bool) -> Blank:
    """Return the one that is ready, or a new one."""
    while is_isolated and _ready:
        blank = _ready.pop()
        if blank.owner != os.getpid():
            continue
        if blank.cache == cache_folder() and blank.porter.is_alive:
            return blank
        blank.discard()
    return Blank(is_isolated=is_isolated)


def keep_one_ready() -> None:
    """Make the next one in a moment, when what is under way has been seen to."""
    asyncio.get_running_loop().call_later(_DELAY_S, make_ready)


def make_ready() -> None:
    """Make one now, unless there is one."""
    if not _ready:
        _ready.append(Blank(is_isolated=True))


@atexit.register
def discard_ready() -> None:
    """Undo what is ready."""
    while _ready:
        blank = _ready.pop()
        if blank.owner == os.getpid():
            blank.discard()
