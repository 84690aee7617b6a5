"""What a scaffold is: an agent, that is prompts, loop and tools around a model.

scaffold = get_scaffold("bash")
ending = await scaffold.run(view, sandbox, session)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from journeyman.sandbox.base import Mount, Sandbox
from journeyman.scaffolds.session import ModelSession
from journeyman.types import Ending, TaskView

__all__ = ["Scaffold"]


class Scaffold(Protocol):
    """An agent that works on one task in one sandbox."""

    name: str

    async def mounts(
        self, *, backend: str = "namespace", on_progress: Callable[[str], None] | None = None
    ) -> tuple[Mount, ...]:
        """Return what its sandboxes need besides the environment, made where it is not there yet.

        Nothing, for an agent that runs out here. Raises `AttributedError("scaffold_unavailable")` where
        it cannot be made.
        """
        return ()

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Work until the agent submits or a limit is reached, and say which.

        Raises `AttributedError` for what is not the agent's doing.
        """
        ...
