"""How sure is the difference between two models, and how many rollouts would settle it?

python notebooks/solve_rates.py -- --run runs/first
marimo edit notebooks/solve_rates.py -- --run runs/first
"""

import marimo

__generated_with = "0.25.0"
app = marimo.App(width="medium")


@app.cell
def _():
    from pathlib import Path

    import marimo as mo

    from journeyman.evals.statistics import bootstrap_mean, wilson
    from journeyman.web.reading import RunReader
    from journeyman.web.reading.rows import row_dict

    return Path, RunReader, bootstrap_mean, mo, row_dict, wilson


@app.cell
def _(mo):
    mo.md("""
    # How sure is a solve rate?

    A rate over a few dozen tasks is known to some ten points. Here is what a run says, with intervals,
    and how many rollouts it would take to tell two models apart.
    """)


@app.cell
def _(Path, RunReader, mo, row_dict):
    named = mo.cli_args().get("run")
    if named:
        run = RunReader(Path(str(named)))
        run.refresh()
        rows = [row_dict(it) for it in run.rows]
    else:
        # Without a run: two models that solve 40 % and 55 % of 60 tasks, drawn with a seed.
        import random

        draw = random.Random(7)
        rows = [
            {"model": model, "task": f"task-{number}", "outcome": outcome}
            for model, rate in (("before", 0.40), ("after", 0.55))
            for number in range(60)
            for outcome in ("solved" if draw.random() < rate else "unsolved",)
        ]
    counted = [it for it in rows if it["outcome"] != "failed"]
    print(f"{len(rows)} rollouts, {len(counted)} of which count")
    return (counted,)


@app.cell
def _(counted, mo, wilson):
    models = list(dict.fromkeys(it["model"] for it in counted))
    table = []
    for model in models:
        own = [it["outcome"] == "solved" for it in counted if it["model"] == model]
        low, high = wilson(sum(own), len(own))
        table.append(
            {
                "model": model,
                "rollouts": len(own),
                "solved": f"{100 * sum(own) / len(own):.1f} %",
                "95 % interval": f"{100 * low:.1f} to {100 * high:.1f} %",
            }
        )
        print(table[-1])
    mo.ui.table(table)
    return (models,)


@app.cell
def _(bootstrap_mean, counted, mo, models):
    # Paired by task: what both models had in common cancels.
    def rate(model, task):
        found = [
            it["outcome"] == "solved"
            for it in counted
            if it["model"] == model and it["task"] == task
        ]
        return sum(found) / len(found) if found else None

    differences = []
    if len(models) >= 2:
        for task in sorted({it["task"] for it in counted}):
            pair = rate(models[0], task), rate(models[1], task)
            if None not in pair:
                differences.append(pair[1] - pair[0])
    if differences:
        mean = sum(differences) / len(differences)
        low_d, high_d = bootstrap_mean(differences)
        said = (
            f"{models[1]} minus {models[0]}, over {len(differences)} tasks that both tried: "
            f"{100 * mean:+.1f} points, 95 % interval {100 * low_d:+.1f} to {100 * high_d:+.1f}."
        )
    else:
        said = "One model alone has nothing to be compared with."
    print(said)
    mo.md(said)


@app.cell
def _(mo):
    # The usual approximation for two independent rates, 80 % power at the 5 % level.
    def needed(before, after):
        spread = before * (1 - before) + after * (1 - after)
        return round((1.96 + 0.84) ** 2 * spread / (after - before) ** 2)

    plan = [
        {"from": f"{before:.0%}", "to": f"{after:.0%}", "rollouts of each": needed(before, after)}
        for before, after in ((0.1, 0.15), (0.3, 0.35), (0.3, 0.4), (0.5, 0.55), (0.5, 0.7))
    ]
    for _line in plan:
        print(_line)
    mo.ui.table(plan)


if __name__ == "__main__":
    app.run()
