"""`journeyman eval train-curve`: Figure 5's experiment whole, from one model to the drawn curve.

The model is fine-tuned once for each number of templates, on the same conversations for the same number
of steps; then all of them answer the adherence suite. Each training is a run of its own inside.
"""

from __future__ import annotations

import asyncio
import json as json_module
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from pydantic import Field

from journeyman.cli.eval_adherence import tell_adherence
from journeyman.cli.output import note
from journeyman.cli.progress import Steps
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.errors import JourneymanError
from journeyman.evals.adherence.ask import ask_models
from journeyman.evals.adherence.nested import nested_templates, render_seen
from journeyman.evals.adherence.report import write_adherence
from journeyman.evals.adherence.suite import AdherenceConfig, QuestionsConfig, list_questions
from journeyman.evals.adherence.summary import AdherenceSummary, sum_up_answers
from journeyman.flow.plan import label_models
from journeyman.runs import RunFolder

__all__ = ["train_curve"]


_COMMAND = "import sys; from journeyman.cli import main; main(sys.argv[1:])"
"""In a process of its own, so that a training's memory is free before the next."""


class CurveConfig(QuestionsConfig):
    """What is trained how often, and what is asked."""

    model: Path
    """Folder of the model that every training begins with."""
    numbers: tuple[int, ...] = Field(default=(0, 1, 5, 21), min_length=1)
    """How many templates to train on, one training each; 0 is the model as it is."""
    order_seed: int = 0
    """Of the order in which templates come in."""
    exercises: int = Field(default=400, ge=1)
    """Conversations of exercises in each training; held-out tools never occur in them."""
    num_steps: int = Field(default=100, ge=1)
    """Optimiser steps of each training."""
    training: tuple[Path, ...] = ()
    """TOML files of further settings, as `train sft --config` takes them; they win."""


class Given(CurveConfig):
    """The flags of `eval train-curve`; the model is positional."""

    model: Annotated[Path, Parameter(parse=False)] = Path()
    numbers: Annotated[tuple[int, ...], Parameter(name="--number")] = (0, 1, 5, 21)
    """How many templates to train on; again for more."""
    templates: Annotated[tuple[str, ...], Parameter(name="--template")] = ()
    """Ask only in this template; again for more."""
    toolsets: Annotated[tuple[str, ...], Parameter(name="--toolset")] = ()
    """Only the tools of this scaffold; again for more."""
    training: tuple[Path, ...] = ()
    """A TOML file of further settings, as `train sft --config` takes them; again for more."""


def train_curve(
    model: Path,
    /,
    *,
    given: Annotated[Given, Parameter(name="*")] = Given(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Fine-tune a model on ever more templates and draw its adherence against their number.

    Parameters
    ----------
    model
        Folder of the model that every training begins with.
    given
        What is trained, and what is asked.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(CurveConfig, options.config, given, model=model.absolute())
    if options.is_dry_run:
        return show_config(settings)
    if not settings.model.is_dir():
        raise JourneymanError(f"no model folder at {settings.model}", "journeyman model export")
    chosen = {it: nested_templates(it, seed=settings.order_seed) for it in settings.numbers}
    list_questions(settings)
    with options.create("eval", f"curve-{settings.model.name}", settings) as run:
        note(f"trainings and answers in {run.path}")
        summary = _draw(settings, run, chosen, Steps())
    return tell_adherence(summary, run.path, is_json=options.is_json)


def _draw(
    settings: CurveConfig, run: RunFolder, chosen: dict[int, tuple[str, ...]], say: Steps
) -> AdherenceSummary:
    specs: dict[str, int] = {}
    for number, templates in sorted(chosen.items()):
        say(f"{number} templates: {', '.join(templates) or 'the model as it is'}")
        place = _trained(settings, run.path.absolute(), number, templates)
        specs[f"hf:{place}"] = number
    fields = settings.model_dump(include=set(QuestionsConfig.model_fields))
    asked = AdherenceConfig(models=tuple(specs), **fields)
    answers = asyncio.run(ask_models(asked, run, say=say))
    summary = sum_up_answers(answers)
    labels = label_models(asked.models)
    trained_on = {labels[spec]: number for spec, number in specs.items()}
    seen = {labels[spec]: chosen[number] for spec, number in specs.items()}
    more = {"Templates trained on, and others": render_seen(answers, seen)}
    write_adherence(run, summary, trained_on=trained_on, more=more)
    run.set_status("finished", num_questions=summary.num_questions)
    return summary


def _trained(settings: CurveConfig, run: Path, number: int, templates: tuple[str, ...]) -> Path:
    """Train by the command that anybody would use; return the model, its name telling the number."""
    name = f"templates-{number:02d}"
    link = run / "models" / name
    if link.is_dir():
        return link
    place = settings.model if not number else _train(settings, run / "trainings", name, templates)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(place)
    return link


def _train(settings: CurveConfig, trainings: Path, name: str, templates: tuple[str, ...]) -> Path:
    words = [sys.executable, "-c", _COMMAND, "train", "sft", str(settings.model)]
    words += ["--runs", str(trainings), "--name", name, "--json"]
    words += ["--exercises", str(settings.exercises)]
    words += [word for it in templates for word in ("--templates", it)]
    files = (_steps(settings, trainings), *settings.training)
    words += [word for it in files for word in ("--config", str(it.absolute()))]
    if (trainings / name / "config.toml").is_file():
        words.append("--resume")
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise JourneymanError(
            f"the training on {len(templates)} templates ended with code {done.returncode}",
            "mend what it said above, then the same command with --resume",
        )
    return Path(json_module.loads(done.stdout)["model"]).absolute()


def _steps(settings: CurveConfig, trainings: Path) -> Path:
    """Write how long each training is: a file below the others, as a warm-up must fit in the steps."""
    trainings.mkdir(exist_ok=True)
    warmup = min(10, settings.num_steps // 10)
    text = f"[trainer]\nnum_steps = {settings.num_steps}\nnum_warmup_steps = {warmup}\n"
    path = trainings / "steps.toml"
    path.write_text(text, encoding="utf-8")
    return path
