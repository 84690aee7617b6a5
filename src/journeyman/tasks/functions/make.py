"""Making single-turn tasks of a project's functions; every one has passed the gate.

made = await make_function_tasks(project, environment, folder, config=FunctionsConfig(num_tasks=10))
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.tasks.asking import Asker, json_object
from journeyman.tasks.bug import Bug, make_bug
from journeyman.tasks.candidate import Dropped
from journeyman.tasks.functions.config import FunctionsConfig
from journeyman.tasks.functions.consensus import Case, agreed, chosen, is_telling
from journeyman.tasks.functions.evaluate import Bench, evaluate
from journeyman.tasks.functions.hidden_tests import (
    names_of_tests,
    new_file_diff,
    path_of,
    render_tests,
)
from journeyman.tasks.functions.inside.journeyman_safety import find_risks
from journeyman.tasks.functions.proposals import (
    Proposal,
    documented,
    guessed,
    index_uses,
    is_call_of,
    varied,
)
from journeyman.tasks.functions.subject import Subject, list_subjects, statement_of
from journeyman.tasks.funnel import Funnel
from journeyman.tasks.gate import judge
from journeyman.tasks.gate_history import save_passed
from journeyman.tasks.make import MadeTasks
from journeyman.tasks.mutate import reverse_diff
from journeyman.tasks.narrowing import narrowing_of
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.project import Project
from journeyman.tasks.statement import find_leaks
from journeyman.tasks.strategies.remove import emptied
from journeyman.tasks.strategies.written import WrittenBug
from journeyman.tasks.taskset import Taskset
from journeyman.tasks.tree import patched
from journeyman.tasks.trials import Trials, trials_of
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task, VerifierSpec

if TYPE_CHECKING:
    from journeyman.models import Model

__all__ = ["make_function_tasks"]

_TIMEOUT_S = 120.0
_NUM_VARIED = 24
_HASH_SEEDS = (0, 1)

_PROPOSE = """\
You write tests for a function from its documentation alone. You propose calls, not results: ordinary \
uses first, then every edge that the documentation speaks of."""
_PROPOSE_FORM = """\


