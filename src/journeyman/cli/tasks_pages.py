"""`journeyman tasks pages`: web pages and components, checked in a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import emit, print_lines
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.cli.tasks import made_beside, refuse_or_remove
from journeyman.tasks.pages import PagesConfig, make_page_tasks, read_pages
from journeyman.tasks.pages.make import BUNDLED

__all__ = ["pages"]


def pages(
    source: Path,
    /,
    *,
    out: Path | None = None,
    given: Annotated[PagesConfig, Parameter(name="*")] = PagesConfig(),  # noqa: B008 - frozen
    config: tuple[Path, ...] = (),
    clean: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Make tasks of web pages: rendered, looked at and clicked through in Chromium.

    Parameters
    ----------
    source
        A folder of pages, each with page.toml, start/ and solution/; or `bundled`.
    out
        Folder of the new taskset; `tasksets/pages` where none is given.
    given
        How carefully.
    config
        A TOML file of settings; flags win over it.
    clean
        Throw an old taskset of the same folder away first.
    dry_run
        Print the resolved config and stop.
    json
        Print the counts as JSON.
    """
    settings = resolve_settings(PagesConfig, config, given)
    if dry_run:
        return show_config(settings)
    found = read_pages(BUNDLED if str(source) == "bundled" else source)
    folder = (out or Path("tasksets", "pages")).absolute()
    refuse_or_remove(folder, is_clean=clean)
    with made_beside(folder) as scratch:
        made = asyncio.run(
            make_page_tasks(found, scratch, config=settings, name=folder.name, on_progress=Steps())
        )
    if json:
        emit({"taskset": str(folder), "num_tasks": len(made.tasks)})
        return 0
    print_lines([f"{len(made.tasks)} tasks", "", f"taskset  {folder}"])
    command = f"journeyman rollout {folder} --scaffold answer"
    print_lines([f"go on    {command} --model oracle --model noop"])
    return 0
