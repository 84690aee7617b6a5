"""`journeyman export`: a run for other viewers and trainers, with secrets taken out first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_lines
from journeyman.errors import JourneymanError

__all__ = ["export"]

Format = Literal["atif", "hf-traces", "sft-jsonl", "parquet"]


def export(
    run: Path = Path("runs/latest"),
    /,
    *,
    to: Format,
    out: Path | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    json: bool = False,
) -> int:
    """Write a run's rollouts in another format, with keys, tokens and passwords taken out.

    Parameters
    ----------
    run
        Folder of the run.
    to
        atif (Harbor's trajectories), hf-traces (the Hugging Face Hub's sessions), sft-jsonl (chat
        messages for fine-tuning) or parquet (one table).
    out
        Folder to write, which must not exist; `exports/RUN.FORMAT` where none is given.
    everything
        In sft-jsonl, hold what was not solved as well.
    json
        Print what was written as JSON.
    """
    from journeyman.web.exchange import export_run
    from journeyman.web.reading import Library

    library = Library(run)
    if not library.is_single:
        raise JourneymanError(f"{run} holds runs and is none itself", "give one run's folder")
    reader = library.runs()[0]
    made = export_run(
        reader, to, out or Path("exports") / f"{reader.name}.{to}", is_everything=everything
    )
    if json:
        print_json(made)
        return 0
    print_lines([f"{made.num_rollouts} rollouts in {made.folder}"])
    if made.num_left_out:
        note(f"{made.num_left_out} left out: no trajectory, or not solved (--all)")
    if made.unreadable:
        note(f"{len(made.unreadable)} could not be read, e.g. {made.unreadable[0]}")
    found = ", ".join(f"{count} {kind}" for kind, count in made.redacted.items())
    note(f"taken out: {found or 'nothing that the rules know'}; read it before you publish it")
    return 0
