"""What the end of an agent program means: an ending that is the model's doing, or a failure.

A program that ends by itself has submitted. The limits that its session ran into come first, for
programs end in many ways when they are refused; then what the model failed with; then the program.
"""

from __future__ import annotations

from journeyman.errors import AttributedError
from journeyman.gateway import Session
from journeyman.models.base import ContextOverflowError
from journeyman.sandbox.base import Executed
from journeyman.scaffolds.agents.agent import Agent
from journeyman.types import Ending

__all__ = ["judge_end"]

_LAST_CHARACTERS = 400


def judge_end(agent: Agent, done: Executed | None, session: Session) -> Ending:
    """Return how the agent's part ended; `done` is None for a program that had to be ended.

    Raises `AttributedError` where that is not the model's doing.
    """
    if session.ending is not None:
        return session.ending
    if done is None:
        if session.num_started == 0:
            detail = f"{agent.name} never called its model in {session.idle_s():.0f} s"
            raise AttributedError("scaffold_silent", detail)
        detail = f"{agent.name} neither called its model nor ended for {session.idle_s():.0f} s"
        raise AttributedError("scaffold_stuck", detail)
    if done.exit_code == 0 and session.num_turns > 0:
        return Ending.SUBMITTED
    if isinstance(session.failure, ContextOverflowError):
        return Ending.CONTEXT_OVERFLOW
    if session.failure is not None:
        raise session.failure
    if session.num_started == 0:
        raise AttributedError("scaffold_silent", _silence(agent, done))
    detail = f"{agent.name} ended with {done.exit_code}: {_last_words(done)}"
    raise AttributedError("scaffold_crashed", detail)


def _silence(agent: Agent, done: Executed) -> str:
    words = _last_words(done)
    return f"{agent.name} ended with {done.exit_code} and never called its model: {words}"


def _last_words(done: Executed) -> str:
    said = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace")
    return " ".join(said[-_LAST_CHARACTERS:].split()) or "it said nothing"
