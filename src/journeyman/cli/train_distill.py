"""`journeyman train distill`: several experts into one model, on what it writes itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_table
from journeyman.cli.settings import (
    RunOptions,
    command_line,
    given_settings,
    resolve_settings,
    show_config,
)
from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.evals.adherence.ask import ask_models
from journeyman.evals.adherence.suite import AdherenceConfig
from journeyman.runs import RunFolder
from journeyman.train.distill.settings import DistillSettings
from journeyman.train.extra import require_extra

__all__ = ["distill_command"]


class GivenDistill(Config):
    """What the line may say over the file."""

    num_steps: int = 20
    """Steps: rollouts of every domain, then an update."""
    learning_rate: float = 1e-5
    """Of every step, after the warm-up."""
    divergence: str = "reverse"
    """reverse, forward, jensen_shannon or sampled."""
    drawn_by: str = "student"
    """Who writes the texts that are taught: student or teacher."""
    student: Path | None = None
    """Folder of what the student begins as."""
    accepts_weak_teachers: bool = False
    """Whether an expert may teach that does not beat the base."""
    seed: int = 0
    """Of the order of tasks and of every draw."""


def distill_command(
    settings_file: Path,
    /,
    *,
    given: Annotated[GivenDistill, Parameter(name="*")] = GivenDistill(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Teach one model what several experts know, on the texts that it writes itself.

    Parameters
    ----------
    settings_file
        A TOML file: the model, and a table `[[domains]]` for each expert.
    given
        What to do otherwise than the file says.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(
        DistillSettings, (settings_file, *options.config), None, **given_settings(given)
    )
    if options.is_dry_run:
        return show_config(settings)
    require_extra()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise JourneymanError(
            "train distill runs in one process", "start it without torchrun or accelerate launch"
        )
    # Loads PyTorch, which only this command needs at once.
    from journeyman.train.stages.distill import distill

    run = options.create("train-distill", settings.model.name, settings)
    with run:
        note(f"training in {run.path}")
        place = distill(settings, run, on_step=_tell_step, on_progress=note)
        rows = _tell_retention(settings, run.path)
    note(f"the student is in {place}")
    if options.is_json:
        print_json({"run": str(run.path), "model": str(place), "domains": rows})
    return 0


def _tell_step(record: Mapping[str, Any]) -> None:
    apart = [
        f"{key.removeprefix('divergence_')} {value:.4f}"
        for key, value in record.items()
        if key.startswith("divergence_")
    ]
    note(
        f"step {record['step']}/{record['num_steps']}: nats a token from the teacher of "
        f"{', '.join(apart) or 'nobody'}, {record['left_s']:.0f} s left"
    )


def _tell_retention(settings: DistillSettings, folder: Path) -> list[dict[str, Any]]:
    from journeyman.train.distill.retention import Measures, write_retention

    measures = Measures(folder)
    if settings.adherence:
        for who, place in (("base", settings.model), ("student", folder / "model")):
            if measures.get(who, "_adherence") is None:
                measures.put(who, "_adherence", _adherence(settings, who, place, folder))
    rows = write_retention(folder)
    table = [
        (
            row["domain"],
            *(f"{row[who]['rate']:.0%}" if row[who] else "" for who in _WHO),
            "" if row["kept"] is None else f"{row['kept']:.0%}",
        )
        for row in rows
    ]
    if table:
        print_table(("domain", *_WHO, "kept"), table)
    return rows


_WHO = ("base", "expert", "student")


def _adherence(settings: DistillSettings, who: str, model: Path, folder: Path) -> float:
    """Return the share of well-formed answers to held-out exercises in all templates."""
    asked = AdherenceConfig(models=(f"hf:{model}",), num=settings.adherence, seed=settings.seed)
    place = folder / "rollouts"
    name = f"adherence_{who}"
    run = RunFolder.create(
        place, "eval", "adherence", config=asked, argv=command_line(), name=name,
        resume=(place / name).is_dir(),
    )  # fmt: skip
    with run:
        answers = asyncio.run(ask_models(asked, run, say=note))
    valid = [it for it in answers if not it.failure]
    return sum(it.is_well_formed for it in valid) / max(1, len(valid))
