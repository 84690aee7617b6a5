"""The stages that make tasks: for each domain one set to learn on, and one that nobody learns from.

Learned and held-out tasks come from different repositories, always: `train rl` refuses anything else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from journeyman.cache import fill_once
from journeyman.reproduce.made_up_calls import (
    ANSWERS,
    QUESTIONS,
    draw_requests,
    write_questions,
)
from journeyman.reproduce.made_up_functions import Part, commit_project, write_functions
from journeyman.reproduce.made_up_pages import draw_pages, write_pages
from journeyman.reproduce.place import Place
from journeyman.reproduce.scales import KINDS, Source
from journeyman.reproduce.steps import Act, Command, Cost, Step, command, repeated
from journeyman.tasks import obtain_project
from journeyman.tasks.pages.inside import CHROMIUM

__all__ = [
    "made_up_project",
    "mutate_steps",
    "projects_copied",
    "repositories",
    "task_steps",
    "why_no_web",
]

_PARTS: tuple[Part, Part] = ("learned", "held-out")
_SPARE = 8
"""Functions of a made-up project beyond those that are wanted: some do not pass the gate."""


def task_steps(place: Place, domain: str) -> list[Step]:
    """Return the steps that make both sets of a domain."""
    make = {"software": _software, "single-turn": _functions, "experience": _calls, "web": _pages}
    return [step for part in _PARTS for step in make[domain](place, part)]


def why_no_web() -> str:
    """Return why no page can be rendered here; nothing where one can."""
    return "" if any(map(os.path.exists, CHROMIUM)) else "no Chromium: apt-get install chromium"


def repositories(taskset: Path) -> list[Path]:
    """Return the trees of a taskset's environments."""
    return sorted((taskset / "environments").glob("*/repository"))


def mutate_steps(
    folder: Path,
    sources: Sequence[Source],
    out: Path,
    *,
    max_function_lines: int,
    kinds: Sequence[str] = KINDS,
) -> Iterator[Step]:
    """Yield the steps that make one-line faults in projects, and of them one set whose hints say
    where."""
    parts = []
    for source in sources:
        parts.append(folder / source.name)
        project: object = source.name
        if source.name == "bundled":
            parts[-1] = folder / f"pocketkit-{out.name}"
            project = folder.parent.parent / "projects" / f"pocketkit-{out.name}"
            yield _copied(Path(str(project)))
        yield command(
            *("tasks", "mutate", project, "--out", parts[-1], "--num-tasks", source.num_tasks),
            *("--max-function-lines", max_function_lines, "--repeats", 1),
            *repeated("--kinds", kinds),
            *repeated("--exclude", source.exclude),
            product=parts[-1],
            cost=Cost(tasks=source.num_tasks),
        )
    yield command("tasks", "locate", *parts, "--out", out, product=out)


def _copied(project: Path) -> Act:
    """Return the act that copies the bundled project under a name of its own: another repository."""

    def fill(folder: Path) -> None:
        origin = obtain_project("bundled").path
        shutil.copytree(origin, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
        settings = folder / "pyproject.toml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace('name = "pocketkit"', f'name = "{project.name}"'))
        commit_project(folder, "a copy")

    return Act(f"copy the bundled project to {project}", project, lambda: _filled(project, fill))


def projects_copied(folder: Path, names: Sequence[str]) -> Act:
    """Return the act that copies the files of projects into a folder."""

    def fill(folder: Path) -> None:
        for name in names:
            origin = obtain_project(name).path
            shutil.copytree(origin, folder / name, ignore=shutil.ignore_patterns(".git"))

    what = f"copy {', '.join(names)} to {folder}"
    return Act(what, folder, lambda: _filled(folder, fill))


def _software(place: Place, part: Part) -> Iterator[Step]:
    scale = place.scale
    return mutate_steps(
        place.root / "tasksets/packages",
        scale.learned if part == "learned" else scale.held_out,
        place.tasks("software", part),
        max_function_lines=scale.max_function_lines,
        kinds=scale.kinds,
    )


def _functions(place: Place, part: Part) -> Iterator[Step]:
    scale = place.scale
    source = scale.functions_learned if part == "learned" else scale.functions_held_out
    project: object = source.name
    if source.name == "made-up":
        project = place.root / "projects" / part
        yield made_up_project(Path(str(project)), part, source.num_tasks + _SPARE)
    out = place.tasks("single-turn", part)
    yield command(
        *("tasks", "functions", project, "--out", out, "--num-tasks", source.num_tasks),
        *("--repeats", 1),
        product=out,
        cost=Cost(tasks=3 * source.num_tasks),
    )


def made_up_project(project: Path, part: Part, number: int) -> Act:
    """Return the act that writes a project of made-up functions."""

    def fill(folder: Path) -> None:
        write_functions(folder, part, number=number, seed=0)

    return Act(
        f"write {number} made-up functions to {project}", project, lambda: _filled(project, fill)
    )


def _calls(place: Place, part: Part) -> Iterator[Step]:
    scale = place.scale
    out = place.tasks("experience", part)
    number = scale.calls_learned if part == "learned" else scale.calls_held_out
    if scale.calls == "made-up":
        asked = place.root / "calls" / part
        yield _made_up_questions(asked, part, number)
        words = ("--questions", asked / QUESTIONS, "--answers", asked / ANSWERS)
        yield _call_tasks(place, out, number, words)
        return
    # Other exercises than those that fine-tuning sees, which begin at seed 0.
    drawn = ("--split", "train", "--seed", 7001) if part == "learned" else ("--split", "heldout")
    yield _call_tasks(place, out, number, (*drawn, "--toolset", "library"))


def _call_tasks(place: Place, out: Path, number: int, words: Sequence[object]) -> Command:
    return command(
        *("tasks", "calls", "--out", out, "--num", number, *words),
        *repeated("--template", place.scale.call_templates),
        product=out,
        cost=Cost(tasks=2),
    )


def _made_up_questions(folder: Path, part: Part, number: int) -> Act:
    """Return the act that writes made-up questions and their answers."""

    def fill(folder: Path) -> None:
        write_questions(folder, draw_requests(part, number, seed=0))

    return Act(
        f"write {number} made-up questions to {folder}", folder, lambda: _filled(folder, fill)
    )


def _pages(place: Place, part: Part) -> Iterator[Step]:
    scale = place.scale
    number = scale.pages_learned if part == "learned" else scale.pages_held_out
    pages, rendered = place.root / "pages" / part, place.root / "tasksets" / f"pages-{part}"

    def fill(folder: Path) -> None:
        write_pages(folder, draw_pages(part, number, seed=0))

    yield Act(f"write {number} made-up pages to {pages}", pages, lambda: _filled(pages, fill))
    cost = Cost(tasks=4 * number)
    yield command("tasks", "pages", pages, "--out", rendered, product=rendered, cost=cost)
    out = place.tasks("web", part)
    yield command("tasks", "locate", rendered, "--out", out, product=out)


def _filled(folder: Path, fill: Callable[[Path], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fill_once(folder, fill)
