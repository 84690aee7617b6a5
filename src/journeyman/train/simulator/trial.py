"""What a simulated user did with an answer, and what that says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from journeyman.types import Data

__all__ = ["Opinion", "Step", "Trial", "judged"]

Opinion = Literal["works", "fails", "none"]
"""What the user says in the end; `none` where nothing was said."""


class Step(Data):
    """One command, and how it ended."""

    command: str
    exit_code: int
    output: str
    """Standard output and then standard error, the middle left out where there is much."""
    is_timed_out: bool = False


class Trial(Data):
    """One answer tried."""

    id: str
    is_accepted: bool
    reason: str = ""
    """Why not, in a few words."""
    steps: tuple[Step, ...] = ()
    opinion: Opinion = "none"


def judged(key: str, files: Sequence[str], steps: Sequence[Step], opinion: Opinion) -> Trial:
    """Weigh what the user says by what was run: an opinion without a run is worth nothing.

    Accepted is an answer that the user says works, of which a file was run or read, by the last of these
    commands with success.
    """
    told = [it for it in steps if any(name in it.command for name in files)]
    if opinion != "works":
        reason = "said to fail" if opinion == "fails" else "no verdict"
    elif not told:
        reason = "never run"
    elif told[-1].is_timed_out:
        reason = "ran out of time"
    else:
        reason = "ended with an error" if told[-1].exit_code else ""
    return Trial(id=key, is_accepted=not reason, reason=reason, steps=tuple(steps), opinion=opinion)
