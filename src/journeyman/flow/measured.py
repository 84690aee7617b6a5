"""What a run measured, as samples that a simulation draws from: turns, tools, gradings, failures.

measured = read_measured(Path("runs/latest"))
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.flow.events import (
    EVENT,
    RolloutFinished,
    StageFailed,
    StageFinished,
    TurnTaken,
)
from journeyman.flow.jobs import Stage
from journeyman.types import Data

__all__ = ["Measured", "read_measured", "supposed"]


class Measured(Data):
    """Empirical distributions, each as its samples."""

    model_s: tuple[float, ...]
    """Seconds of one answer of the model."""
    tools_s: tuple[float, ...]
    """Seconds of the tools of one turn."""
    num_turns: tuple[int, ...]
    grading_s: tuple[float, ...]
    failure_rates: dict[str, dict[str, float]]
    """By stage and cause, for one attempt."""
    solve_rate: float

    def draw(self, name: str, dice: random.Random) -> float:
        """Draw one sample of a field."""
        samples: tuple[float, ...] = getattr(self, name)
        return dice.choice(samples)

    def draw_failure(self, stage: Stage, dice: random.Random) -> str:
        """Draw the cause of an attempt's failure; empty where it does not fail."""
        chance = dice.random()
        for cause, rate in self.failure_rates.get(stage, {}).items():
            chance -= rate
            if chance < 0:
                return cause
        return ""


def supposed() -> Measured:
    """Return what MegaFlow and NeMo Gym publish of software tasks, spread as such times are.

    About 75 minutes a task of up to 100 turns, most of it the model's (arXiv 2601.07526, section 4).
    """
    dice = random.Random(0)  # noqa: S311 - no secret

    def spread(median: float, sigma: float, number: int = 512) -> tuple[float, ...]:
        return tuple(median * dice.lognormvariate(0.0, sigma) for _ in range(number))

    return Measured(
        model_s=spread(25.0, 0.8),
        tools_s=spread(3.0, 1.2),
        num_turns=tuple(max(1, min(100, round(it))) for it in spread(60.0, 0.5)),
        grading_s=spread(90.0, 0.8),
        failure_rates={
            Stage.ROLLOUT: {"sandbox_unavailable": 0.01, "worker_lost": 0.005},
            Stage.EVALUATION: {"sandbox_died": 0.005},
        },
        solve_rate=0.5,
    )


def read_measured(run: Path) -> Measured:
    """Read the events of a run. `JourneymanError` where it has no finished rollouts."""
    model_s, tools_s, gradings = [], [], []
    turns: Counter[str] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    outcomes = []
    for event in _events(run):
        if isinstance(event, TurnTaken):
            turns[event.rollout_id] += 1
            model_s.append(event.model_duration_s)
            tools_s.append(event.tools_duration_s)
        elif isinstance(event, StageFinished):
            ended[event.stage, ""] += 1
            if event.stage == Stage.EVALUATION:
                gradings.append(event.duration_s)
        elif isinstance(event, StageFailed):
            ended[event.stage, event.failure.cause] += 1
        elif isinstance(event, RolloutFinished):
            outcomes.append(event.is_resolved)
    if not outcomes or not model_s or not gradings:
        raise JourneymanError(
            f"{run} has nothing to simulate from", "give a run with turns, gradings and ends"
        )
    return Measured(
        model_s=tuple(model_s),
        tools_s=tuple(tools_s),
        num_turns=tuple(turns.values()),
        grading_s=tuple(gradings),
        failure_rates=_rates(ended),
        solve_rate=sum(outcomes) / len(outcomes),
    )


def _events(run: Path) -> list[object]:
    path = run / "events.jsonl"
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
        return [EVENT.validate_json(line) for line in lines if line]
    except FileNotFoundError:
        raise JourneymanError(f"no run at {run}", "give the folder of one") from None
    except ValidationError as error:
        raise JourneymanError(
            f"{path} holds a line that is no event: {error.errors()[0]['msg']}", "give another run"
        ) from None


def _rates(ended: Counter[tuple[str, str]]) -> dict[str, dict[str, float]]:
    totals: Counter[str] = Counter()
    for (stage, _), number in ended.items():
        totals[stage] += number
    rates: dict[str, dict[str, float]] = {}
    for (stage, cause), number in ended.items():
        if cause and cause != "abandoned":
            rates.setdefault(stage, {})[cause] = number / totals[stage]
    return rates
