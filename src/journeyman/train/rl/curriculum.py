"""Which tasks a step tries: every one once before any twice, and none that has nothing to teach.

    picked = pick_tasks(names, step=17, num=8, seed=0, history=past)

A pure function of the step and of the pass rates that earlier steps saw, so a resumed run picks the
same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

__all__ = ["pick_tasks"]

_REST = 3


def pick_tasks(
    names: Sequence[str],
    *,
    step: int,
    num: int,
    seed: int,
    history: Sequence[Mapping[str, float]] = (),
) -> list[str]:
    """Return `num` different names (all where there are fewer) for a step, counted from 0.

    `history` holds each earlier step's pass rates by name. A task that was all solved or all failed
    when it was last tried rests for some rounds, unless there are not enough others.
    """
    last = {name: rate for rates in history for name, rate in rates.items()}
    seen = {name: at for at, rates in enumerate(history) for name in rates}
    order = list(names)
    Random(f"{seed} {step}").shuffle(order)  # noqa: S311 - no secret
    round_steps = max(1, len(names) // max(1, num))

    def rank(name: str) -> tuple[bool, int]:
        at = seen.get(name, -1)
        is_dull = last.get(name) in (0.0, 1.0) and step - at < _REST * round_steps
        return is_dull, at

    return sorted(order, key=rank)[:num]
