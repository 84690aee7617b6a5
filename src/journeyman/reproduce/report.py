"""`report.md`, `report.html` and `report.json` of a reproduction: every table, every gap, and
how to repeat it.

write_report(place, run)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from journeyman.evals.html import page_of
from journeyman.evals.plots import Point, plot_curves
from journeyman.evals.words import share, span, table
from journeyman.reproduce.findings import find
from journeyman.reproduce.place import AGENTS, Place
from journeyman.reproduce.stages import METHODS
from journeyman.runs import RunFolder

__all__ = ["render", "write_report"]

_FIGURE_6 = "Figure 6: reinforcement learning, step by step"
_FIGURE_7 = "Figure 7: a leak, with and without the guard"
_NONE = "Not there: see the stages above."


def write_report(place: Place, run: RunFolder) -> None:
    """Write the report of what is known so far."""
    found = find(place, run)
    markdown = render(run.name, found)
    plots = {_FIGURE_6: _plot_learning(found), _FIGURE_7: _plot_hacking(found)}
    run.write_text("report.md", markdown)
    run.write_text("report.html", page_of(run.name, markdown, plots))
    run.write_text("report.json", json.dumps(found, indent=2) + "\n")


def render(name: str, found: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    parts = [f"# {name}", _headline(found), "## Stages", _stages(found), *_gaps(found)]
    sections = {
        "Trainings": _trainings(found),
        "Experts": _experts(found),
        "One model of them": _students(found),
        "Figure 3: one policy in several scaffolds": _scaffolds(found),
        "Figure 5: calls, by the number of templates trained on": _adherence(found["figure 5"]),
        "Calls in several templates": _adherence(found["adherence"]),
        _FIGURE_6: _learning(found),
        _FIGURE_7: _hacking(found),
        "Table 13: packing": _packing(found),
        "What differs from the paper": _differences(found),
        "Commands": _commands(found),
    }
    for title, text in sections.items():
        parts += [f"## {title}", text or _NONE]
    return "\n\n".join(parts) + "\n"


def _headline(found: Mapping[str, Any]) -> str:
    machine, scale = found["machine"], found["scale"]
    seeds = ", ".join(map(str, found["seeds"]))
    lines = [
        f"Scale `{scale['name']}`: {scale['what']}. Domains: {', '.join(found['domains'])}. Seeds "
        f"of the "
        f"experts: {seeds}; everything before them has seed 0.",
        f"{machine['processor'] or 'unknown processor'}, {machine['num_cpus']} cores, "
        f"{machine['platform']}, "
        f"Python {machine['python']}, PyTorch {machine['torch']}, transformers "
        f"{machine['transformers']}; "
        f"Journeyman {machine['journeyman']}, commit {machine['git_commit'] or 'unknown'}.",
        "Intervals are 95 %: of rates on held-out tasks by bootstrap over tasks, of shares of "
        "rollouts and "
        "answers by Wilson.",
    ]
    if scale["admits_all_experts"]:
        lines.append(
            "**This scale tries the machine. Its models learn nothing, experts teach whether they "
            "beat the "
            "base or not, and no figure below is a claim.**"
        )
    return "\n\n".join(lines)


def _stages(found: Mapping[str, Any]) -> str:
    rows = [
        (it["stage"], it["what"], it["state"], f"{it['steps_s']:.0f} s", it["reason"])
        for it in found["stages"]
    ]
    return table(("stage", "what", "outcome", "took", "why"), rows)


def _gaps(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence on what is missing: failed, left out, or not run."""
    for state in ("failed", "skipped", "not run"):
        names = [it["stage"] for it in found["stages"] if it["state"] == state]
        if names:
            yield f"**{state.capitalize()}: {', '.join(names)}.**"


def _trainings(found: Mapping[str, Any]) -> str:
    rows = [
        (
            it["run"],
            str(it.get("step", "")),
            f"{it['first_loss']:.3f}",
            f"{it['loss']:.3f}",
            f"{it['held_out_loss']:.3f}" if "held_out_loss" in it else "",
            f"{it['tokens_per_s']:.0f}" if "tokens_per_s" in it else "",
        )
        for it in found["training"]
    ]
    head = ("run", "steps", "first loss", "last loss", "held-out loss", "tokens/s in the last step")
    return table(head, rows) if rows else ""


