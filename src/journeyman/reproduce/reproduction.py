"""One reproduction: its settings, its plan on paper, and running what is owed.

outcomes = reproduce(ReproduceSettings(scale="tiny"), run, say=print)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pydantic import Field

from journeyman.config import Config, digest
from journeyman.errors import JourneymanError
from journeyman.reproduce.driver import plan_lines, run_stages, select
from journeyman.reproduce.place import Place
from journeyman.reproduce.report import write_report
from journeyman.reproduce.scales import DOMAINS, get_scale
from journeyman.reproduce.stages import State, list_stages
from journeyman.runs import RunFolder

__all__ = ["ReproduceSettings", "plan", "reproduce"]


class ReproduceSettings(Config):
    """Which reproduction."""

    scale: str = "tiny"
    """How large: smoke (minutes; says nothing about learning), tiny, small or gpu."""
    seeds: tuple[int, ...] = Field(default=())
    """Seeds of the experts; the scale's own where none is given."""
    domains: tuple[str, ...] = Field(default=())
    """Only these experts: software, single-turn, experience, web; the scale's own where none is
    given."""


def place_of(settings: ReproduceSettings, root: Path) -> Place:
    """Return where everything lies. Raises `JourneymanError` for a scale or domain that there is not."""
    scale = get_scale(settings.scale)
    for name in settings.domains:
        if name not in DOMAINS:
            raise JourneymanError(f"no domain {name!r}", f"one of {', '.join(DOMAINS)}")
    domains = tuple(it for it in DOMAINS if it in (settings.domains or scale.domains))
    return Place(root, scale, domains, settings.seeds or scale.seeds)


def plan(settings: ReproduceSettings, root: Path, only: Sequence[str] = ()) -> list[str]:
    """Return the stages, their commands and an estimate."""
    place = place_of(settings, root)
    return plan_lines(select(list_stages(place), only), place.scale)


def reproduce(
    settings: ReproduceSettings,
    run: RunFolder,
    *,
    only: Sequence[str] = (),
    num_jobs: int = 1,
    say: Callable[[str], None],
) -> dict[str, State]:
    """Run every stage that is owed, write the report after each, and return how each ended.

    Raises `JourneymanError` where the scale's sizes changed since the run began.
    """
    place = place_of(settings, run.path.absolute())
    run.remember(
        digests={"sizes of the scale": digest(place.scale)},
        seeds={f"expert {it}": it for it in place.seeds},
    )
    stages = select(list_stages(place), only)
    run.set_status("running")
    write_report(place, run)
    report = partial(write_report, place, run)
    outcomes = run_stages(stages, run, say=say, after=report, num_jobs=num_jobs)
    write_report(place, run)
    ended = list(outcomes.values())
    run.set_status("finished", num_done=ended.count("done"), num_stages=len(stages))
    return outcomes
