"""Running stages, some at once, and remembering in `stages.jsonl` how each ended.

A stage that ended well is never run again; one that failed or was left out is tried again. What was done
of a stage that was killed stays done: every step makes something, and is done when that is there.

    outcomes = run_stages(stages, run, say=print)
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from threading import Event, Lock
from typing import Literal

from journeyman.errors import JourneymanError
from journeyman.reproduce.scales import Scale
from journeyman.reproduce.stages import Stage, State
from journeyman.reproduce.steps import Command, Cost, Step, run_step
from journeyman.runs import RunFolder
from journeyman.tasks.order import num_processors
from journeyman.types import Data

__all__ = [
    "Record",
    "estimate_s",
    "outcomes_of",
    "plan_lines",
    "read_records",
    "run_stages",
    "select",
]

_FILE = "stages"


class Record(Data):
    """How one stage ended, or that a step of it is done."""

    stage: str
    state: Literal["step", "done", "failed", "skipped"]
    reason: str = ""
    command: str = ""
    duration_s: float = 0.0
    at: float = 0.0


def read_records(run: RunFolder) -> list[Record]:
    """Return what is known of all stages, in the order in which it happened."""
    return [Record.model_validate(it) for it in run.read(_FILE)]


def outcomes_of(records: Iterable[Record]) -> dict[str, State]:
    """Return how each stage ended last."""
    found: dict[str, State] = {}
    for it in records:
        if it.state != "step":
            found[it.stage] = it.state
    return found


def select(stages: Sequence[Stage], only: Sequence[str]) -> list[Stage]:
    """Return the stages that any of the patterns names, as in `expert-*`; all where none is given.

    Raises `JourneymanError` for a pattern that names none.
    """
    for pattern in only:
        if not fnmatch.filter([it.name for it in stages], pattern):
            raise JourneymanError(
                f"no stage {pattern}", f"stages: {', '.join(it.name for it in stages)}"
            )
    return [it for it in stages if not only or any(fnmatch.fnmatch(it.name, one) for one in only)]


def run_stages(
    stages: Sequence[Stage],
    run: RunFolder,
    *,
    say: Callable[[str], None],
    after: Callable[[], object] = lambda: None,
    num_jobs: int = 1,
) -> dict[str, State]:
    """Run every stage that is owed and return how each ended; `after` is called after each.

    Up to `num_jobs` at once, each with its share of the cores: the first of the list whose needs have
    ended. A command that is interrupted interrupts everything, and nothing is written of its stage.
    """
    work = _Work(run, say, num_jobs)
    known = outcomes_of(read_records(run))
    waiting = {it.name: it for it in stages if known.get(it.name) != "done"}
    running: dict[Future[Record], str] = {}
    with ThreadPoolExecutor(num_jobs) as pool, closing(work):
        while waiting or running:
            owed = {*waiting, *running.values()}
            ready = [it for it in waiting.values() if owed.isdisjoint((*it.needs, *it.follows))]
            for stage in ready[: num_jobs - len(running)]:
                say(f"[{len(stages) - len(waiting) + 1}/{len(stages)}] {stage.name}: {stage.what}")
                running[pool.submit(work.ended, stage)] = waiting.pop(stage.name).name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                record = future.result()
                del running[future]
                work.append(record)
                if record.state != "done":
                    say(f"{record.stage} {record.state}: {record.reason}")
                after()
    return outcomes_of(read_records(run))


class _Work:
    """What the threads of a reproduction share."""

    def __init__(self, run: RunFolder, say: Callable[[str], None], num_jobs: int) -> None:
        self._run, self._say = run, say
        self._lock, self._is_stopped = Lock(), Event()
        # One command has all cores by itself.
        threads = max(1, num_processors() // num_jobs)
        self._settings = {"OMP_NUM_THREADS": str(threads)} if num_jobs > 1 else {}

    def close(self) -> None:
        """Let no step begin from now on."""
        self._is_stopped.set()

    def append(self, record: Record) -> None:
        """Remember it."""
        with self._lock:
            self._run.append(_FILE, record)

    def ended(self, stage: Stage) -> Record:
        """Do a stage, and return how it ended."""
        with self._lock:
            outcomes = outcomes_of(read_records(self._run))
        reason = stage.why_not(outcomes)
        missing = [
            f"{it} ({outcomes.get(it, 'not run')})"
            for it in stage.needs
            if outcomes.get(it) != "done"
        ]
        if not reason and missing:
            reason = f"it needs {', '.join(missing)}"
        if reason:
            return Record(stage=stage.name, state="skipped", reason=reason, at=time.time())
        started = time.monotonic()
        try:
            for step in stage.steps(outcomes):
                self._take(step, stage)
            reason = stage.verdict()
        except JourneymanError as error:  # one stage's failure is not the others'
            reason = error.message
        return Record(
            stage=stage.name,
            state="failed" if reason else "done",
            reason=reason,
            duration_s=time.monotonic() - started,
            at=time.time(),
        )

    def _take(self, step: Step, stage: Stage) -> None:
        if self._is_stopped.is_set():
            raise KeyboardInterrupt
        if step.is_done:
            return
        self._say(f"  $ {step}" if isinstance(step, Command) else f"  {step}")
        started = time.monotonic()
        log = self._run.path / "logs" / f"{stage.name}.log"
        run_step(step, log=log, settings=self._settings)
        if not step.is_done:
            raise JourneymanError(f"{step} left no {step.product}", "journeyman reproduce --help")
        self.append(
            Record(
                stage=stage.name,
                state="step",
                command=str(step),
                duration_s=time.monotonic() - started,
                at=time.time(),
            )
        )


def estimate_s(cost: Cost, scale: Scale) -> float:
    """Return a guess of what a step takes, in seconds, from the rates that its scale names."""
    starts_s = 4.0
    return (
        starts_s
        + cost.tokens / scale.tokens_per_s
        + cost.rollouts / scale.rollouts_per_s
        + cost.tasks / scale.tasks_per_s
    )


def plan_lines(stages: Sequence[Stage], scale: Scale) -> list[str]:
    """Return what would be run, with an estimate; as if every expert beat the base."""
    assumed: dict[str, State] = dict.fromkeys((it.name for it in stages), "done")
    lines, total_s = [], 0.0
    for stage in stages:
        reason = stage.why_not(assumed)
        steps = [] if reason else list(stage.steps(assumed))
        took_s = sum(estimate_s(it.cost, scale) for it in steps if isinstance(it, Command))
        total_s += took_s
        lines.append(f"{stage.name}: {stage.what}; {reason or f'about {took_s / 60:.1f} min'}")
        lines += [f"  $ {it}" if isinstance(it, Command) else f"  {it}" for it in steps]
    return [*lines, f"about {total_s / 60:.0f} min in all, guessed from rates of two quiet cores"]
