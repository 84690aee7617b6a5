"""Making tasks of page folders; every one has passed the gate.

taskset = await make_page_tasks(read_pages(BUNDLED), Path("tasksets/pages"), config=PagesConfig())
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.tasks.environment import build_environment
from journeyman.tasks.functions.hidden_tests import new_file_diff
from journeyman.tasks.gate import Trial, judge
from journeyman.tasks.gate_history import save_passed
from journeyman.tasks.laid_out import project_of_files
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.pages.inside import CHROMIUM
from journeyman.tasks.pages.spec import PageSpec
from journeyman.tasks.patches import diff_file
from journeyman.tasks.taskset import Taskset
from journeyman.tasks.trials import Trials, trials_of
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task, TestStatus, Verdict, VerifierSpec
from journeyman.verify import grade

__all__ = ["BUNDLED", "BUNDLED_VITE", "PagesConfig", "make_page_tasks"]

BUNDLED = Path(__file__).with_name("bundled")
"""The pages that ship with Journeyman."""
BUNDLED_VITE = Path(__file__).with_name("bundled_vite")
"""Those that Vite builds, whose environment needs Node and npm's registry."""

_INSIDE = Path(__file__).with_name("inside")
_DATE = "2026-06-01T00:00:00Z"
_TIMEOUT_S = 600.0
_NODE_FILES = ("package.json", "package-lock.json")
_LOOKS = (
    "test_everything_has_a_name",
    "test_it_fits_the_window",
    "test_it_loads_without_errors",
    "test_its_content_is_there",
    "test_its_text_can_be_read",
)


class PagesConfig(Config):
    """How carefully page tasks are made."""

    repeats: int = Field(default=1, ge=1)
    """How often the gate runs each state, each time in a fresh sandbox."""
    concurrency: int = Field(default=0, ge=0)
    """Pages that are put through the gate at once; 0 takes two a processor, for browsers
    mostly wait."""