_EXPERTS = """\
Share of held-out tasks solved, drawn at temperature 1, and what was gained: each task compared
with itself, \
and the chance of such a difference by permutation. An expert that does not beat the base is
failed, and does \
not teach."""


def _experts(found: Mapping[str, Any]) -> str:
    rows = [
        (
            it["domain"],
            str(it["seed"]),
            _cell(it["base"]),
            _cell(it["expert"]),
            _gain(it),
            _verdict(it),
        )
        for it in found["experts"]
        if it["base"]
    ]
    if not rows:
        return ""
    text = table(("domain", "seed", "base", "expert", "gain in points", ""), rows)
    return f"{_EXPERTS}\n\n{text}"


def _gain(row: Mapping[str, Any]) -> str:
    gain = row["gain"]
    if gain is None:
        return ""
    low, high = gain["interval"]
    points = f"{100 * gain['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
    return f"{points}, p = {gain['p_value']:.4f}"


def _verdict(row: Mapping[str, Any]) -> str:
    if row["state"] != "done" or not row["expert"]:
        return str(row["state"])
    base, expert = row["base"], row["expert"]
    if expert["mean"] <= base["mean"]:
        return "does not beat the base"
    return "better" if expert["low"] > base["high"] else "better, intervals overlap"


def _students(found: Mapping[str, Any]) -> str:
    ways = ("student", "off-policy", *(f"merge-{it}" for it in METHODS))
    rows = [
        (
            it["domain"],
            str(it["seed"]),
            _cell(it["base"]),
            _cell(it["expert"]),
            *(_kept(it, way) for way in ways),
        )
        for it in found["students"]
    ]
    if not rows:
        return ""
    text = table(("domain", "seed", "base", "expert", *ways), rows)
    text += (
        "\n\nIn brackets behind an interval: the share of the expert's gain that is kept, and its own "
        "interval (bootstrap over tasks; none is given where the expert may have gained nothing)."
    )
    losses = [
        (run, who, f"{value:.4f}")
        for run, values in found["general loss"].items()
        for who, value in values.items()
    ]
    if losses:
        text += "\n\n" + table(("distillation", "who", "loss on other text, nats a token"), losses)
    return text


def _kept(row: Mapping[str, Any], way: str) -> str:
    kept, around = row["kept"].get(way), row["kept_interval"].get(way)
    if kept is None:
        return _cell(row[way])
    between = f": {around[0]:.0%} to {around[1]:.0%}" if around else ""
    return f"{_cell(row[way])} [{kept:.0%}{between}]"


def _scaffolds(found: Mapping[str, Any]) -> str:
    rows = [(it["policy"], it["scaffold"], _cell(it["rate"])) for it in found["figure 3"]]
    return table(("policy", "scaffold", "held-out software tasks solved"), rows) if rows else ""


def _adherence(summary: Mapping[str, Any] | None) -> str:
    if summary is None:
        return ""
    names = sorted({name for it in summary["models"] for name in it["by_template"]})
    rows = [
        (
            it["model"],
            str(it["well_formed"]["num"]),
            f"{share(it['well_formed']['rate'])} ({span(it['well_formed']['interval'])})",
            f"{share(it['exact']['rate'])} ({span(it['exact']['interval'])})",
            *(
                share(it["by_template"][name]["rate"]) if name in it["by_template"] else ""
                for name in names
            ),
        )
        for it in summary["models"]
    ]
    return table(("model", "questions", "well-formed", "exact", *names), rows)


def _learning(found: Mapping[str, Any]) -> str:
    rows = [
        (
            name,
            str(it["step"]),
            share(it.get("solve_rate")),
            _held_out(it),
            f"{it['turns']:.1f}" if "turns" in it else "",
        )
        for name, lines in found["figure 6"].items()
        for it in lines
    ]
    head = ("run", "step", "solved while learning", "held out", "turns")
    return table(head, rows) if rows else ""


