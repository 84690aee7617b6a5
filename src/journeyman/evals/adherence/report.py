"""The report of a run of the adherence suite, and of the curve over templates trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from journeyman.evals.adherence.summary import AdherenceSummary, ModelAdherence, Rate
from journeyman.evals.html import page_of
from journeyman.evals.plots import Point, plot_curves, plot_shares
from journeyman.evals.published import published_for
from journeyman.evals.words import chance, share, span, table
from journeyman.runs import RunFolder

__all__ = ["render_adherence", "write_adherence"]

_CURVE = "Accuracy against templates trained on"


def write_adherence(
    run: RunFolder,
    summary: AdherenceSummary,
    *,
    trained_on: Mapping[str, int] | None = None,
    more: Mapping[str, str] | None = None,
) -> None:
    """Write `report.md`, `report.html` and `adherence.json`; `trained_on` makes Figure 5's curve.

    `more` are further parts of the report by their titles.
    """
    markdown = render_adherence(run.name, summary, trained_on=trained_on, more=more)
    plots = {"Models": _plot_models(summary), _CURVE: _plot_curve(summary, trained_on or {})}
    run.write_text("report.md", markdown)
    run.write_text("report.html", page_of(run.name, markdown, plots))
    run.write_text("adherence.json", summary.model_dump_json(indent=2) + "\n")


def render_adherence(
    name: str,
    summary: AdherenceSummary,
    *,
    trained_on: Mapping[str, int] | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """Return the report as Markdown."""
    parts = [f"# {name}", _headline(summary), "## Models", table(_MODELS, _models(summary))]
    parts += list(_pairs(summary))
    if trained_on:
        parts += [f"## {_CURVE}", table(_CURVED, _curve(summary, trained_on))]
    for title, text in (more or {}).items():
        parts += [f"## {title}", text]
    for title, pick in (
        ("Well-formed, by template", "by_template"),
        ("Well-formed, by the scaffold whose tools were declared", "by_toolset"),
        ("Well-formed, by whether the request names the tool", "by_form"),
        (
            "Arguments as they were given, by kind, in well-formed calls of the right tool",
            "by_argument",
        ),
    ):
        parts += [f"## {title}", _grid(summary.models, pick)]
    parts += ["## Errors", _errors(summary.models)]
    parts += ["## Published beside ours", table(_PUBLISHED, _published(summary))]
    return "\n\n".join(parts) + "\n"


_MODELS = (
    "model",
    "questions",
    "well-formed",
    "95 % interval",
    "right tool",
    "exact",
    "95 % interval",
)
_CURVED = ("templates trained on", "model", "well-formed", "95 % interval", "exact")
_PUBLISHED = ("model", "scaffold", "score", "source")


def _headline(summary: AdherenceSummary) -> str:
    return (
        f"{summary.num_questions} questions to each of {len(summary.models)} models. *Well-formed*: "
        "exactly one call that the template's parser reads without an error and that fits the tool's "
        "declaration. *Exact*: in addition the right tool, with every value as it was given."
    ).replace("*", "**")


def _models(summary: AdherenceSummary) -> Iterator[list[str]]:
    for it in summary.models:
        yield [
            it.model,
            str(it.well_formed.num) + (f" (+{it.num_failed} failed)" if it.num_failed else ""),
            share(it.well_formed.rate),
            span(it.well_formed.interval),
            share(it.right_tool.rate),
            share(it.exact.rate),
            span(it.exact.interval),
        ]


def _pairs(summary: AdherenceSummary) -> Iterator[str]:
    if not summary.pairs:
        return
    rows = []
    for pair in summary.pairs:
        for what, it in (("well-formed", pair.well_formed), ("exact", pair.exact)):
            low, high = it.interval
            rows.append(
                [
                    f"{pair.first} against {pair.second}",
                    what,
                    f"{100 * it.difference:+.1f} points",
                    f"{100 * low:+.1f} to {100 * high:+.1f}",
                    chance(it.p_value),
                    "settled" if it.is_settled else str(it.tasks_needed or "none: no difference"),
                ]
            )
    yield "## Compared, on the same questions"
    head = (
        "models",
        "measure",
        "difference",
        "95 % interval",
        "p",
        "questions that would settle it",
    )
    yield table(head, rows)


def _grid(models: Sequence[ModelAdherence], pick: str) -> str:
    columns: list[dict[str, Rate]] = [getattr(it, pick) for it in models]
    names = sorted({name for found in columns for name in found})
    if not names:
        return "No such call."
    rows = [[name, *(_cell(found.get(name)) for found in columns)] for name in names]
    return table(("", *(it.model for it in models)), rows)


def _cell(rate: Rate | None) -> str:
    return "-" if rate is None else f"{share(rate.rate)} of {rate.num} ({span(rate.interval)})"


def _errors(models: Sequence[ModelAdherence]) -> str:
    names = list(dict.fromkeys(name for it in models for name in it.errors))
    if not names:
        return "None."
    rows = [[name, *(str(it.errors.get(name, 0)) for it in models)] for name in names]
    return table(("error", *(it.model for it in models)), rows)


def _published(summary: AdherenceSummary) -> Iterator[list[str]]:
    for it in summary.models:
        yield [it.model, "all toolsets", share(it.well_formed.rate), "this run"]
    for score in published_for("Template adherence"):
        yield [score.model, score.scaffold, f"{score.score:.1f} %", score.source]


def _curve(summary: AdherenceSummary, trained_on: Mapping[str, int]) -> Iterator[list[str]]:
    for it in sorted(summary.models, key=lambda model: trained_on.get(model.model, 0)):
        yield [
            str(trained_on.get(it.model, 0)),
            it.model,
            share(it.well_formed.rate),
            span(it.well_formed.interval),
            share(it.exact.rate),
        ]


def _plot_models(summary: AdherenceSummary) -> str:
    rows = [
        (it.model, it.well_formed.rate, it.well_formed.interval, share(it.well_formed.rate))
        for it in summary.models
    ]
    return plot_shares(rows, "Well-formed calls with 95 % intervals")


def _plot_curve(summary: AdherenceSummary, trained_on: Mapping[str, int]) -> str:
    if not trained_on:
        return ""

    def points(pick: str) -> list[Point]:
        found = []
        for it in summary.models:
            rate: Rate = getattr(it, pick)
            found.append((float(trained_on.get(it.model, 0)), rate.rate, *rate.interval))
        return sorted(found)

    curves = [("well-formed", points("well_formed")), ("exact", points("exact"))]
    return plot_curves(curves, _CURVE, "templates trained on")
