"""Two or more evaluations beside each other, with what differs in their settings said first.

table = compare_evaluations([load_evaluation(a), load_evaluation(b)])
table.differences  # {'sampling.temperature': ('0.0', '1.0')}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from journeyman.evals.agents import AgentResult
from journeyman.evals.comparison import PairedComparison, compare_rates
from journeyman.evals.evaluation import Evaluation
from journeyman.evals.words import chance, share, span, table
from journeyman.types import Data

__all__ = ["ComparedPair", "Comparison", "compare_evaluations", "render_comparison"]


class ComparedPair(Data):
    """One agent of one evaluation and one of another."""

    first: str
    second: str
    comparison: PairedComparison


class Comparison(Data):
    """Evaluations beside each other."""

    names: tuple[str, ...]
    differences: dict[str, tuple[str, ...]]
    """Settings that are not the same in all, with each one's value."""
    agents: tuple[tuple[str, AgentResult], ...]
    """Every agent with the name of its evaluation, the best first."""
    pairs: tuple[ComparedPair, ...]
    """Agents of the first evaluation with their like in the others, else the best of each."""

    @property
    def is_fair(self) -> bool:
        """Whether only the agents differ."""
        return not self.differences


def compare_evaluations(evaluations: Sequence[Evaluation]) -> Comparison:
    """Compare agents over the tasks that both tried, whatever the settings; those are told apart."""
    keys = sorted({key for it in evaluations for key in it.settings})
    values = {key: tuple(it.settings.get(key, "not set") for it in evaluations) for key in keys}
    agents = [(it.name, agent) for it in evaluations for agent in it.agents]
    agents.sort(key=lambda pair: -(pair[1].solve_rate or 0.0))
    return Comparison(
        names=tuple(it.name for it in evaluations),
        differences={key: found for key, found in values.items() if len(set(found)) > 1},
        agents=tuple(agents),
        pairs=tuple(_pairs(evaluations)),
    )


def _pairs(evaluations: Sequence[Evaluation]) -> Iterator[ComparedPair]:
    first, *others = evaluations
    for other in others:
        like = [(a, b) for a in first.agents for b in other.agents if a.name == b.name]
        best = [(first.ranked[0], other.ranked[0])] if first.ranked and other.ranked else []
        for left, right in like or best:
            yield ComparedPair(
                first=f"{left.name} ({first.name})",
                second=f"{right.name} ({other.name})",
                comparison=compare_rates(left.rates, right.rates),
            )


def render_comparison(comparison: Comparison) -> str:
    """Return the comparison as Markdown: what differs first, because it decides what may be said."""
    parts = [f"# {' beside '.join(comparison.names)}"]
    if comparison.differences:
        rows = [[key, *found] for key, found in comparison.differences.items()]
        parts += [
            "**These evaluations had different settings.** A difference in score may come from them.",
            table(("setting", *comparison.names), rows),
        ]
    else:
        parts.append("Same tasks, same settings: only the agents differ.")
    rows = [
        [agent.name, name, str(agent.num_counted), share(agent.solve_rate), span(agent.interval)]
        for name, agent in comparison.agents
    ]
    parts.append(table(("agent", "evaluation", "rollouts", "solve rate", "95 % interval"), rows))
    if comparison.pairs:
        head = ("first", "second", "tasks", "difference", "p", "tasks that would settle it")
        parts.append(table(head, map(_row, comparison.pairs)))
    return "\n\n".join(parts) + "\n"


def _row(pair: ComparedPair) -> list[str]:
    it = pair.comparison
    return [
        pair.first,
        pair.second,
        str(it.num_tasks),
        f"{100 * it.difference:+.1f} points",
        chance(it.p_value),
        "settled" if it.is_settled else str(it.tasks_needed or "none: no difference"),
    ]
