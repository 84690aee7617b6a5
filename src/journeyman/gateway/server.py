"""Runs a gateway on a socket, inside the caller's event loop.

async with serving(gateway) as url:
    ...  # clients call f"{url}/v1/chat/completions"
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from journeyman.errors import JourneymanError
from journeyman.gateway.app import Gateway

__all__ = ["calm_collector", "listen", "listen_unix", "serving"]

_BACKLOG = 4096


_YOUNG, _MIDDLE, _OLD = 50_000, 20, 50


def calm_collector() -> None:
    """Make the garbage collector of this process look less often, and never at what is loaded now.

    For a process that does nothing but serve: with a thousand streams and all they capture on the
    heap, one of its full passes holds every stream up for half a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


class _Server(uvicorn.Server):
    """Leaves signals to the program that it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """Open a listening socket; port 0 takes a free one. Raises `JourneymanError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        found.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise JourneymanError(
            f"cannot listen on {host}:{port}: {reason}", "choose another --port, or 0 for any"
        ) from None
    return found


def listen_unix(path: Path) -> socket.socket:
    """Open a listening Unix socket at `path`, for a sandbox that has no network."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.bind(str(path))
    found.listen(_BACKLOG)
    return found


@asynccontextmanager
async def serving(
    gateway: Gateway, sockets: list[socket.socket] | None = None, *, drain_s: float = 30.0
) -> AsyncIterator[str]:
    """Serve until the block ends; then calls under way have `drain_s` to end, and no new one begins.

    Yields the address of the first socket, "" for a Unix socket.
    """
    sockets = sockets or [listen()]
    server = _Server(
        uvicorn.Config(
            gateway.app(),
            http="httptools",
            loop="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=1,
            # Agents run tools between two calls; a connection closed meanwhile may break the next.
            timeout_keep_alive=75,
        )
    )
    task = asyncio.create_task(server.serve(sockets))
    try:
        await _started(server, task)
        yield _address(sockets[0])
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_s):
                await gateway.drain()
        server.should_exit = True
        await task


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    while not server.started:
        if task.done():
            task.result()
            raise AssertionError("the server ended before it began")
        await asyncio.sleep(0.001)


def _address(found: socket.socket) -> str:
    if found.family == socket.AF_UNIX:
        return ""
    host, port = found.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