async def make_page_tasks(
    pages: Sequence[PageSpec],
    folder: Path,
    *,
    config: PagesConfig,
    name: str = "pages",
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> Taskset:
    """Make a task of every page in `folder`; their repository is `journeyman/<name>`.

    Raises `JourneymanError` where there is no Chromium, or no Node for a page that is built, and for a
    page whose solution or gate fails.
    """
    say = on_progress or (lambda _: None)
    if not any(map(os.path.exists, CHROMIUM)):
        raise JourneymanError("no Chromium to render pages in", "apt-get install chromium")
    project = project_of_files(name, _files(pages), repo=f"journeyman/{name}", date=_DATE)
    environments = folder / "environments"
    environment = await build_environment(
        project, environments, language="python", on_progress=say, backend=backend
    )
    async with trials_of(environments, repeats=config.repeats, backend=backend) as trials:

        async def made(page: PageSpec) -> Task:
            say(f"rendering {page.name}")
            draft = _task(page, environment, project.repo)
            return await _proven(page, draft, environments, trials, backend)

        concurrency = config.concurrency or 2 * num_processors()
        async with aclosing(in_order(made, pages, concurrency=concurrency)) as found:
            tasks = [it async for it in found]
    taskset = Taskset(
        name=name, folder=folder, tasks=tuple(tasks), created_at=_DATE, project=project.repo
    )
    save_passed(taskset, by="pages", num_runs=config.repeats)
    return taskset


async def _proven(
    page: PageSpec, task: Task, environments: Path, trials: Trials, backend: str
) -> Task:
    """Find out which checks the solution mends, and put the task through the gate."""
    commit = await find_base_commit(task, environments, backend=backend)
    task = task.model_copy(update={"base_commit": commit})
    before = await _statuses(task, environments, "", backend)
    after = await _statuses(task, environments, task.patch, backend)
    if wrong := [name for name in task.FAIL_TO_PASS if after.tests[name] != TestStatus.PASSED]:
        raise JourneymanError(
            f"the solution of {page.name} does not pass {wrong[0].rpartition('.')[2]}",
            "mend the solution, or what page.toml asks for",
        )
    kept = tuple(name for name, status in before.tests.items() if status == TestStatus.PASSED)
    broken = tuple(name for name in task.FAIL_TO_PASS if name not in kept)
    task = task.model_copy(update={"FAIL_TO_PASS": broken, "PASS_TO_PASS": kept})
    evidence = await trials.gather(task, screened=Trial(before.tests), solved=Trial(after.tests))
    if failed := [check for check in judge(task, evidence) if not check.is_ok]:
        raise JourneymanError(
            f"{page.name} does not pass the gate: {failed[0].name}: {failed[0].detail}",
            "change what page.toml asks for",
        )
    return task


async def _statuses(task: Task, environments: Path, patch: str, backend: str) -> Verdict:
    """Raise `JourneymanError` where the checks cannot be run at all."""
    verdict = (await grade(task, environments, patch, backend=backend, owner="pages")).verdict
    if verdict.failure is not None:
        raise JourneymanError(
            f"{task.instance_id} cannot be checked: {verdict.failure.detail}", "journeyman doctor"
        )
    return verdict


def _files(pages: Sequence[PageSpec]) -> dict[str, str]:
    starts = {
        f"pages/{page.name}/{path}": text for page in pages for path, text in page.start.items()
    }
    smoke = (_INSIDE / "journeyman_smoke.py").read_text(encoding="utf-8")
    packages = _node_packages(pages)
    settings = _PROJECT + ("\n[tool.journeyman]\nnode-packages = true\n" if packages else "")
    return {"pyproject.toml": settings, "tests/test_browser.py": smoke, **packages, **starts}


def _node_packages(pages: Sequence[PageSpec]) -> dict[str, str]:
    """Return `package.json` and its lock, which all pages that are built have in common."""
    found: dict[str, str] = {}
    built = [page for page in pages if page.build]
    if built and not shutil.which("npm"):
        raise JourneymanError(
            f"{built[0].name} is built by Node, and there is no npm", "apt-get install nodejs npm"
        )
    for page in built:
        own = {name: page.start[name] for name in _NODE_FILES if name in page.start}
        if len(own) < len(_NODE_FILES):
            raise JourneymanError(
                f"{page.name} is built, and start/ lacks {' or '.join(_NODE_FILES)}",
                "npm install --package-lock-only there",
            )
        if found and found != own:
            raise JourneymanError(
                f"{page.name} needs other Node packages than the page before it",
                "give them one package.json and lock, or make two tasksets of them",
            )
        found = own
    return found


def _task(page: PageSpec, environment: Environment, repo: str) -> Task:
    tests = (_INSIDE / "journeyman_pages.py").read_text(encoding="utf-8")
    changed = sorted(it for it, text in page.solution.items() if page.start.get(it) != text)
    return Task(
        instance_id=f"pages__{page.name}",
        repo=repo,
        base_commit="",
        problem_statement=_statement(page),
        patch="".join(_diff(page, path) for path in changed),
        test_patch=new_file_diff("checks.json", _checks(page))
        + new_file_diff("test_page.py", tests),
        FAIL_TO_PASS=_names(page),
        created_at=_DATE,
        environment_setup_commit=environment.commit,
        language="html",
        environment=environment.digest,
        verifier=VerifierSpec(
            command="python -m unittest -v test_page", log_parser="unittest", timeout_s=_TIMEOUT_S
        ),
        origin=Origin(road="import", strategy="rendered_page", location=page.name),
        answer=f"pages/{page.name}/{changed[0]}" if len(changed) == 1 else "",
    )


def _diff(page: PageSpec, path: str) -> str:
    place, before = f"pages/{page.name}/{path}", page.start.get(path)
    if before is None:
        return new_file_diff(place, page.solution[path])
    return diff_file(place, before.encode(), page.solution[path].encode())


def _statement(page: PageSpec) -> str:
    where = f"All of it goes into the folder `pages/{page.name}`; the page is `{page.entry}` there."
    return f"{page.statement.strip()}\n\n{where} {_RULES}\n"


def _checks(page: PageSpec) -> str:
    asked = page.model_dump(mode="json", exclude={"name", "statement", "start", "solution"})
    return json.dumps({"folder": f"pages/{page.name}", **asked}, indent=1) + "\n"


def _names(page: PageSpec) -> tuple[str, ...]:
    scenes = (
        f"test_scene_{number:02d}_{'_'.join(scene.name.split())}"
        for number, scene in enumerate(page.scenes, start=1)
    )
    return tuple(f"test_page.PageCase.{name}" for name in (*_LOOKS, *scenes))


_RULES = """\
It must work without a network, show no error in the console, need no scrolling to the side on a phone \
or a desktop, be readable (WCAG 2, level AA), and have a language, a title, and a name for every \
control and picture."""
_PROJECT = """\
[project]
name = "pages"
version = "1"
dependencies = ["playwright"]

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
py-modules = []
"""
