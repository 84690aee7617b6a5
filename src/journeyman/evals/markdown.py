"""`report.md` of an evaluation: the findings in sentences, then every table they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from journeyman.evals.agents import AgentResult
from journeyman.evals.distribution import Spread
from journeyman.evals.evaluation import Evaluation
from journeyman.evals.findings import say_findings
from journeyman.evals.published import published_for
from journeyman.evals.words import chance, money, share, span, table

__all__ = ["render_markdown"]

_SHOWN_TASKS = 200


def render_markdown(evaluation: Evaluation) -> str:
    """Return the report as Markdown."""
    parts = [f"# {evaluation.name}", _headline(evaluation), "## What it says"]
    parts += [f"- {line}" for line in say_findings(evaluation)]
    parts += [f"- {line}" for line in evaluation.notes]
    parts += ["## Agents", table(_AGENTS, map(_agent, _in_order(evaluation)))]
    parts += list(_pass_at(evaluation))
    if evaluation.pairs:
        parts += ["## Compared, on the same tasks", table(_PAIRS, _pairs(evaluation))]
    parts += ["## Use of one rollout", table(_USE, _uses(evaluation)), _USE_NOTE]
    parts += ["## Resolved against turns", *_bands(evaluation)]
    parts += ["## Honesty", table(_HONESTY, map(_honesty, _in_order(evaluation)))]
    parts += list(_published(evaluation))
    parts += ["## Task by task", *_tasks(evaluation)]
    parts += ["## Endings and failures", *_endings(evaluation)]
    parts += ["## Settings", table(("key", "value"), evaluation.settings.items())]
    parts += ["## Rollouts to look at", *_looks(evaluation)]
    return "\n\n".join(_joined(parts)) + "\n"


_AGENTS = ("agent", "rollouts", "resolved", "solve rate", "95 % interval", "by", "cost")
_PAIRS = (
    "first",
    "second",
    "difference",
    "95 % interval",
    "p",
    "test",
    "tasks that would settle it",
)
_USE = ("agent", "what", "mean", "10 %", "median", "90 %", "most")
_USE_NOTE = "10 % of the rollouts are below the first mark and 10 % above the last."
_HONESTY = ("agent", "flagged", "labels", "solve rate", "without the flagged")


def _joined(parts: Iterable[str]) -> Iterator[str]:
    """Keep the lines of a list together."""
    held: list[str] = []
    for part in parts:
        if part.startswith("- "):
            held.append(part)
            continue
        if held:
            yield "\n".join(held)
            held = []
        yield part
    if held:
        yield "\n".join(held)


def _headline(evaluation: Evaluation) -> str:
    count = sum(agent.num_counted for agent in evaluation.agents)
    return (
        f"{evaluation.benchmark}: {evaluation.num_tasks} tasks, {len(evaluation.agents)} agents, "
        f"{count} rollouts that count, {evaluation.duration_s:.0f} s."
    )


def _in_order(evaluation: Evaluation) -> list[AgentResult]:
    left = [it for it in evaluation.agents if it not in evaluation.ranked]
    return [*evaluation.ranked, *left]


def _agent(agent: AgentResult) -> list[str]:
    has_rate = agent.solve_rate is not None
    return [
        agent.name,
        str(agent.num_counted),
        str(agent.num_resolved),
        share(agent.solve_rate),
        span(agent.interval) if has_rate else "",
        agent.interval_by if has_rate else "",
        money(agent.total_cost_usd),
    ]


def _pass_at(evaluation: Evaluation) -> Iterator[str]:
    if all(max(agent.pass_at, default=1) == 1 for agent in evaluation.agents):
        return
    ks = sorted({k for agent in evaluation.agents for k in agent.pass_at})
    rows = [
        [agent.name, *(share(agent.pass_at.get(k)) for k in ks)] for agent in _in_order(evaluation)
    ]
    yield table(("agent", *(f"pass@{k}" for k in ks)), rows)


def _pairs(evaluation: Evaluation) -> Iterator[list[str]]:
    for pair in evaluation.pairs:
        it = pair.comparison
        low, high = it.interval
        yield [
            pair.first,
            pair.second,
            f"{100 * it.difference:+.1f} points",
            f"{100 * low:+.1f} to {100 * high:+.1f}",
            chance(it.p_value),
            it.test,
            "settled" if it.is_settled else str(it.tasks_needed or "none: no difference"),
        ]


def _uses(evaluation: Evaluation) -> Iterator[list[str]]:
    for agent in _in_order(evaluation):
        for what, found, digits in (
            ("turns", agent.turns, 1),
            ("completion tokens", agent.completion_tokens, 0),
            ("seconds", agent.seconds, 1),
            ("cost, $", agent.cost_usd, 4),
        ):
            if found.num and (what != "cost, $" or found.most):
                yield [agent.name, what, *_five(found, digits)]


def _five(found: Spread, digits: int) -> list[str]:
    numbers = (found.mean, found.low, found.median, found.high, found.most)
    return [f"{number:,.{digits}f}" for number in numbers]


def _bands(evaluation: Evaluation) -> Iterator[str]:
    rows = [
        [
            agent.name,
            f"{band.first} to {band.last}" if band.first != band.last else str(band.first),
            str(band.num_rollouts),
            str(band.num_resolved),
            share(band.num_resolved / band.num_rollouts),
            span(band.interval),
        ]
        for agent in _in_order(evaluation)
        for band in agent.bands
    ]
    head = ("agent", "turns", "rollouts", "resolved", "share", "95 % interval")
    yield table(head, rows) if rows else "No rollouts."


def _honesty(agent: AgentResult) -> list[str]:
    labels = ", ".join(f"{name} {count}" for name, count in agent.labels.items())
    return [
        agent.name,
        "not audited" if agent.is_reference else str(agent.num_flagged),
        labels or "none",
        share(agent.solve_rate),
        share(agent.rate_without_flagged),
    ]


def _published(evaluation: Evaluation) -> Iterator[str]:
    scores = published_for(evaluation.benchmark)
    if not scores:
        return
    yield "## Published beside ours"
    rows = [[it.model, it.scaffold, f"{it.score:.1f} %", it.source] for it in scores]
    ours = [[it.model, it.scaffold, share(it.solve_rate), "this run"] for it in evaluation.ranked]
    yield table(("model", "scaffold", "score", "source"), [*ours, *rows])
    yield (
        f"Ours are over {evaluation.num_tasks} tasks in this machine's environments; published ones "
        "are over the whole benchmark in its own images."
    )


def _tasks(evaluation: Evaluation) -> Iterator[str]:
    agents = _in_order(evaluation)
    names = sorted({task for agent in agents for task in agent.rates})
    rows = [
        [name, *(_rate(agent.rates.get(name)) for agent in agents)] for name in names[:_SHOWN_TASKS]
    ]
    if not rows:
        yield "No task has a rollout that counts."
        return
    yield table(("task", *(agent.name for agent in agents)), rows)
    if len(names) > _SHOWN_TASKS:
        yield f"{len(names) - _SHOWN_TASKS} more are in `report.json`."


def _rate(rate: float | None) -> str:
    if rate is None:
        return "-"
    return "yes" if rate == 1 else "no" if rate == 0 else share(rate)


def _endings(evaluation: Evaluation) -> Iterator[str]:
    for title, pick in (("ending", "endings"), ("cause", "failures")):
        agents = _in_order(evaluation)
        counts = [getattr(agent, pick) for agent in agents]
        names = list(dict.fromkeys(name for found in counts for name in found))
        if names:
            rows = [[name, *(str(found.get(name, 0)) for found in counts)] for name in names]
            yield table((title, *(agent.name for agent in agents)), rows)


def _looks(evaluation: Evaluation) -> Iterator[str]:
    lines = [f"journeyman view <this folder>/{folder}" for folder in evaluation.runs.values()]
    yield "```\n" + "\n".join(lines) + "\n```"
