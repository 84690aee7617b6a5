"""Writing an evaluation into its run: `report.json`, `report.md` and `report.html`."""

from __future__ import annotations

from journeyman.evals.evaluation import REPORT, Evaluation
from journeyman.evals.html import render_html
from journeyman.evals.markdown import render_markdown
from journeyman.runs import RunFolder

__all__ = ["write_reports"]


def write_reports(run: RunFolder, evaluation: Evaluation) -> None:
    """Write the three, each whole or not at all; the data last, so that it vouches for the others."""
    run.write_text("report.md", render_markdown(evaluation))
    run.write_text("report.html", render_html(evaluation))
    run.write_text(REPORT, evaluation.model_dump_json(indent=2) + "\n")
