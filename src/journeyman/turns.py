"""How a trajectory's turns become sequences of tokens: the one cut that training and capture share.

>>> [len(run) for run in token_runs(trajectory.turns)]      # doctest: +SKIP
[3, 1]
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.types import Turn

__all__ = ["token_runs"]


def token_runs(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Part turns where the tokens of a prompt do not extend what came before: a template rewrote it.

    Within a run, prompts and completions one after the other are what the model saw and drew.
    """
    runs: list[list[Turn]] = []
    for turn in turns:
        if not runs or turn.prompt_tokens_are_rewritten:
            runs.append([])
        runs[-1].append(turn)
    return runs
