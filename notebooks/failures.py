"""What do rollouts end with, which failures are the machine's, and where do groups part?

python notebooks/failures.py -- --run runs/first
"""

import marimo

__generated_with = "0.25.0"
app = marimo.App(width="medium")


@app.cell
def _():
    from collections import Counter
    from pathlib import Path

    import marimo as mo

    from journeyman.errors import ENDINGS, FAILURES
    from journeyman.web.pages.group_page import parting_turn
    from journeyman.web.pages.rollout_page import load_trajectory
    from journeyman.web.reading import RunReader
    from journeyman.web.reading.rows import row_dict

    return Counter, ENDINGS, FAILURES, Path, RunReader, load_trajectory, mo, parting_turn, row_dict


@app.cell
def _(Path, RunReader, mo, row_dict):
    named = mo.cli_args().get("run")
    run = RunReader(Path(str(named))) if named else None
    rows = []
    if run is not None:
        run.refresh()
        rows = [row_dict(it) for it in run.rows]
    print(f"{len(rows)} rollouts" if named else "no run was given: the tables alone are shown")
    return rows, run


@app.cell
def _(Counter, ENDINGS, mo, rows):
    counts = Counter(it["ending"] for it in rows)
    endings = [
        {
            "ending": ending.value,
            "rollouts": counts[ending.value],
            "graded": rule.is_graded,
            "penalty": rule.penalty,
            "trained on": rule.is_trained_on,
        }
        for ending, rule in ENDINGS.items()
    ]
    for _line in endings:
        print(_line)
    mo.ui.table(endings)


@app.cell
def _(Counter, FAILURES, mo, rows):
    causes = Counter(it["cause"] for it in rows if it["cause"])
    failures = [
        {
            "cause": cause,
            "rollouts": causes[cause],
            "who": rule.who,
            "reward valid": rule.reward_is_valid,
        }
        for cause, rule in FAILURES.items()
        if causes[cause] or not rows
    ]
    for _line in failures:
        print(_line)
    mo.ui.table(failures)


@app.cell
def _(Counter, load_trajectory, mo, parting_turn, rows, run):
    # The turn at which the rollouts of a group first do something else.
    parted = Counter()
    for group in sorted({it["group"] for it in rows}):
        own = [load_trajectory(run, it["id"])[0] for it in rows if it["group"] == group]
        turns = [it.turns for it in own if it is not None]
        if len(turns) > 1:
            parted[parting_turn(turns) or "never"] += 1
    said = [{"parts at turn": str(turn), "groups": count} for turn, count in parted.items()]
    print(said or "no group has two rollouts")
    mo.ui.table(said) if said else mo.md("No group has two rollouts.")


if __name__ == "__main__":
    app.run()
