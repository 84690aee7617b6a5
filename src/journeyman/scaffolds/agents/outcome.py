"""What the end of an agent program means: an ending that is the model's doing, or a failure.

A program that ends by itself has submitted. The limits that its session ran into come first, for
programs end in many ways when they are refused; then what the model failed with; then the program.
"""

from __future__ import annotations

from journeyman.errors import AttributedError
from journeyman.gateway import Session
from journeyman.models.base import ContextOverflowError
from journeyman.scaffolds.agents.agent import Agent
from journeyman.types import Ending

__all__ = ["judge_end"]

_LAST_CHARACTERS = 400


def judge_end(agent: Agent, exit_code: int | None, log: bytes, session: Session) -> Ending:
    """Return how the agent's part ended; `exit_code` is None for a program that had to be ended.

    Raises `AttributedError` where that is not the model's doing; `log` is what the program said.
    """
    if session.ending is not None:
        return session.ending
    if exit_code == 0 and session.num_turns > 0:
        return Ending.SUBMITTED
    if isinstance(session.failure, ContextOverflowError):
        return Ending.CONTEXT_OVERFLOW
    if session.failure is not None:
        raise session.failure
    how = f"ended with {exit_code}" if exit_code is not None else "had to be ended"
    if session.num_started == 0:
        cause, detail = "scaffold_silent", f"{how} and never called its model"
    elif exit_code is None:
        cause = "scaffold_stuck"
        detail = f"neither called its model nor ended for {session.idle_s():.0f} s"
    else:
        cause, detail = "scaffold_crashed", how
    raise AttributedError(cause, f"{agent.name} {detail}: {_last_words(log)}")


def _last_words(log: bytes) -> str:
    said = log.decode(errors="replace").strip()
    return " ".join(said[-_LAST_CHARACTERS:].split()) or "it said nothing"
