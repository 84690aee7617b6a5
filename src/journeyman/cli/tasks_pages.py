"""`journeyman tasks pages`: web pages and components, checked in a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.new_taskset import TasksetOptions, made_beside, refuse_or_remove
from journeyman.cli.output import emit, print_lines
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.tasks.pages import PagesConfig, make_page_tasks, read_pages
from journeyman.tasks.pages.make import BUNDLED, BUNDLED_VITE

__all__ = ["pages"]

_OWN = {"bundled": BUNDLED, "bundled-vite": BUNDLED_VITE}


def pages(
    source: Path,
    /,
    *,
    given: Annotated[PagesConfig, Parameter(name="*")] = PagesConfig(),  # noqa: B008 - frozen
    options: TasksetOptions = TasksetOptions(),  # noqa: B008 - frozen
) -> int:
    """Make tasks of web pages: rendered, looked at and clicked through in Chromium.

    Parameters
    ----------
    source
        A folder of pages, each with page.toml, start/ and solution/; or `bundled`, or `bundled-vite`.
    given
        How carefully.
    options
        Where it goes.
    """
    settings = resolve_settings(PagesConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    found = read_pages(_OWN.get(str(source), source))
    folder = options.folder("pages")
    refuse_or_remove(folder, is_clean=options.is_clean)
    with made_beside(folder) as scratch:
        made = asyncio.run(
            make_page_tasks(found, scratch, config=settings, name=folder.name, on_progress=Steps())
        )
    if options.is_json:
        emit({"taskset": str(folder), "num_tasks": len(made.tasks)})
        return 0
    print_lines([f"{len(made.tasks)} tasks", "", f"taskset  {folder}"])
    command = f"journeyman rollout {folder} --scaffold answer"
    print_lines([f"go on    {command} --model oracle --model noop"])
    return 0
