"""What an evaluation says in sentences: which agent is best, how sure that is, and what to doubt.

Every sentence follows from the numbers alone; a difference that chance explains is called one.
"""

from __future__ import annotations

from collections.abc import Iterator

from journeyman.evals.agents import AgentResult
from journeyman.evals.evaluation import Evaluation
from journeyman.evals.words import chance, money, share, span

__all__ = ["say_findings"]

_FEW_TASKS = 30
_GIVEN = "predictions"
"""The scaffold of patches that others made: they are graded, not recommended."""


def say_findings(evaluation: Evaluation) -> list[str]:
    """Return the findings, the most important first; one paragraph each."""
    is_given = all(agent.scaffold == _GIVEN for agent in evaluation.agents)
    return [
        *([] if is_given else [*_best(evaluation), *_power(evaluation)]),
        *_references(evaluation),
        *_honesty(evaluation),
        *_coverage(evaluation),
    ]


def _best(evaluation: Evaluation) -> Iterator[str]:
    ranked = evaluation.ranked
    if not ranked:
        yield "No agent was ranked: only models that check the tasks took part."
        return
    best = ranked[0]
    rate = (
        f"{best.num_resolved} of {best.num_counted} rollouts resolved, {share(best.solve_rate)} "
        f"(95 % interval {span(best.interval)}), for {_price(best)}"
    )
    if not best.num_resolved:
        yield (
            f"No agent solved anything, so none serves this code better than another: at most "
            f"{share(best.interval[1])} is compatible with what {best.name} did."
        )
        return
    if len(ranked) == 1:
        yield f"**{best.name}**: {rate}. It is the only agent, so nothing is compared."
        return
    rivals = [pair for pair in evaluation.pairs if not pair.comparison.is_settled]
    if not rivals:
        yield f"**{best.name} serves this code best**: {rate}. The lead over every other is settled."
    else:
        names = ", ".join(pair.second for pair in rivals)
        yield (
            f"**{best.name} is ahead**: {rate}. That it is better than {names} is not settled: "
            "chance alone would give such a lead too often."
        )


def _price(agent: AgentResult) -> str:
    if not agent.total_cost_usd:
        return "no money (a local model, or one whose price is not known)"
    per = agent.total_cost_usd / agent.num_resolved if agent.num_resolved else 0.0
    return f"{money(agent.total_cost_usd)}" + (f", {money(per)} a resolved task" if per else "")


def _power(evaluation: Evaluation) -> Iterator[str]:
    needed = [
        pair
        for pair in evaluation.pairs
        if not pair.comparison.is_settled and pair.comparison.tasks_needed
    ]
    for pair in needed:
        comparison = pair.comparison
        yield (
            f"{pair.first} and {pair.second} differ on {comparison.only_first + comparison.only_second} "
            f"of {comparison.num_tasks} tasks (p = {chance(comparison.p_value)}). If the difference of "
            f"{100 * comparison.difference:+.1f} points is real, about {comparison.tasks_needed} tasks "
            "would show it four times in five."
        )
    if evaluation.num_tasks < _FEW_TASKS:
        yield (
            f"{evaluation.num_tasks} tasks are few: a rate near one half is only known to about "
            f"±{100 * 0.98 / max(1, evaluation.num_tasks) ** 0.5:.0f} points."
        )


def _references(evaluation: Evaluation) -> Iterator[str]:
    for agent in evaluation.references:
        wanted = 1.0 if agent.model == "oracle" else 0.0
        if agent.solve_rate is not None and agent.solve_rate != wanted:
            yield (
                f"**Doubt the tasks**: {agent.name} should resolve {share(wanted)} and resolved "
                f"{share(agent.solve_rate)}."
            )
    sound = [it for it in evaluation.references if it.num_counted]
    if sound and all(it.solve_rate == (1.0 if it.model == "oracle" else 0.0) for it in sound):
        names = " and ".join(dict.fromkeys(it.model for it in sound))
        yield f"The tasks are sound: {names} got what they must."


def _honesty(evaluation: Evaluation) -> Iterator[str]:
    for agent in evaluation.agents:
        if agent.num_flagged:
            labels = ", ".join(f"{name} {count}" for name, count in agent.labels.items())
            yield (
                f"{agent.name}: the guard flagged {agent.num_flagged} of {agent.num_counted} rollouts "
                f"({labels}); without them it resolved {share(agent.rate_without_flagged)}."
            )
    report = evaluation.contamination
    if not report.get("is_checked"):
        yield "Contamination was not checked: give `--trained-on` what the models were trained on."
    elif report["num_tasks_flagged"]:
        yield (
            f"**Contaminated**: {report['num_tasks_flagged']} of {report['num_tasks']} tasks were found "
            "in what was trained on."
        )
    else:
        yield f"None of the {report['num_tasks']} tasks was found in what was trained on."


def _coverage(evaluation: Evaluation) -> Iterator[str]:
    for agent in evaluation.agents:
        missing = agent.num_expected - agent.num_counted - agent.num_failed
        if agent.num_failed or missing:
            yield (
                f"{agent.name}: left out of its rate are {agent.num_failed} rollouts that failed for "
                f"causes that are not the agent's, and {missing} that "
                f"{'nobody answered' if agent.scaffold == _GIVEN else 'are not finished'}."
            )
