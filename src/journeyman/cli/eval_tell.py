"""An evaluation on the terminal: a table, the findings in sentences, and where to look."""

from __future__ import annotations

from pathlib import Path

from journeyman.cli.output import print_json, print_lines, print_table
from journeyman.evals.evaluation import Evaluation
from journeyman.evals.findings import say_findings
from journeyman.evals.words import money, share, span

__all__ = ["tell"]


def tell(evaluation: Evaluation, run: Path, *, is_json: bool) -> int:
    """Print an evaluation: a table, the findings in sentences, and where to look."""
    if is_json:
        print_json(evaluation)
        return 0
    print_table(
        ("agent", "rollouts", "resolved", "solve rate", "95% interval", "turns", "cost"),
        [
            (
                it.name,
                it.num_counted,
                it.num_resolved,
                share(it.solve_rate) or "-",
                span(it.interval),
                f"{it.turns.mean:.1f}",
                money(it.total_cost_usd),
            )
            for it in (*evaluation.ranked, *evaluation.references)
        ],
    )
    print_lines(["", *(line.replace("**", "") for line in say_findings(evaluation)), ""])
    if (run / "report.html").is_file():
        print_lines([f"report  {run}/report.md", f"page    {run}/report.html"])
    looks = [f"look    journeyman view {run}/{folder}" for folder in evaluation.runs.values()]
    print_lines(looks)
    return 0
