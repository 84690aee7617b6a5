"""Page folders as they are read, without a browser."""

from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.languages import broken_text
from journeyman.tasks.pages import read_pages
from journeyman.tasks.pages.inside import CHROMIUM
from journeyman.tasks.pages.make import BUNDLED
from journeyman.tasks.pages.spec import STEPS

INSIDE = Path(BUNDLED).with_name("inside")


def page(folder, text, **files):
    for path, content in {"page.toml": text, "solution/index.html": "<p>", **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


def test_the_bundled_pages_are_read():
    found = {it.name: it for it in read_pages(BUNDLED)}
    assert found.keys() == {"counter", "plans", "signup", "tabs", "todo"}
    assert all(it.scenes and it.content and it.start != it.solution for it in found.values())
    assert found["plans"].start["people.svg"] == found["plans"].solution["people.svg"]
    assert [it.name for it in read_pages(BUNDLED / "tabs")] == ["tabs"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('statement = "x"\n[[scenes]]\nname = "a"\nsteps = [["clik", "button:A"]]', "no such step"),
        ('statement = "x"\n[[scenes]]\nname = "a"\nsteps = [["click"]]', "no such step"),
        ('statement = "x"\n[[scenes]]\nname = "A!"\nsteps = [["reload"]]', "small letters"),
        ('statement = "x"\n[[scenes]]\nname = "a"\nsteps = [["see", "button:A"]]', "takes a text"),
        ('statement = "x"\nscreen = 3', "screen"),
        ('statement = "x"\npatience_ms = 100', "patience_ms"),
        ("", "statement"),
    ],
)
def test_a_fault_names_the_file_and_the_field(tmp_path, text, why):
    with pytest.raises(JourneymanError, match=why) as caught:
        read_pages(page(tmp_path / "one", text))
    assert "page.toml" in caught.value.message


def test_a_solution_has_to_change_something(tmp_path):
    same = {"start/index.html": "<p>"}
    with pytest.raises(JourneymanError, match="changes nothing"):
        read_pages(page(tmp_path / "one", 'statement = "x"', **same))
    with pytest.raises(JourneymanError, match=r"no page\.toml"):
        read_pages(tmp_path / "nowhere")


def test_what_runs_inside_knows_the_same_steps_and_browsers():
    text = (INSIDE / "journeyman_pages.py").read_text()
    assert all(f'"{verb}"' in text for verb in STEPS)
    for name in ("journeyman_pages.py", "journeyman_smoke.py"):
        assert all(f'"{path}"' in (INSIDE / name).read_text() for path in CHROMIUM)


def test_a_page_is_spoiled_by_what_hides_it():
    assert broken_text("a/index.html") == b"<template>\n"
