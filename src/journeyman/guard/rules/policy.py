"""The rules as the machine asks for them."""

from __future__ import annotations

from journeyman.guard.offence import Offence
from journeyman.guard.rules.reach import is_loopback, judge_target
from journeyman.guard.rules.read import judge_read
from journeyman.guard.rules.write import judge_removal, judge_write
from journeyman.guard.world import World

__all__ = ["DefaultRules"]


class DefaultRules:
    """Everything that `--guard rules` forbids."""

    def on_read(self, world: World, path: str) -> list[Offence]:
        """A file is read or listed."""
        return judge_read(world, path)

    def on_write(self, world: World, path: str, text: str, *, is_appended: bool) -> list[Offence]:
        """A file gets a content."""
        return judge_write(world, path, text, is_appended=is_appended)

    def on_remove(self, world: World, path: str) -> list[Offence]:
        """A file or folder is removed, moved away or made unreadable."""
        return judge_removal(world, path)

    def on_connect(self, world: World, target: str, context: str) -> list[Offence]:
        """A URL or host is reached."""
        return judge_target(world, target, context)

    def is_local(self, target: str) -> bool:
        """Say whether a URL or host is this machine."""
        return is_loopback(target)
