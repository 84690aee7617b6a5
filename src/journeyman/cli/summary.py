"""The outcome of a run as a table for people and as a record for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from journeyman.cli.output import emit, print_lines, print_table
from journeyman.flow import ModelSummary, RunSummary

__all__ = ["show_summary", "solve_rates", "summary_record", "tell_outcome"]

_COLUMNS = ("model", "rollouts", "solved", "solve rate", "95% interval", "turns", "tokens")


def tell_outcome(summary: RunSummary, run: Path, *, is_json: bool) -> int:
    """Print what a run came to and where it is; return the exit code."""
    if is_json:
        emit(summary_record(summary, run))
        return 0
    show_summary(summary)
    if summary.coverage.num_ungraded:
        print_lines([f"grade   journeyman grade {run} --again"])
    print_lines(
        ["", f"run     {run}", f"report  {run}/report.md", f"look    journeyman view {run}"]
    )
    return 0


def show_summary(summary: RunSummary) -> None:
    """Print one line a model: what it solved, with its interval, and what it used."""
    print_table(_COLUMNS, map(_row, summary.models))
    coverage = summary.coverage
    if coverage.num_failed or coverage.num_omitted:
        print_lines(
            [
                f"not in the rates: {coverage.num_failed} rollouts that failed for causes that are "
                f"not the model's, {coverage.num_omitted} that are not finished"
            ]
        )
    if coverage.num_ungraded:
        print_lines([f"not graded yet: {coverage.num_ungraded} rollouts"])


def _row(row: ModelSummary) -> tuple[Any, ...]:
    low, high = row.interval
    has_rate = row.solve_rate is not None
    return (
        row.model,
        row.coverage.num_succeeded,
        row.num_resolved,
        f"{row.solve_rate:.1%}" if row.solve_rate is not None else "-",
        f"{low:.1%} to {high:.1%}" if has_rate else "-",
        f"{row.mean_turns:.1f}" if row.mean_turns is not None else "-",
        row.num_completion_tokens,
    )


def solve_rates(summary: RunSummary) -> dict[str, float | None]:
    """Return each model's solve rate; None where nothing counted."""
    return {row.model: row.solve_rate for row in summary.models}


def summary_record(summary: RunSummary, run: Path) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {"run": str(run), "solve_rate": solve_rates(summary), "summary": summary}
