"""Which strategies there are, how many tasks each is to give, and the bugs that one draws.

>>> share_out(("procedural=3", "remove"), 8)
{'procedural': 6, 'remove': 2}
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.asking import Asker
from journeyman.tasks.bug import Unmade
from journeyman.tasks.mutate import Mutation, iterate_mutations
from journeyman.tasks.project import Project
from journeyman.tasks.strategies.combine import combined
from journeyman.tasks.strategies.mirror import MirroredFix, mirrored
from journeyman.tasks.strategies.remove import removed
from journeyman.tasks.strategies.targets import list_targets
from journeyman.tasks.strategies.written import WrittenBug
from journeyman.types import Task

__all__ = [
    "NEEDS_MODEL",
    "STRATEGIES",
    "Drawn",
    "Setting",
    "draw",
    "label_of_drawn",
    "resolve_drawn",
    "share_out",
]

STRATEGIES: dict[str, str] = {
    "procedural": "small changes by rule",
    "remove": "a function or class to be written again from its signature and documentation",
    "modify": "a mistake that a model puts in",
    "rewrite": "a body that a model writes anew from its description",
    "pr_mirror": "an old fix of the project's history, undone on today's code",
    "combine": "several validated bugs in one file or module",
}
"""In the order in which they are used; `combine` needs the tasks of the others."""

NEEDS_MODEL = ("modify", "rewrite")

Drawn = Mutation | Unmade | WrittenBug | MirroredFix


@dataclass(frozen=True, slots=True)
class Setting:
    """What strategies draw from."""

    project: Project
    repository: Path
    seed: int = 0
    kinds: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    history_limit: int | None = None
    language: str = "python"
    max_function_lines: int | None = None
    """Longest function that a procedural bug lies in."""
    tasks: Sequence[Task] = ()
    """Validated tasks, for `combine`."""


def share_out(chosen: Sequence[str], num_tasks: int) -> dict[str, int]:
    """Return how many tasks each strategy is to give, by the weights that were chosen.

    Raises `JourneymanError` for an unknown strategy and for a weight that is no positive number.
    """
    weights: dict[str, float] = {}
    for text in chosen or ("procedural",):
        name, _, weight = text.partition("=")
        weights[_checked(name)] = weights.get(name, 0.0) + _weight(text, weight)
    total = sum(weights.values())
    names = [name for name in STRATEGIES if name in weights]
    exact = {name: num_tasks * weights[name] / total for name in names}
    shares = {name: int(exact[name]) for name in names}
    by_rest = sorted(names, key=lambda name: shares[name] - exact[name])
    for name in by_rest[: num_tasks - sum(shares.values())]:
        shares[name] += 1
    return shares


def draw(strategy: str, setting: Setting) -> Iterator[Drawn]:
    """Yield what a strategy thinks of, in an order that follows from the seed alone."""
    root, seed, exclude = setting.repository, setting.seed, setting.exclude
    language = setting.language
    if strategy == "procedural":
        yield from iterate_mutations(
            root,
            kinds=setting.kinds or None,
            seed=seed,
            exclude=exclude,
            language=language,
            max_function_lines=setting.max_function_lines,
        )
    elif strategy == "remove":
        yield from removed(root, seed=seed, exclude=exclude, language=language)
    elif strategy == "combine":
        yield from combined(root, setting.tasks, seed=seed)
    elif strategy == "pr_mirror":
        yield from mirrored(
            setting.project,
            root,
            exclude=exclude,
            limit=setting.history_limit,
            language=language,
        )
    else:
        assert strategy in ("modify", "rewrite")
        for target in list_targets(root, seed=seed, exclude=exclude, language=language):
            yield WrittenBug("modify" if strategy == "modify" else "rewrite", target, seed)


async def resolve_drawn(drawn: Drawn, asker: Asker | None) -> Mutation | Unmade:
    """Return the bug that was drawn; one that a model writes is asked for now.

    Raises as `Asker.ask` does.
    """
    if isinstance(drawn, MirroredFix):
        return await drawn.make(asker)
    if isinstance(drawn, WrittenBug):
        assert asker is not None
        return await drawn.make(asker)
    return drawn


def label_of_drawn(drawn: Drawn) -> str:
    """Say what was drawn, for people."""
    if isinstance(drawn, Mutation):
        return f"{drawn.path}:{drawn.line} {drawn.kind}"
    return drawn.example if isinstance(drawn, Unmade) else drawn.label


def _checked(name: str) -> str:
    if name in STRATEGIES:
        return name
    near = difflib.get_close_matches(name, STRATEGIES, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"strategies: {', '.join(STRATEGIES)}"
    raise JourneymanError(f"unknown strategy {name}", hint)


def _weight(text: str, weight: str) -> float:
    try:
        value = float(weight) if weight else 1.0
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise JourneymanError(f"{text}: not a positive weight", "write e.g. --strategy remove=2")
    return value
