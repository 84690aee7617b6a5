"""A run, or several, as a folder of files that opens from a disk or from any web host.

export_site(Library(Path("runs/first")), Path("site"))
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.web.pages.rollout_page import rollout_texts
from journeyman.web.pages.task_page import task_texts
from journeyman.web.reading import Library, RunReader
from journeyman.web.reading.rows import COLUMNS
from journeyman.web.reading.run import page_key
from journeyman.web.reading.text import visible
from journeyman.web.site import STATIC, Site

__all__ = ["export_site"]

_TASK, _GROUP = COLUMNS.index("task"), COLUMNS.index("group")


def export_site(library: Library, folder: Path) -> int:
    """Write every page of the library into `folder`; return how many files there are.

    Raises `JourneymanError` where the folder holds anything already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise JourneymanError(
            f"{folder} is there already, and nothing is overwritten",
            f"choose another folder, or remove it: rm -r {folder}",
        )
    site = Site(library, is_static=True)
    shutil.copytree(STATIC, folder / "static", dirs_exist_ok=True)
    count = sum(1 for _ in (folder / "static").iterdir())
    compared = [f"compare/{left.key}/{right.key}.html" for left, right in site.pairs()]
    if not library.is_single:
        compared.append("compare.html")
    for address in (*_addresses(library), *compared):
        _write(folder / address, site.page(address).data)
        count += 1
    for run in library.runs():
        count += _write_texts(run, folder)
    if library.is_single:
        _write(folder / "index.html", _forward(library.runs()[0]))
    return count


def _addresses(library: Library) -> Iterator[str]:
    yield "index.html"
    yield "templates.html"
    for run in library.runs():
        run.refresh()
        yield f"run/{run.key}/index.html"
        if run.is_training:
            yield f"run/{run.key}/training.html"
        for kind, keys in _things(run).items():
            for key in keys:
                yield f"run/{run.key}/{kind}/{key}.html"


def _things(run: RunReader) -> dict[str, list[str]]:
    return {
        "rollout": [str(row[1] or row[0]) for row in run.rows],
        "group": sorted({page_key(str(row[_GROUP])) for row in run.rows}),
        "task": sorted({page_key(str(row[_TASK])) for row in run.rows}),
    }


def _write_texts(run: RunReader, folder: Path) -> int:
    """Write the whole texts beside the pages that cut them, and every patch."""
    things, count = _things(run), 0
    for kind, read in (("rollout", rollout_texts), ("task", task_texts)):
        for key in things[kind]:
            page = (folder / "run" / run.key / kind / f"{key}.html").read_text(encoding="utf-8")
            for name, text in read(run, key).items():
                if f"{key}/text/{name}.txt" in page or f'"whole":"{name}"' in page:
                    path = folder / "run" / run.key / kind / key / "text" / f"{name}.txt"
                    _write(path, visible(text).encode("utf-8", "replace"))
                    count += 1
    return count


def _forward(run: RunReader) -> bytes:
    to = f"run/{run.key}/index.html"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{run.key}</title>'
        f'<meta http-equiv="refresh" content="0; url={to}"><a href="{to}">{run.key}</a></html>\n'
    ).encode()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