Answer with one JSON object, {"calls": ["…", …]}: up to 12 Python expressions that each call \
the function with values written out, such as "f([1, 2], key=3)"."""


async def make_function_tasks(
    project: Project,
    environment: Environment,
    folder: Path,
    *,
    config: FunctionsConfig,
    model: Model | None = None,
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> MadeTasks:
    """Make tasks of documented functions and save them in `folder`, which holds the environment.

    `model` is what `config.model` names, opened. Raises `JourneymanError` where `folder` holds a taskset
    already or the project is not Python; `AttributedError` where the machine fails.
    """
    if (folder / "taskset.toml").exists():
        raise JourneymanError(f"{folder} holds a taskset already", "choose another folder")
    if environment.language != "python":
        raise JourneymanError(
            f"functions are taken from Python so far, not from {environment.language}",
            "journeyman tasks mutate makes tasks of other languages",
        )
    say, funnel = on_progress or (lambda _: None), Funnel()
    asker = Asker(model) if model is not None else None
    environments = folder / "environments"
    bench = Bench(environment, environments / environment.digest, backend)
    root = bench.folder / "repository"
    subjects = list_subjects(root, seed=config.seed, exclude=config.exclude)
    say(f"{len(subjects)} documented functions")
    async with trials_of(environments, repeats=config.repeats, backend=backend) as trials:
        maker = _Maker(project, bench, config, trials, asker, index_uses(root))
        tasks = await _collect(maker, subjects, config, funnel, say)
    if asker is not None:
        funnel.model_use = asker.use
    taskset = Taskset(
        name=f"{project.name}-functions",
        folder=folder,
        tasks=tuple(tasks),
        created_at=environment.created_at,
        project=project.repo,
    )
    save_passed(taskset, by="functions", num_runs=config.repeats)
    return MadeTasks(taskset, funnel.report())


async def _collect(
    maker: _Maker,
    subjects: list[Subject],
    config: FunctionsConfig,
    funnel: Funnel,
    say: Callable[[str], None],
) -> list[Task]:
    tasks: list[Task] = []
    concurrency = config.concurrency or num_processors()
    async with aclosing(in_order(maker.attempt, subjects, concurrency=concurrency)) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Dropped):
                funnel.drop(outcome.reason, outcome.example)
                continue
            funnel.accept("function_answer", "functions")
            tasks.append(outcome)
            say(f"{len(tasks)} of {config.num_tasks} tasks ({funnel})")
            if len(tasks) == config.num_tasks:
                break
    return tasks


@dataclass(frozen=True)
class _Maker:
    """Turns a function into a task, or says why not."""

    project: Project
    bench: Bench
    config: FunctionsConfig
    trials: Trials
    asker: Asker | None
    uses: dict[str, list[str]]

    @property
    def root(self) -> Path:
        return self.bench.folder / "repository"

    async def attempt(self, subject: Subject) -> Task | Dropped:
        """Try a function, and once more where the machine failed."""
        try:
            return await self._attempt(subject)
        except AttributedError as error:
            if FAILURES[error.cause].retry_budget == "none":
                raise
        return await self._attempt(subject)

    async def _attempt(self, subject: Subject) -> Task | Dropped:
        label = subject.target.label
        cases = await self._cases(subject)
        if not is_telling(cases, self.config.min_tests):
            return Dropped("too_few_tests", f"{label}: {len(cases)} agreed on")
        task = self._task(subject, cases)
        if leaks := find_leaks(task):
            return Dropped("leaking_statement", f"{label}: {leaks[0]}")
        commit = await find_base_commit(task, self.bench.folder.parent, backend=self.bench.backend)
        task = task.model_copy(update={"base_commit": commit})
        evidence = await self.trials.gather(task)
        failed = [check for check in judge(task, evidence) if not check.is_ok]
        if failed:
            return Dropped(f"gate: {failed[0].name}", f"{label}: {failed[0].detail}")
        return task

    async def _cases(self, subject: Subject) -> list[Case]:
        """Propose calls and return those that were agreed on; none where the module does not load."""
        proposals = await self._proposals(subject)
        votes = [await evaluate(self.bench, subject, proposals, hash_seed=it) for it in _HASH_SEEDS]
        first, second = votes
        if first is None or second is None:
            return []
        stable = [index for index, it in enumerate(first) if it == second[index]]
        kept = [proposals[index] for index in stable]
        ballots = [[first[index] for index in stable], *await self._solutions(subject, kept)]
        cases = agreed(kept, ballots, documentation=subject.documentation)
        return chosen(cases, self.config.max_tests)

    async def _proposals(self, subject: Subject) -> list[Proposal]:
        leaf, seed, found = subject.leaf, self.config.seed, {}
        for it in documented(subject.documentation, leaf):
            found[it.call] = it
        calls = [*await self._asked(subject), *self.uses.get(leaf, ())]
        if not found and not calls:
            calls = guessed(subject.definition, seed=seed, number=_NUM_VARIED)
        calls += varied([*found, *calls], seed=seed, number=_NUM_VARIED)
        for call in calls:
            found.setdefault(call, Proposal(call))
        return list(found.values())

    async def _asked(self, subject: Subject) -> list[str]:
        if self.asker is None:
            return []
        answer = await self.asker.ask(
            _PROPOSE,
            statement_of(subject, self.project.name) + _PROPOSE_FORM,
            about=f"{subject.target.path}:{subject.leaf} calls",
            seed=self.config.seed,
        )
        named = (json_object(answer.text) or {}).get("calls")
        calls = [it for it in named if isinstance(it, str)] if isinstance(named, list) else []
        return [call for call in calls if is_call_of(call, subject.leaf)]

    async def _solutions(self, subject: Subject, proposals: list[Proposal]) -> list[list[str]]:
        """Return what the model's solutions give: each is written without sight of the original."""
        found = []
        for number in range(self.config.num_solutions if self.asker else 0):
            seed = self.config.seed + number
            written = await WrittenBug("rewrite", subject.target, seed).make(self.asker)  # type: ignore[arg-type]
            if isinstance(written, Bug):
                changes = _present(patched(self.root, [written.patch]))
                votes = await evaluate(self.bench, subject, proposals, changes=changes)
            elif written.reason == "model_unchanged":
                votes = await evaluate(self.bench, subject, proposals)
            else:
                continue  # no solution, no vote
            found += [votes] if votes is not None else []
        return found

    def _task(self, subject: Subject, cases: list[Case]) -> Task:
        environment, target = self.bench.environment, subject.target
        before = target.source.data
        bug = make_bug("remove", "function_removed", {target.path: (before, emptied(target))})
        assert bug is not None
        allowed = find_risks(before.decode())  # type: ignore[no-untyped-call]
        text = render_tests(subject, cases, allowed=allowed)
        names, safety = names_of_tests(subject, len(cases), environment.log_parser)
        owner, _, name = self.project.repo.rpartition("/")
        return Task(
            instance_id=f"{owner or name}__{name}-{subject.leaf}-{bug.digest[:8]}",
            repo=self.project.repo,
            base_commit="",
            problem_statement=statement_of(subject, self.project.name),
            patch=reverse_diff(bug.patch),
            test_patch=new_file_diff(path_of(subject), text),
            FAIL_TO_PASS=names,
            PASS_TO_PASS=(safety,),
            created_at=environment.created_at,
            environment_setup_commit=environment.commit,
            environment=environment.digest,
            bug_patch=bug.patch,
            verifier=self._verifier(subject),
            origin=Origin(
                road="mutate",
                strategy="function_answer",
                seed=self.config.seed,
                location=f"{target.path}:{target.node.start_point.row + 1}",
            ),
            answer=f"{target.path}::{subject.leaf}",
        )

    def _verifier(self, subject: Subject) -> VerifierSpec:
        path, parser = path_of(subject), self.bench.environment.log_parser
        command = f"python -m unittest -v {path.removesuffix('.py')}"
        if parser == "pytest":
            command = narrowing_of(self.bench.environment, self.root).command([path])
        return VerifierSpec(command=command, log_parser=parser, timeout_s=_TIMEOUT_S)


def _present(files: dict[str, bytes | None]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if data is not None}