def _held_out(line: Mapping[str, Any]) -> str:
    if "held_out_solve_rate" not in line:
        return ""
    interval = (line["held_out_low"], line["held_out_high"])
    return f"{share(line['held_out_solve_rate'])} ({span(interval)})"


def _hacking(found: Mapping[str, Any]) -> str:
    kinds = ("false score", "true score", "tried the leak")
    rows = [
        (
            name,
            str(it["step"]),
            str(it["num"]),
            *(f"{share(it[kind]['rate'])} ({span(it[kind]['interval'])})" for kind in kinds),
            f"{it['turns']:.1f}",
        )
        for name, lines in found["figure 7"].items()
        for it in lines
    ]
    return table(("guard and seed", "step", "rollouts", *kinds, "turns"), rows) if rows else ""


def _packing(found: Mapping[str, Any]) -> str:
    keys = ("padding", "fragmented", "headless", "repeated", "dropped")
    rows = [
        (f"{it['method']}, {it['long']}", *(f"{100 * it[key]:.3f} %" for key in keys))
        for it in found["packing"]
    ]
    return table(("method, long documents", *keys), rows) if rows else ""


def _differences(found: Mapping[str, Any]) -> str:
    scale = found["scale"]
    agents = "; ".join(
        f"{it}: scaffold `{AGENTS[it][0]}`, at most {AGENTS[it][2]} tokens"
        for it in found["domains"]
    )
    return "\n".join(
        [
            "- The paper's model has 80 billion parameters and was mid-trained on trillions of "
            "tokens; this one "
            f"is a Llama {scale['width']} channels wide with {scale['num_layers']} layers, from "
            f"random weights.",
            f"- Every task is one turn ({agents}); the paper's software agents have hundreds.",
            "- Software tasks are one-line faults put in by rule, in functions of at most "
            f"{scale['max_function_lines']} lines, and the function is shown; the paper's come "
            f"from pull "
            "requests too.",
            "- Problems of one turn are made-up functions where the source is `made-up`; pages "
            "are made up, of "
            "some twenty lines, with one line wrong. Held-out ones are other functions and pages "
            "of the same "
            "family: an easier test than other people's.",
            "- Texts to practise on are untested and written by rule; the paper's are drawn from "
            f"models. Wrong on purpose: {share(scale['wrong_share'])} of the repairs, made-up "
            "functions, calls and repairs of pages.",
            "- The paper names no algorithm of reinforcement learning or distillation and no "
            "coefficient: here "
            "GRPO, and reverse KL over the whole vocabulary at each token of the student's own answers.",
            "- The leak of Figure 7 is planted, and the policy was shown it; the paper's agents "
            "found theirs.",
            "- Figure 3 compares our own scaffolds, and the policy practised one of them only.",
        ]
    )


def _commands(found: Mapping[str, Any]) -> str:
    lines = [
        f"{it['command']}  # {it['stage']}, {it['duration_s']:.0f} s" for it in found["commands"]
    ]
    return "```sh\n" + "\n".join(lines) + "\n```" if lines else ""


def _cell(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return ""
    text = f"{share(rate['mean'])} ({span((rate['low'], rate['high']))}; {rate['num_tasks']} tasks"
    return text + (
        f", {rate['num_invalid']} rollouts do not count)" if rate["num_invalid"] else ")"
    )


def _plot_learning(found: Mapping[str, Any]) -> str:
    curves: dict[str, list[Point]] = {}
    for name, lines in found["figure 6"].items():
        points = [
            (it["step"], it["held_out_solve_rate"], it["held_out_low"], it["held_out_high"])
            for it in lines
            if "held_out_solve_rate" in it
        ]
        if points:
            curves[name] = points
    return _plot(curves, "Held-out tasks solved, by step")


def _plot_hacking(found: Mapping[str, Any]) -> str:
    curves: dict[str, list[Point]] = {}
    for name, lines in found["figure 7"].items():
        for kind in ("false score", "true score"):
            curves[f"{name}, {kind}"] = [
                (it["step"], it[kind]["rate"], *it[kind]["interval"]) for it in lines
            ]
    return _plot(curves, "Share of rollouts, by step")


def _plot(curves: Mapping[str, Sequence[Point]], title: str) -> str:
    return plot_curves(list(curves.items()), title, "step")
