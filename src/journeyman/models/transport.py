"""JSON over HTTP to a model's server, with every failure attributed.

Connections are kept and reused; nothing is retried here, for the flow does that by the failure table.

    client = JsonClient("http://127.0.0.1:8080/v1", timeout_s=600)
    answer = await client.post("/completions", {"prompt": "hello"})
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp

from journeyman.errors import AttributedError
from journeyman.models.base import ContextOverflowError

__all__ = ["JsonClient"]

_SHOWN_CHARACTERS = 300
_EVENT, _END = b"data: ", b"data: [DONE]"
# How servers say that a prompt is too long: llama.cpp, OpenAI, vLLM and SGLang.
_OVERFLOW_SIGNS = (
    "exceed_context_size_error",
    "context_length_exceeded",
    "maximum context length",
    "longer than the model's context length",
    "exceeds the available context size",
)


class JsonClient:
    """Posts JSON objects to one server."""

    def __init__(
        self, base_url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout_s = timeout_s
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the server's JSON object. Raises `AttributedError` with a `model_*` cause."""
        return await self._request("POST", path, body)

    async def tell(self, path: str, body: Mapping[str, Any]) -> None:
        """Send what the server answers with its status alone. Raises as `post` does."""
        await self._answered("POST", path, body)

    async def get(self, path: str) -> dict[str, Any]:
        """Return the JSON object at `path`. Raises as `post` does."""
        return await self._request("GET", path, None)

    async def stream(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the JSON objects of server-sent events as they come. Raises as `post` does."""
        rest = b""
        try:
            async with self._opened().post(
                self.base_url + path,
                json=body,
                allow_redirects=False,
                # llama.cpp closes the connection behind a stream without a word of warning.
                headers={"Connection": "close"},
            ) as response:
                if response.status != 200:
                    data = await response.read()
                    raise _refusal(response.status, data.decode("utf-8", "replace"))
                async for data in response.content.iter_any():
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        if line.startswith(_EVENT) and not line.startswith(_END):
                            yield _decoded(line.removeprefix(_EVENT))
        except TimeoutError:
            raise self._too_late() from None
        except (aiohttp.ClientError, OSError) as error:
            raise AttributedError("model_unreachable", f"{self.base_url}: {error}") from None

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        return _decoded(await self._answered(method, path, body))

    async def _answered(self, method: str, path: str, body: Mapping[str, Any] | None) -> bytes:
        try:
            try:
                status, data = await self._exchange(method, path, body)
            except aiohttp.ServerDisconnectedError:
                # A server may close an idle connection in the moment in which it is used again.
                status, data = await self._exchange(method, path, body)
        except TimeoutError:
            raise self._too_late() from None
        except (aiohttp.ClientError, OSError) as error:
            raise AttributedError("model_unreachable", f"{self.base_url}: {error}") from None
        if status != 200:
            raise _refusal(status, data.decode("utf-8", "replace"))
        return data

    async def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        async with self._opened().request(
            method,
            self.base_url + path,
            json=body,
            # A redirect would carry the key to whoever the server names.
            allow_redirects=False,
        ) as response:
            return response.status, await response.read()

    def _too_late(self) -> AttributedError:
        return AttributedError(
            "model_timeout", f"no answer from {self.base_url} in {self.timeout_s:.0f} s"
        )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=self.timeout_s, sock_connect=30),
            )
        return self._session


def _refusal(status: int, text: str) -> AttributedError:
    detail = f"HTTP {status}: {' '.join(text.split())[:_SHOWN_CHARACTERS]}"
    if status in (400, 413, 422) and any(sign in text for sign in _OVERFLOW_SIGNS):
        return ContextOverflowError(detail)
    if status in (408, 504):
        return AttributedError("model_timeout", detail)
    if status == 429 or status >= 500:
        return AttributedError("model_unreachable", detail)
    return AttributedError("model_refused", detail)


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        shown = data[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
        # A proxy or a dying server breaks answers; asked again, it may well be whole.
        raise AttributedError("model_unreachable", f"the answer is not a JSON object: {shown!r}")
    return answer
