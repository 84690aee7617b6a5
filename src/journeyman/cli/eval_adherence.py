"""`journeyman eval adherence` and `eval curve`: do a model's calls keep to each template?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.cli.progress import Steps
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.errors import JourneymanError
from journeyman.evals.adherence.ask import ask_models
from journeyman.evals.adherence.report import write_adherence
from journeyman.evals.adherence.suite import AdherenceConfig, list_questions
from journeyman.evals.adherence.summary import AdherenceSummary, sum_up_answers
from journeyman.evals.words import share, span
from journeyman.flow.plan import label_models
from journeyman.runs import RunFolder

__all__ = ["adherence", "curve", "tell_adherence"]


class Given(AdherenceConfig):
    """The flags of `eval adherence`."""

    models: Annotated[tuple[str, ...], Parameter(name="--model")] = ("smollm2",)
    """A model to ask; again for more, which are compared with the first."""
    templates: Annotated[tuple[str, ...], Parameter(name="--template")] = ()
    """Only this template; again for more."""
    toolsets: Annotated[tuple[str, ...], Parameter(name="--toolset")] = ()
    """Only the tools of this scaffold; again for more."""


class GivenCurve(Given):
    """The flags of `eval curve`; the models are positional."""

    models: Annotated[tuple[str, ...], Parameter(parse=False)] = ()


def adherence(
    *,
    given: Annotated[Given, Parameter(name="*")] = Given(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Ask models for tool calls in every template, and say how many are well-formed and exact.

    Parameters
    ----------
    given
        Whom to ask, and what.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(AdherenceConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    list_questions(settings)
    with options.create("eval", "adherence", settings) as run:
        note(f"answers in {run.path}")
        summary = _asked(settings, run, {})
    return tell_adherence(summary, run.path, is_json=options.is_json)


def curve(
    models: tuple[str, ...],
    /,
    *,
    given: Annotated[GivenCurve, Parameter(name="*")] = GivenCurve(models=("x",)),  # noqa: B008
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Draw accuracy against the number of templates that a model was trained on (Figure 5).

    Parameters
    ----------
    models
        `NUMBER=SPEC` for each model, e.g. `0=smollm2 5=hf:runs/sft-5/model`.
    given
        What to ask.
    options
        Where it is kept, and whether it goes on.
    """
    pairs = dict(_numbered(text) for text in models)
    settings = resolve_settings(AdherenceConfig, options.config, given, models=tuple(pairs))
    if options.is_dry_run:
        return show_config(settings)
    labels = label_models(settings.models)
    trained_on = {labels[spec]: number for spec, number in pairs.items()}
    with options.create("eval", "curve", settings) as run:
        note(f"answers in {run.path}")
        summary = _asked(settings, run, trained_on)
    return tell_adherence(summary, run.path, is_json=options.is_json)


def _numbered(text: str) -> tuple[str, int]:
    number, equals, spec = text.partition("=")
    if not equals or not number.isdigit() or not spec:
        raise JourneymanError(
            f"{text!r} is not NUMBER=SPEC", "e.g. 0=smollm2 5=hf:runs/sft-5/model"
        )
    return spec, int(number)


def _asked(
    settings: AdherenceConfig, run: RunFolder, trained_on: Mapping[str, int]
) -> AdherenceSummary:
    summary = sum_up_answers(asyncio.run(ask_models(settings, run, say=Steps())))
    write_adherence(run, summary, trained_on=trained_on)
    run.set_status("finished", num_questions=summary.num_questions)
    return summary


def tell_adherence(summary: AdherenceSummary, run: Path, *, is_json: bool) -> int:
    """Print a summary of the suite: a row for each model, and where the report is."""
    if is_json:
        print_json(summary)
        return 0
    rows = [
        (
            it.model,
            it.well_formed.num,
            share(it.well_formed.rate),
            span(it.well_formed.interval),
            share(it.exact.rate),
            span(it.exact.interval),
        )
        for it in summary.models
    ]
    columns = ("model", "questions", "well-formed", "95% interval", "exact", "95% interval")
    print_table(columns, rows)
    print_lines(["", f"report  {run}/report.md", f"page    {run}/report.html"])
    return 0
