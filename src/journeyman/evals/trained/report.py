"""The one page of a study: what training changed in sentences, in tables, and in two plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from journeyman.evals.evaluation import REPORT
from journeyman.evals.findings import say_findings
from journeyman.evals.html import page_of
from journeyman.evals.plots import plot_shares
from journeyman.evals.trained.measure import Measure
from journeyman.evals.trained.study import Study
from journeyman.evals.words import chance, share, span, table
from journeyman.runs import RunFolder

__all__ = ["render_study", "say_study", "write_study"]

_HEAD = ("measure", "units", "base", "95 % interval", "trained", "95 % interval", "difference",
         "95 % interval", "p", "units that would settle it")  # fmt: skip
_TOOLS = "Calls, over all templates"
_TASKS = "Held-out tasks"


def write_study(run: RunFolder, study: Study) -> None:
    """Write `report.md`, `report.html`, `study.json` and, for `eval compare`, `report.json`."""
    markdown = render_study(study)
    plots = {
        _TOOLS: _plot(study, "adherence", "Calls with 95 % intervals"),
        _TASKS: _plot(study, "tasks", "Rollouts with 95 % intervals"),
    }
    run.write_text("report.md", markdown)
    run.write_text("report.html", page_of(study.name, markdown, plots))
    run.write_text("study.json", study.model_dump_json(indent=2) + "\n")
    run.write_text(REPORT, study.evaluation.model_dump_json(indent=2) + "\n")


def render_study(study: Study) -> str:
    """Return the report as Markdown."""
    parts = [f"# {study.name}", _headline(study), "## What training changed"]
    parts.append("\n".join(f"- {line}" for line in say_study(study)))
    for title, suite in ((_TOOLS, "adherence"), (_TASKS, "tasks")):
        parts += [f"## {title}", table(_HEAD, _rows(study, suite))]
    parts += ["## Well-formed calls, template by template", table(_HEAD, _by(study, "adherence"))]
    if by_scaffold := list(_by(study, "tasks")):
        parts += ["## Tasks, scaffold by scaffold", table(_HEAD, by_scaffold)]
    parts += ["## Doubts", "\n".join(f"- {line}" for line in _doubts(study))]
    parts += ["## Settings", table(("key", "value"), study.evaluation.settings.items())]
    parts += ["## Where to look", "```\n" + "\n".join(_looks(study)) + "\n```"]
    return "\n\n".join(parts) + "\n"


def say_study(study: Study) -> list[str]:
    """Return one sentence for each measure over everything."""
    return [_say(study, it) for it in study.measures if not it.by]


def _say(study: Study, it: Measure) -> str:
    found = it.comparison
    if not found.num_tasks:
        return (
            f"{it.trained}: {it.what}: nothing that both models finished, so nothing is compared."
        )
    numbers = (
        f"{study.base} {share(it.base_share.rate)} ({span(it.base_share.interval)}), {it.trained} "
        f"{share(it.trained_share.rate)} ({span(it.trained_share.interval)})"
    )
    return f"{it.what}: {numbers}. {_verdict(it)}"


def _verdict(it: Measure) -> str:
    found = it.comparison
    if not found.difference:
        low, high = found.interval
        return (
            f"No difference on {found.num_tasks}; one between {100 * low:+.1f} and "
            f"{100 * high:+.1f} points could be there unseen."
        )
    how = "better" if found.difference > 0 else "worse"
    points = f"{abs(100 * found.difference):.1f} points {how}, p = {chance(found.p_value)}"
    if found.is_settled:
        return f"**{it.trained} is {points}.**"
    needed = f"; about {found.tasks_needed} would settle it" if found.tasks_needed else ""
    return f"{it.trained} is {points}: not settled on {found.num_tasks}{needed}."


def _headline(study: Study) -> str:
    return (
        f"Base: **{study.base}**. Trained: **{', '.join(study.trained)}**. "
        f"{study.adherence.num_questions} questions of the adherence suite and {study.num_tasks} tasks "
        f"of {study.benchmark}, the same for each. Differences are trained minus base, in pairs: a "
        "unit is a question, or a task with its scaffold."
    )


def _rows(study: Study, suite: str) -> Iterator[list[str]]:
    for it in study.measures:
        if it.suite == suite and not it.by:
            yield _row(it, _named(study, it, it.what))


def _by(study: Study, suite: str) -> Iterator[list[str]]:
    for it in study.measures:
        if it.suite == suite and it.by:
            what = it.by if suite == "adherence" else f"{it.by}: {it.what}"
            yield _row(it, _named(study, it, what))


def _named(study: Study, it: Measure, what: str) -> str:
    return what if len(study.trained) == 1 else f"{it.trained}: {what}"


def _row(it: Measure, name: str) -> list[str]:
    found = it.comparison
    low, high = found.interval
    return [
        name,
        str(found.num_tasks),
        share(it.base_share.rate),
        span(it.base_share.interval),
        share(it.trained_share.rate),
        span(it.trained_share.interval),
        f"{100 * found.difference:+.1f} points",
        f"{100 * low:+.1f} to {100 * high:+.1f}",
        chance(found.p_value),
        "settled" if found.is_settled else str(found.tasks_needed or "none: no difference"),
    ]


def _doubts(study: Study) -> Iterator[str]:
    """Say what the evaluation itself doubts, but not who of its agents is best."""
    is_doubt = ("Contamination", "None of the", "**Contaminated", "**Doubt", "The tasks are sound")
    for line in say_findings(study.evaluation):
        if line.startswith(is_doubt) or "flagged" in line or "left out of its rate" in line:
            yield line
    yield "Template by template there are as many tests as templates: one in twenty is small by chance."
    failed = {it.model: it.num_failed for it in study.adherence.models if it.num_failed}
    for name, num in failed.items():
        yield f"{name} gave no answer to {num} questions, which count nowhere."


def _looks(study: Study) -> Sequence[str]:
    lines = ["open <this folder>/adherence/report.html"]
    return [
        *lines,
        *(f"journeyman view <this folder>/{it}" for it in study.evaluation.runs.values()),
    ]


def _plot(study: Study, suite: str, title: str) -> str:
    rows: list[tuple[str, float, tuple[float, float], str]] = []
    for it in study.measures:
        if it.suite != suite or it.by:
            continue
        short = it.what.removeprefix("rollouts ")
        for name, found in ((study.base, it.base_share), (it.trained, it.trained_share)):
            row = (f"{short}, {name}"[:34], found.rate, found.interval, share(found.rate))
            if row not in rows:
                rows.append(row)
    return plot_shares(rows, title)
