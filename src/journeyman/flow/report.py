"""`report.md`: what a run came to, for a person to read; made anew each time the run is let go.

write_report(run, rollouts, plan.seats)
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from journeyman.flow.jobs import Seat
from journeyman.flow.summary import Coverage, ModelSummary, RunSummary, summarise
from journeyman.runs import RunFolder
from journeyman.types import Rollout

__all__ = ["render_report", "write_report"]

_MODELS = ("model", "rollouts", "resolved", "solve rate", "95 % interval", "reward", "turns")
_COVERAGE = ("expected", "succeeded", "failed", "omitted")
_USE = ("model", "prompt tokens", "completion tokens", "format errors", "retries", "cost", "s each")


def write_report(
    run: RunFolder, rollouts: Sequence[Rollout], seats: Sequence[Seat], notes: Sequence[str] = ()
) -> RunSummary:
    """Write the run's `report.md` and return what it says as data; `notes` are of machines."""
    summary = summarise(rollouts, seats)
    run.write_text("report.md", render_report(run, summary, notes))
    return summary


def render_report(run: RunFolder, summary: RunSummary, notes: Sequence[str] = ()) -> str:
    """Return the report as Markdown."""
    parts = [
        f"# {run.name}",
        _headline(summary),
        _table(_MODELS, map(_model_cells, summary.models)),
        "The solve rate is over the rollouts that succeeded, which are those with a valid reward. "
        + _left_out(summary.coverage),
        "## Coverage",
        _table(("model", *_COVERAGE), _coverage_rows(summary)),
        "## Use",
        _table(_USE, map(_use_cells, summary.models)),
        *notes,
        "## Endings",
        _tally("ending", [(row.model, row.endings) for row in summary.models]),
        "## Failures",
        _tally("cause", [(row.model, row.failures) for row in summary.models]),
        "## This run",
        _commands(run, summary),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(summary: RunSummary) -> str:
    coverage = summary.coverage
    done = coverage.num_expected - coverage.num_omitted
    state = f"{done} finished so far" if coverage.num_omitted else "finished"
    return f"{coverage.num_expected} rollouts on {summary.num_tasks} tasks, {state}."


def _left_out(coverage: Coverage) -> str:
    if not coverage.num_failed and not coverage.num_omitted and not coverage.num_ungraded:
        return "Nothing is left out."
    ungraded = f", {coverage.num_ungraded} not graded yet" if coverage.num_ungraded else ""
    return f"Left out: {coverage.num_failed} failed, {coverage.num_omitted} omitted{ungraded}."


def _model_cells(row: ModelSummary) -> list[str]:
    low, high = row.interval
    return [
        row.model,
        str(row.coverage.num_succeeded),
        str(row.num_resolved),
        "" if row.solve_rate is None else f"{100 * row.solve_rate:.1f} %",
        "" if row.solve_rate is None else f"{100 * low:.1f} to {100 * high:.1f} %",
        _number(row.mean_reward, 2),
        _number(row.mean_turns, 1),
    ]


def _coverage_rows(summary: RunSummary) -> Iterable[list[str]]:
    for row in summary.models:
        yield [row.model, *_coverage_cells(row.coverage)]
    if len(summary.models) > 1:
        yield ["all", *_coverage_cells(summary.coverage)]


def _coverage_cells(coverage: Coverage) -> list[str]:
    return [str(getattr(coverage, f"num_{name}")) for name in _COVERAGE]


def _use_cells(row: ModelSummary) -> list[str]:
    return [
        row.model,
        f"{row.num_prompt_tokens:,}",
        f"{row.num_completion_tokens:,}",
        str(row.num_format_errors),
        str(row.num_retries),
        f"${row.cost_usd:.2f}",
        _number(row.mean_rollout_s, 1),
    ]


def _tally(what: str, counts: Sequence[tuple[str, dict[str, int]]]) -> str:
    """Cross what was counted with the models."""
    names = list(dict.fromkeys(name for _, found in counts for name in found))
    if not names:
        return "None."
    rows = [[name, *(str(found.get(name, 0)) for _, found in counts)] for name in names]
    return _table((what, *(model for model, _ in counts)), rows)


def _commands(run: RunFolder, summary: RunSummary) -> str:
    command = (run.path / "command.txt").read_text(encoding="utf-8").strip()
    lines = [("made by", command), ("look", shlex.join(["journeyman", "view", str(run.path)]))]
    if summary.coverage.num_omitted:
        lines.append(("go on", _resumed(command, run.name)))
    if summary.coverage.num_ungraded:
        lines.append(("grade", shlex.join(["journeyman", "grade", str(run.path), "--again"])))
    width = max(len(name) for name, _ in lines)
    text = "\n".join(f"{name:<{width}}  {line}" for name, line in lines)
    return f"```\n{text}\n```"


def _resumed(command: str, name: str) -> str:
    """Return the command that takes the run up again."""
    words = [word for word in shlex.split(command) if word not in ("--resume", "--clean")]
    is_named = any(word == "--name" or word.startswith("--name=") for word in words)
    return shlex.join([*words, *([] if is_named else ["--name", name]), "--resume"])


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table: the first column to the left, numbers to the right."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[index]) for row in cells)) for index in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(cells)} |"
