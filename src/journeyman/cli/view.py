"""`journeyman view`: look at runs in a browser, or at one in the terminal; write one out as a site."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import webbrowser
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from journeyman.cli.output import note, print_json, print_lines
from journeyman.cli.view_text import show_text
from journeyman.errors import JourneymanError

if TYPE_CHECKING:
    from journeyman.web import Library

__all__ = ["view"]


def view(
    run: Path | None = None,
    rollout_id: str | None = None,
    /,
    *,
    text: bool = False,
    full: bool = False,
    json: bool = False,
    serve: bool = False,
    host: str = "127.0.0.1",
    port: int = 8400,
    open: bool = False,  # noqa: A002 - the name of the flag
    export: Path | None = None,
) -> int:
    """Look at runs in a browser, live while they go on; or print one, where there is no terminal.

    On a terminal the pages are served on this machine until Ctrl-C. Where the output goes elsewhere,
    or with `--text` or `--json`, one run is printed instead.

    Parameters
    ----------
    run
        A run's folder, or a folder of runs. The default is `runs`, or the latest run for text.
    rollout_id
        A rollout to show; the beginning of its id is enough.
    text
        Print in the terminal.
    full
        Print long texts whole.
    json
        Print the stored records as JSON.
    serve
        Serve, also where the output is no terminal.
    host
        Address to listen on; only this machine's own are allowed.
    port
        Port to listen on; 0 takes a free one.
    open
        Open the pages in the browser.
    export
        Write the pages into this folder, which opens from a disk or from any web host.
    """
    if export is not None:
        return _export(run or Path("runs"), export, is_json=json)
    if text or full or json or not (serve or open or sys.stdout.isatty()):
        return show_text(run or Path("runs/latest"), rollout_id, is_full=full, is_json=json)
    _check_host(host)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(run or Path("runs"), rollout_id, host, port, is_opened=open))
    return 0


def _export(run: Path, folder: Path, *, is_json: bool) -> int:
    from journeyman.web import Library, export_site

    count = export_site(Library(run), folder)
    if is_json:
        print_json({"folder": str(folder), "num_files": count})
    else:
        print_lines([f"{count} files in {folder}", f"open {folder}/index.html"])
    return 0


def _check_host(host: str) -> None:
    with contextlib.suppress(ValueError):
        if ip_address(host).is_loopback:
            return
    if host != "localhost":
        raise JourneymanError(
            f"the viewer does not listen on {host}: runs hold private code, and there is no login",
            "listen on 127.0.0.1 and reach it by ssh -L 8400:127.0.0.1:8400, or use --export",
        )


async def _serve(
    path: Path, rollout_id: str | None, host: str, port: int, *, is_opened: bool
) -> None:
    from journeyman.gateway import listen
    from journeyman.web import Library, serving_viewer

    library = Library(path)
    at = _address(library, rollout_id)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    with listen("127.0.0.1" if host == "localhost" else host, port) as listening:
        async with serving_viewer(library, listening) as url:
            print_lines([f"{url}/{at}"])
            sys.stdout.flush()
            note("Ctrl-C stops")
            if is_opened:
                await asyncio.to_thread(webbrowser.open, f"{url}/{at}")
            await stopping.wait()


def _address(library: Library, rollout_id: str | None) -> str:
    """Return the page to begin with."""
    if not library.is_single:
        if rollout_id is not None:
            raise JourneymanError("a rollout is named, but no run", "give the run's own folder")
        return ""
    run = library.runs()[0]
    if rollout_id is None:
        return f"run/{run.key}/index.html"
    run.refresh()
    keys = [str(row[1] or row[0]) for row in run.rows if str(row[0]).startswith(rollout_id)]
    if not keys:
        raise JourneymanError(
            f"{run.path} has no rollout {rollout_id}", f"journeyman view {run.path}"
        )
    return f"run/{run.key}/rollout/{keys[0]}.html"
