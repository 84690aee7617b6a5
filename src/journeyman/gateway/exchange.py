"""One HTTP exchange over ASGI: a bounded body in, one answer or a stream out, a watch on the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from journeyman.gateway.dialect import dump
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.settings import GatewaySettings

__all__ = ["ClientGone", "Exchange"]

ResultT = TypeVar("ResultT")

_JSON = (b"content-type", b"application/json")
_STREAM = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class ClientGone(Exception):  # noqa: N818 - nobody is left to be told of an error
    """The client went away before its answer was whole."""


class Exchange:
    """One request and its answer."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, settings: GatewaySettings
    ) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.is_started = False
        """Whether the status has been sent: from then on an error can only end the stream."""
        self._receive = receive
        self._asgi_send = send
        self._settings = settings
        # The sign of life comes from another task than the stream.
        self._lock = asyncio.Lock()

    def header(self, name: str) -> str:
        """Return a header's text, "" where there is none."""
        return self.headers.get(name.encode(), b"").decode("latin-1")

    async def body(self) -> bytes:
        """Read the whole body. Raises `GatewayError` if it is too large or does not come."""
        most = self._settings.max_body_bytes
        declared = self.header("content-length")
        if declared.isdigit() and int(declared) > most:
            raise GatewayError("too_large", f"the body is larger than {most} bytes")
        try:
            async with asyncio.timeout(self._settings.body_s):
                return await self._read_body(most)
        except TimeoutError:
            message = f"the body did not come within {self._settings.body_s:g} s"
            raise GatewayError("too_slow", message) from None

    async def _read_body(self, most: int) -> bytes:
        message = await self._receive()
        parts: list[bytes] = []
        length = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            length += len(part)
            if length > most:
                raise GatewayError("too_large", f"the body is larger than {most} bytes")
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)
            message = await self._receive()

    async def answer(
        self, status: int, record: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        """Send one JSON answer."""
        data = dump(record)
        length = (b"content-length", str(len(data)).encode())
        self.is_started = True
        await self._asgi_send(
            {"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]}
        )
        await self._asgi_send({"type": "http.response.body", "body": data})

    async def send(self, data: bytes, *, is_last: bool) -> None:
        """Send a piece of a stream."""
        async with self._lock:
            if not self.is_started:
                self.is_started = True
                await self._asgi_send(
                    {"type": "http.response.start", "status": 200, "headers": list(_STREAM)}
                )
            await self._asgi_send(
                {"type": "http.response.body", "body": data, "more_body": not is_last}
            )

    async def while_connected(
        self,
        work: Coroutine[Any, Any, ResultT],
        ping: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> ResultT:
        """Await `work`, cancelled when the client goes away; `ping` is called when all is silent."""
        watcher: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(None) as alarm:
                watcher = asyncio.create_task(self._watch(alarm, ping))
                return await work
        except TimeoutError:
            raise ClientGone from None
        finally:
            if watcher is not None:
                watcher.cancel()

    async def _watch(
        self,
        alarm: asyncio.Timeout,
        ping: Callable[[], Coroutine[Any, Any, None]] | None,
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(self._settings.ping_s):
                    message = await self._receive()
            except TimeoutError:
                if ping is not None:
                    await ping()
                continue
            if message["type"] == "http.disconnect":
                alarm.reschedule(asyncio.get_running_loop().time())
                return
