"""What a page task is on disk: words, files to begin with, a solution, and what is checked.

A folder with `page.toml`, `start/` and `solution/`; what a scene may do and see is in `STEPS`.

    page = read_page(Path("pages/counter"))
    page.scenes[0].steps
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from journeyman.config import read_toml
from journeyman.errors import JourneymanError
from journeyman.types import Data

__all__ = ["STEPS", "PageSpec", "Scene", "read_page", "read_pages"]

STEPS: dict[str, int] = {
    "click": 1,
    "hover": 1,
    "type": 2,
    "choose": 2,
    "check": 1,
    "press": 1,
    "reload": 0,
    "back": 0,
    "size": 2,
    "see": 1,
    "gone": 1,
    "shows": 2,
    "value": 2,
    "count": 2,
    "is": 2,
    "title": 1,
    "address": 1,
    "changes": 1,
    "keeps": 1,
}
"""The steps of a scene, and how many words stand behind each."""

_OF_TEXT = ("see", "gone")
_TARGET = re.compile("(css|label|text|button|link|heading|status):[^ ]")
_NAME = re.compile(r"[a-z][a-z0-9 ]*")

Step = tuple[str | int, ...]


class Scene(Data):
    """One thing that a visitor does, and what must be seen of it."""

    name: str
    """Small letters, digits and blanks; part of the test's name."""
    steps: tuple[Step, ...] = Field(min_length=1)
    """In order: a verb of `STEPS` and its words, e.g. `["click", "button:Add"]`."""

    @field_validator("name")
    @classmethod
    def _is_plain(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("not small letters, digits and blanks")
        return name

    @field_validator("steps")
    @classmethod
    def _are_known(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        for step in steps:
            if not step or STEPS.get(str(step[0])) != len(step) - 1:
                raise ValueError(f"no such step: {list(step)}")
            if step[0] in _OF_TEXT and _TARGET.match(str(step[1])):
                raise ValueError(f'{step[0]} takes a text; ["is", "{step[1]}", "visible"]')
        return steps


class PageSpec(Data):
    """One page task."""

    name: str = Field(pattern="^[a-z][a-z0-9-]*$")
    statement: str = Field(min_length=1)
    entry: str = "index.html"
    """The page that is opened, relative to what is served."""
    build: str = ""
    """Command that builds the site in a copy of the folder, e.g. `npx vite build`; none as a rule."""
    built: str = "dist"
    """Folder that the build makes and that is then served."""
    screens: tuple[tuple[int, int], ...] = Field(default=((1280, 800), (375, 667)), min_length=1)
    """Windows in which layout, contrast and names are looked at, width and height in pixels."""
    content: tuple[str, ...] = ()
    """Texts that must be seen."""
    scenes: tuple[Scene, ...] = ()
    patience_ms: int = Field(default=10_000, ge=500, le=60_000)
    """How long is waited for what the content or a scene expects, which a wrong page never shows."""
    start: dict[str, str] = Field(default_factory=dict)
    """Files to begin with, by path."""
    solution: dict[str, str] = Field(default_factory=dict)
    """Files of one right answer, by path."""


def read_pages(folder: Path) -> list[PageSpec]:
    """Read every page of a folder, or the one that it is; `JourneymanError` where there is none."""
    if (folder / "page.toml").is_file():
        return [read_page(folder)]
    found = [read_page(path.parent) for path in sorted(folder.glob("*/page.toml"))]
    if not found:
        raise JourneymanError(
            f"{folder} holds no page.toml", "see journeyman's own: journeyman tasks pages bundled"
        )
    return found


def read_page(folder: Path) -> PageSpec:
    """Read one page's folder; every fault is a `JourneymanError` that names the file and the field."""
    place = folder / "page.toml"
    given = read_toml(place)
    files = {part: _files(folder / part) for part in ("start", "solution")}
    try:
        page = PageSpec.model_validate({"name": folder.name, **given, **files})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise JourneymanError(f"{place}: {field}: {first['msg']}", "mend the field") from None
    if page.start == page.solution or not page.solution:
        raise JourneymanError(f"{folder}/solution changes nothing", "put a right answer there")
    return page


def _files(folder: Path) -> dict[str, str]:
    try:
        return {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    except UnicodeDecodeError as error:
        raise JourneymanError(
            f"{folder} holds a file that is no text: {error}", "leave it out"
        ) from None
