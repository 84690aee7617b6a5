"""Exercism's exercises as Aider's polyglot benchmark has them, made into a taskset.

`<language>/exercises/practice/<name>/` holds the words in `.docs`, stubs, tests, and in `.meta` the list
of files and a solved example. The environment is built of the solved state, whose tests pass; a task's
bug puts the stubs in its place, and the tests are hidden, as Aider hides them at first.

    prepared = await prepare_polyglot(Path("polyglot-benchmark"), Path("tasksets/polyglot"), "python")
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from journeyman.errors import AttributedError, JourneymanError
from journeyman.evals.swebench.prepare import Prepared
from journeyman.tasks import Project, Taskset, save_taskset
from journeyman.tasks.environment import build_environment
from journeyman.tasks.git import list_files
from journeyman.tasks.laid_out import project_of_files
from journeyman.tasks.mutate.diff import reverse_diff, unified_diff
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Data, Environment, Origin, Task, VerifierSpec

__all__ = ["Exercise", "prepare_polyglot", "read_exercises"]

_DATE = "2024-12-01T00:00:00Z"
"""Of the state that an environment is built of; the benchmark was put together in that month."""
_WORDS = ("introduction.md", "instructions.md", "instructions.append.md")


class Exercise(Data):
    """One exercise's files."""

    name: str
    language: str
    problem_statement: str
    stubs: dict[str, str]
    solved: dict[str, str]
    """The same files with the example's text."""
    tests: tuple[str, ...]
    others: dict[str, str]
    """Everything else that an agent sees, e.g. a manifest, and the tests."""


def read_exercises(folder: Path, language: str) -> list[Exercise]:
    """Read the exercises of a language.

    Raises `JourneymanError` where the folder has none, or one is broken.
    """
    practice = next(
        (it for it in (folder / language / "exercises/practice", folder / "exercises/practice", folder)
         if any(it.glob("*/.meta/config.json"))),
        None,
    )  # fmt: skip
    if practice is None:
        raise JourneymanError(
            f"{folder} holds no exercises of {language}",
            "git clone https://github.com/Aider-AI/polyglot-benchmark, and give that folder",
        )
    places = sorted(path.parent.parent for path in practice.glob("*/.meta/config.json"))
    return [_read(place, language) for place in places]


def _read(place: Path, language: str) -> Exercise:
    try:
        files = json.loads((place / ".meta/config.json").read_text(encoding="utf-8"))["files"]
        stubs, examples = files["solution"], files["example"]
        texts = {path: (place / path).read_text(encoding="utf-8") for path in _visible(place)}
        solved = {
            stub: (place / example).read_text(encoding="utf-8")
            for stub, example in zip(stubs, examples, strict=False)
        }
        words = [place / ".docs" / name for name in _WORDS]
        statement = "\n\n".join(it.read_text(encoding="utf-8") for it in words if it.is_file())
        return Exercise(
            name=place.name,
            language=language,
            problem_statement=f"{statement.strip()}\n\nThe solution goes into {', '.join(stubs)}.\n",
            stubs={path: texts.pop(path) for path in solved},
            solved=solved,
            tests=tuple(files["test"]),
            others=texts,
        )
    except (OSError, KeyError, ValueError) as error:
        raise JourneymanError(
            f"{place} is no exercise: {type(error).__name__}: {error}", "fetch the benchmark again"
        ) from None


def _visible(place: Path) -> list[str]:
    return [path for path in list_files(place) if not path.startswith((".docs/", ".meta/"))]


async def prepare_polyglot(
    folder: Path,
    out: Path,
    language: str,
    *,
    names: tuple[str, ...] = (),
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> Prepared:
    """Build the exercises' environments and save the taskset; what cannot be built is left out."""
    say = on_progress or (lambda _: None)
    tasks: list[Task] = []
    left_out: dict[str, str] = {}
    for exercise in read_exercises(folder, language):
        if names and exercise.name not in names:
            continue
        say(f"{language} {exercise.name}")
        try:
            tasks.append(await _task_of(exercise, out / "environments", say, backend))
        except (JourneymanError, AttributedError) as error:
            left_out[exercise.name] = str(error)
            say(f"{exercise.name} is left out: {error}")
    if not tasks:
        raise JourneymanError(
            f"no exercise of {folder} can be built: {next(iter(left_out.values()), 'none was chosen')}",
            "see journeyman doctor",
        )
    taskset = Taskset(name=f"polyglot-{language}", folder=out, tasks=tuple(tasks))
    await asyncio.to_thread(save_taskset, taskset)
    return Prepared(taskset, left_out)


async def _task_of(
    exercise: Exercise, environments: Path, say: Callable[[str], None], backend: str
) -> Task:
    project = await asyncio.to_thread(_project_of, exercise)
    environment = await build_environment(
        project, environments, language=exercise.language, on_progress=say, backend=backend
    )
    bug = "".join(
        unified_diff(path, exercise.solved[path].encode(), stub.encode())
        for path, stub in exercise.stubs.items()
        if stub != exercise.solved[path]
    )
    draft = Task(
        instance_id=f"{exercise.language}__{exercise.name}",
        repo=f"exercism/{exercise.language}",
        base_commit="",
        problem_statement=exercise.problem_statement,
        patch=reverse_diff(bug),
        FAIL_TO_PASS=_passing(environments / environment.digest),
        created_at=_DATE,
        environment_setup_commit=environment.commit,
        language=environment.language,
        environment=environment.digest,
        bug_patch=bug,
        hidden_paths=exercise.tests,
        verifier=_verifier(environment),
        origin=Origin(road="import", strategy="polyglot", location=exercise.name),
    )
    commit = await find_base_commit(draft, environments)
    return draft.model_copy(update={"base_commit": commit})


def _verifier(environment: Environment) -> VerifierSpec:
    return VerifierSpec(command=environment.test_command, log_parser=environment.log_parser)


def _passing(folder: Path) -> tuple[str, ...]:
    """Name the tests that pass in the solved state, as the build found them."""
    tests = json.loads((folder / "baseline.json").read_text(encoding="utf-8"))["tests"]
    return tuple(name for name, status in tests.items() if status == "passed")


def _project_of(exercise: Exercise) -> Project:
    """Put the solved state into a repository in the cache."""
    return project_of_files(
        exercise.name,
        {**exercise.others, **exercise.solved},
        repo=f"exercism/{exercise.language}",
        date=_DATE,
        kind="polyglot",
    )
