"""The learning rate of each step, a pure function.

>>> settings = TrainerSettings(num_steps=10, num_warmup_steps=2, learning_rate=1.0)
>>> [round(learning_rate(step, settings), 2) for step in (0, 1, 9)]
[0.5, 1.0, 0.1]
"""

from __future__ import annotations

import math

from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["learning_rate"]


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
