"""Serves the viewer on a socket of this machine until it is stopped.

async with serving_viewer(Library(Path("runs")), listen()) as url:
    print(url)
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn

from journeyman.web.app import make_app
from journeyman.web.reading import Library

__all__ = ["serving_viewer"]


class _Server(uvicorn.Server):
    """Leaves signals to the program that it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving_viewer(
    library: Library, listening: socket.socket, *, hosts: frozenset[str] = frozenset()
) -> AsyncIterator[str]:
    """Serve until the block ends; open pages are told nothing more then. Yields the address."""
    server = _Server(
        uvicorn.Config(
            make_app(library, hosts=hosts),
            loop="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve([listening]))
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells it no other way
        await asyncio.sleep(0.005)
    host, port = listening.getsockname()[:2]
    try:
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await task
