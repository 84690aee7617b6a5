"""`journeyman reproduce`: the whole report at proxy scale, stage by stage, with a report of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.cli.settings import RunOptions, resolve_settings
from journeyman.reproduce import ReproduceSettings, plan
from journeyman.reproduce import reproduce as reproduced
from journeyman.train.extra import require_extra

__all__ = ["reproduce"]


def reproduce(
    *,
    given: Annotated[ReproduceSettings, Parameter(name="*")] = ReproduceSettings(),  # noqa: B008 - frozen
    only: tuple[str, ...] = (),
    jobs: Annotated[int, Parameter(validator=Number(gte=1))] = 2,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Mid-train, fine-tune, make experts, distil and measure, by ordinary commands. Exits 1 if a
    stage fails.

    Parameters
    ----------
    given
        Which reproduction.
    only
        Only this stage, or those that a pattern names, as in 'expert-*'; again for more.
    jobs
        Stages that are run at once, each with its share of the cores.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(ReproduceSettings, options.config, given)
    if options.is_dry_run:
        root = options.runs / (options.name or f"reproduce-{settings.scale}")
        lines = plan(settings, root, only)
        if options.is_json:
            print_json({"plan": lines})
        else:
            print_lines(lines)
        return 0
    require_extra()
    with options.create("reproduce", settings.scale, settings) as run:
        note(f"reproducing in {run.path}")
        outcomes = reproduced(settings, run, only=only, num_jobs=jobs, say=note)
        report = Path(run.path, "report.md")
    if options.is_json:
        print_json({"run": str(run.path), "report": str(report), "stages": outcomes})
    else:
        print_table(("stage", "outcome"), outcomes.items())
        print_lines(["", f"report  {report}"])
    return 1 if "failed" in outcomes.values() else 0
