"""What a scaffold is: an agent, that is prompts, loop and tools around a model.

scaffold = get_scaffold("bash")
ending = await scaffold.run(view, sandbox, session)
"""

from __future__ import annotations

from typing import Protocol

from journeyman.sandbox.base import Sandbox
from journeyman.scaffolds.session import ModelSession
from journeyman.types import Ending, TaskView

__all__ = ["Scaffold"]


class Scaffold(Protocol):
    """An agent that works on one task in one sandbox."""

    name: str

    async def run(self, task: TaskView, sandbox: Sandbox, session: ModelSession) -> Ending:
        """Work until the agent submits or a limit is reached, and say which.

        Raises `AttributedError` for what is not the agent's doing.
        """
        ...
