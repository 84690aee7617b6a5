"""The learning rate of each step, a pure function.

>>> settings = TrainerSettings(num_steps=10, num_warmup_steps=2, learning_rate=1.0)
>>> [round(learning_rate(step, settings), 2) for step in (0, 1, 9)]
[0.5, 1.0, 0.1]
"""

from __future__ import annotations

import math

from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["learning_rate", "share_of_rate"]


def learning_rate(step: int, settings: TrainerSettings) -> float:
    """Return the learning rate of a step, counted from 0; the last one has the final share."""
    highest, warmup = settings.learning_rate, settings.num_warmup_steps
    if step < warmup:
        return highest * (step + 1) / warmup
    last = settings.num_steps - 1
    if settings.schedule == "constant" or last <= warmup:
        return highest
    if settings.schedule == "wsd":
        start = max(warmup, round(settings.num_steps * (1 - settings.decay_share)) - 1)
        fallen = max(0.0, (step - start) / max(1, last - start))
    else:
        fallen = (1 - math.cos(math.pi * (step - warmup) / (last - warmup))) / 2
    return highest * (1 - (1 - settings.final_share) * fallen)


def share_of_rate(step: int, num_steps: int, *, num_warmup: int, decay_share: float) -> float:
    """Return the share of the highest learning rate that a step, counted from 1, has.

    It rises from nothing in the warm-up, and falls towards nothing in the last share of the steps.

    >>> [round(share_of_rate(it, 6, num_warmup=2, decay_share=0.5), 2) for it in range(1, 7)]
    [0.5, 1.0, 1.0, 0.83, 0.5, 0.17]
    """
    risen = min(1.0, step / max(1, num_warmup))
    num_falling = decay_share * num_steps
    return risen * min(1.0, (num_steps - step + 0.5) / num_falling) if num_falling else risen
