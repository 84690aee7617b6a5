"""Bundled pages as tasks: rendered and clicked through in Chromium, inside sandboxes."""

import asyncio
import os
import shutil

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow.looks import picture_of
from journeyman.tasks.pages import PagesConfig, make_page_tasks, read_pages
from journeyman.tasks.pages.inside import CHROMIUM
from journeyman.tasks.pages.make import BUNDLED, BUNDLED_VITE
from journeyman.tasks.patches import diff_file
from journeyman.types import TestStatus
from journeyman.verify import grade

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.browser,
    pytest.mark.network,
    pytest.mark.skipif(
        not any(map(os.path.exists, CHROMIUM)), reason="no Chromium: apt-get install chromium"
    ),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two of the bundled pages; that they are made means that each has passed the gate."""
    folder = tmp_path_factory.mktemp("pages")
    pages = [it for it in read_pages(BUNDLED) if it.name in ("counter", "plans")]
    return asyncio.run(make_page_tasks(pages, folder, config=PagesConfig()))


def outcome(verdict, name):
    (status,) = (it for test, it in verdict.tests.items() if name in test)
    return status


def changed(taskset, name, *replacements):
    """Return the patch of a page's solution with some of its text replaced."""
    task = next(it for it in taskset.tasks if it.instance_id == f"pages__{name}")
    page = next(it for it in read_pages(BUNDLED) if it.name == name)
    text = page.solution["index.html"]
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return task, diff_file(task.answer, page.start["index.html"].encode(), text.encode())


async def judged(taskset, name, *replacements):
    task, patch = changed(taskset, name, *replacements)
    return (await grade(task, taskset.environments, patch)).verdict


def test_every_page_is_a_task_of_one_file(made):
    assert len(made.tasks) == 2
    assert all(task.answer == f"pages/{task.origin.location}/index.html" for task in made.tasks)
    assert all(any("scene" in name for name in task.FAIL_TO_PASS) for task in made.tasks)


async def test_what_a_visitor_does_is_checked(made):
    verdict = await judged(made, "counter", ("set(number - 1)", "set(number - 2)"))
    assert outcome(verdict, "people_arrive_and_leave") is TestStatus.FAILED
    assert outcome(verdict, "the_room_is_emptied") is TestStatus.PASSED
    assert not verdict.is_resolved


async def test_a_picture_of_the_page_is_in_the_log(made):
    task, patch = changed(made, "counter")
    graded = await grade(task, made.environments, patch)
    assert graded.verdict.is_resolved
    assert picture_of(graded.log).startswith(b"\xff\xd8\xff")


async def test_how_a_page_looks_and_loads_is_checked(made):
    verdict = await judged(
        made,
        "plans",
        ("#595959", "#c8c8c8"),
        ("repeat(auto-fit, minmax(14rem, 1fr))", "repeat(3, 20rem)"),
        (' alt="Two people"', ""),
        ("people.svg", "nobody.svg"),
    )
    for name in ("text_can_be_read", "fits_the_window", "has_a_name", "loads_without_errors"):
        assert outcome(verdict, name) is TestStatus.FAILED, name
    assert outcome(verdict, "prices_by_the_year") is TestStatus.PASSED


async def test_a_page_that_asks_for_the_network_fails(made):
    reaching = "<script>fetch('https://example.org/')</script>\n</body>"
    verdict = await judged(made, "counter", ("</body>", reaching))
    assert outcome(verdict, "loads_without_errors") is TestStatus.FAILED
    assert outcome(verdict, "the_room_is_emptied") is TestStatus.PASSED


@pytest.mark.skipif(not shutil.which("npm"), reason="no npm: apt-get install nodejs npm")
async def test_a_component_that_vite_builds(tmp_path):
    pages = read_pages(BUNDLED_VITE)
    taskset = await make_page_tasks(pages, tmp_path / "set", config=PagesConfig())
    (task,) = taskset.tasks
    assert any("votes_are_counted" in name for name in task.FAIL_TO_PASS)
    unsaid = task.patch.replace("Leading: ", "Before: ")
    verdict = (await grade(task, taskset.environments, unsaid)).verdict
    assert outcome(verdict, "votes_are_counted") is TestStatus.FAILED
    assert outcome(verdict, "it_starts_again") is TestStatus.PASSED
    unbuilt = task.patch.replace("return (", "return ((", 1)
    verdict = (await grade(task, taskset.environments, unbuilt)).verdict
    assert set(verdict.tests.values()) == {TestStatus.MISSING}
    assert verdict.failure is None
    assert not verdict.is_resolved

    locked = {**pages[0].start, "package-lock.json": "{}"}
    other = pages[0].model_copy(update={"name": "other", "start": locked})
    with pytest.raises(JourneymanError, match="other Node packages"):
        await make_page_tasks([*pages, other], tmp_path / "two", config=PagesConfig())
