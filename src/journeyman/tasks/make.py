"""Making tasks: bugs proposed by rule, screened by the tests that reach them, put through the gate.

Candidates are tried several at a time, yet accepted in the order in which they were drawn, so that
a seed gives the same tasks whatever the timing.

    made = await make_tasks(project, environment, folder, config=MakeConfig(num_tasks=25))
    made.taskset.tasks, made.funnel.dropped
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from journeyman.errors import JourneymanError
from journeyman.tasks.asking import Asker
from journeyman.tasks.baseline import MAX_TEST_S, Baseline, measure_baseline
from journeyman.tasks.funnel import Funnel, FunnelReport
from journeyman.tasks.gate_history import save_passed
from journeyman.tasks.make_config import MakeConfig
from journeyman.tasks.maker import Accepted, Maker
from journeyman.tasks.mutate import check_kinds
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.project import Project
from journeyman.tasks.strategies import NEEDS_MODEL, share_out
from journeyman.tasks.taskset import Taskset
from journeyman.tasks.trials import trials_of
from journeyman.tasks.warm import WarmPool, bytecode_folder
from journeyman.types import Environment, Task

if TYPE_CHECKING:
    from journeyman.models import Model

__all__ = ["MadeTasks", "MakeConfig", "make_tasks"]

PROGRESS_EVERY_S = 5.0
MIN_INGREDIENTS = 4
MAX_INGREDIENTS = 60

Progress = Callable[[str], None]


@dataclass(frozen=True)
class MadeTasks:
    """A new taskset, and how it came about."""

    taskset: Taskset
    funnel: FunnelReport


async def make_tasks(
    project: Project,
    environment: Environment,
    folder: Path,
    *,
    config: MakeConfig,
    model: Model | None = None,
    on_progress: Progress | None = None,
    backend: str = "namespace",
) -> MadeTasks:
    """Make tasks of a project and save them as a taskset in `folder`, which holds its environment.

    `model` is what `config.model` names, opened. Raises `JourneymanError` for an unknown kind or
    strategy, where a strategy needs a model and there is none, where `folder` holds a taskset already,
    and where no test passes; `AttributedError` where the machine fails again and again.
    """
    check_kinds(config.kinds, environment.language)
    shares = share_out(config.strategies, config.num_tasks)
    asker = _asker(shares, model)
    if (folder / "taskset.toml").exists():
        raise JourneymanError(f"{folder} holds a taskset already", "choose another folder")
    concurrency = config.concurrency or num_processors()
    say = on_progress or (lambda _: None)
    funnel = Funnel()
    say("running the tests to find the stable ones and what they reach")
    baseline = await measure_baseline(
        environment,
        folder / "environments" / environment.digest,
        num_runs=config.repeats,
        max_test_calls=config.max_test_calls,
        concurrency=concurrency,
        backend=backend,
    )
    _count_tests(funnel, baseline, config, say)
    say(f"trying candidate bugs, {concurrency} at a time")
    environments = folder / "environments"
    async with AsyncExitStack() as stack:
        warm = None
        if config.is_warm:
            place = environments / environment.digest
            warm = await stack.enter_async_context(
                WarmPool(
                    environment,
                    place,
                    bytecode=bytecode_folder(environment, place),
                    backend=backend,
                )
            )
        trials, fresh = [
            await stack.enter_async_context(
                trials_of(
                    environments, repeats=config.repeats, shares=True, backend=backend, warm=pool
                )
            )
            for pool in (warm, None)
        ]
        maker = Maker(
            project,
            environment,
            environments,
            config,
            baseline,
            trials,
            fresh,
            asker,
            backend,
            warm,
        )
        tasks = await _all_shares(maker, shares, funnel, concurrency, say)
    if asker is not None:
        funnel.model_use = asker.use
    taskset = Taskset(
        name=project.name,
        folder=folder,
        tasks=tuple(tasks),
        created_at=environment.created_at,
        project=project.repo,
    )
    save_passed(taskset, by="mutate", num_runs=config.repeats)
    return MadeTasks(taskset, funnel.report())


def _count_tests(funnel: Funnel, baseline: Baseline, config: MakeConfig, say: Progress) -> None:
    funnel.num_tests, funnel.num_unstable_tests = len(baseline.stable), baseline.num_unstable
    funnel.costly_tests = tuple(baseline.costly)
    funnel.costly_means = f"{config.max_test_calls} calls or {MAX_TEST_S:.0f} s"
    say(f"{len(baseline.stable)} stable tests; {baseline.num_unstable} that fail or differ")
    if baseline.costly:
        say(f"{len(baseline.costly)} tests of over {funnel.costly_means} are left out")


def _asker(shares: Mapping[str, int], model: Model | None) -> Asker | None:
    lacking = [name for name in shares if name in NEEDS_MODEL]
    if lacking and model is None:
        raise JourneymanError(f"the strategy {lacking[0]} needs a model", "add --model MODEL")
    return Asker(model) if model is not None else None


async def _all_shares(
    maker: Maker, shares: Mapping[str, int], funnel: Funnel, concurrency: int, say: Progress
) -> list[Task]:
    """Let each strategy give its share; what one cannot give is asked of the next."""
    tasks: list[Task] = []
    num_owed = 0
    for strategy, share in shares.items():
        num_wanted = share + num_owed
        if strategy == "combine":
            maker.ingredients = [*tasks, *await _ingredients(maker, tasks, share, concurrency, say)]
        made = await _collect(maker, strategy, num_wanted, funnel, concurrency, say)
        tasks += made
        num_owed = num_wanted - len(made)
    return tasks


async def _ingredients(
    maker: Maker, tasks: Sequence[Task], share: int, concurrency: int, say: Progress
) -> list[Task]:
    """Make procedural bugs to combine where the other strategies gave too few; they are not kept."""
    # A body that is gone leaves no room for another bug.
    num_fit = sum(not task.origin.strategy.endswith("_removed") for task in tasks)
    num_missing = min(MAX_INGREDIENTS, max(MIN_INGREDIENTS, 2 * share)) - num_fit
    if num_missing <= 0:
        return []
    say("making bugs to combine")
    made = await _collect(maker, "procedural", num_missing, Funnel(), concurrency, say)
    known = {task.instance_id for task in tasks}
    return [task for task in made if task.instance_id not in known]


async def _collect(
    maker: Maker, strategy: str, num_wanted: int, funnel: Funnel, concurrency: int, say: Progress
) -> list[Task]:
    """Take tasks of a strategy in the order of their candidates until there are enough."""
    if num_wanted <= 0:
        return []
    tasks: list[Task] = []
    said_at = time.monotonic()
    maker.begin(num_wanted)
    work = in_order(maker.attempt, maker.drawn(strategy), concurrency=concurrency)
    async with aclosing(work) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Accepted):
                funnel.accept(outcome.kind, outcome.strategy)
                tasks.append(outcome.task)
            else:
                funnel.drop(outcome.reason, outcome.example, is_screened=outcome.is_screened)
            if time.monotonic() - said_at >= PROGRESS_EVERY_S:
                said_at = time.monotonic()
                say(f"{len(tasks)} of {num_wanted} {strategy} tasks ({funnel})")
            if len(tasks) == num_wanted:
                break
    say(f"{len(tasks)} {strategy} tasks ({funnel})")
    return tasks
