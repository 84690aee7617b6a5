"""What was fetched from an index: kept in the cache for every sandbox, bounded, and checked.

A page that was fetched after an instant shows all that was uploaded before it, for ever: it is never
fetched again for that instant. A file is named by its hash and is whole or absent.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import web

from journeyman.config import cache_folder, digest
from journeyman.sandbox.index.refusal import RefusedError
from journeyman.sandbox.index.source import Source
from journeyman.sandbox.index.upstream import certificates

__all__ = ["Store", "prune"]

_PAGE_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 18
_KEPT_BYTES = 20 << 30
_PRUNE_EVERY_BYTES = 1 << 30
_NUM_CONNECTIONS = 8
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)

_num_unpruned_bytes = [_PRUNE_EVERY_BYTES]


class Store:
    """Fetches for one sandbox: never more than `budget_bytes` that the cache does not hold."""

    def __init__(self, budget_bytes: int) -> None:
        self._left_bytes = budget_bytes
        self._session: aiohttp.ClientSession | None = None
        self._pages = cache_folder("index", "pages")
        self._files = cache_folder("index", "files")
        # Not shared: a client that reads slowly must not hold up another sandbox.
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()

    async def page(self, url: str, accept: str, before: datetime) -> Any:
        """Return a JSON page that was fetched after `before`; None where the index has none."""
        path = self._pages / f"{digest([url, accept])}.json"
        async with self._lock(path):
            if not _is_fresh(path, before):
                data = await self._fetch_page(url, accept)
                if data is None:
                    return None
                _write_whole(path, data)
            return await asyncio.to_thread(_read_json, path)

    async def file(self, source: Source) -> Path:
        """Return a file that is in the cache, fetched if need be."""
        path = self._place(source)
        async with self._lock(path):
            if not path.exists():
                async for _ in self._fetch(source, path):
                    pass
        return path

    async def send(self, source: Source, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with a file: from the cache, else as it comes, its end only once it is checked."""
        path = self._place(source)
        if request.method == "HEAD" or "Range" in request.headers:
            await self.file(source)
        async with self._lock(path):
            if not path.exists():
                return await self._pass_on(source, path, request)
        with contextlib.suppress(OSError):
            os.utime(path)
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})

    async def _pass_on(
        self, source: Source, path: Path, request: web.BaseRequest
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        held = b""
        try:
            async with aclosing(self._fetch(source, path)) as parts:
                async for part in parts:
                    if held and not response.prepared:
                        await response.prepare(request)
                    if held:
                        await response.write(held)
                    held = part
        except RefusedError:
            if response.prepared and request.transport is not None:
                request.transport.abort()  # a file that is cut off is refused by every client
            raise
        if not response.prepared:
            response.content_length = len(held)
            await response.prepare(request)
        await response.write(held)
        await response.write_eof()
        return response

    async def _fetch(self, source: Source, path: Path) -> AsyncGenerator[bytes]:
        """Yield a file's parts; `path` is there once the last is known to be right.

        The last part comes after the check, so whoever passes parts on passes on no wrong file.
        """
        self._spend(source.size_bytes or 0, is_dry=True)
        check = hashlib.new(source.algorithm, usedforsecurity=False)
        held = b""
        with tempfile.NamedTemporaryFile(dir=self._files, prefix=".new-") as scratch:
            async with self._asked(source.url, {"Accept-Encoding": "identity"}) as answer:
                if answer.status != 200:
                    raise RefusedError(502, f"the index answered {answer.status} for this file")
                async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                    self._spend(len(chunk))
                    check.update(chunk)
                    scratch.write(chunk)
                    if held:
                        yield held
                    held = chunk
            if check.hexdigest() != source.digest:  # clients would ask again and again after a 502
                raise RefusedError(
                    422, f"the file does not match the index's {source.algorithm} hash"
                )
            scratch.flush()
            self._prune_now_and_then(scratch.tell())
            with contextlib.suppress(FileExistsError):
                os.link(scratch.name, path)
        yield held

    async def _fetch_page(self, url: str, accept: str) -> bytes | None:
        async with self._asked(url, {"Accept": accept}) as answer:
            if answer.status in (404, 410):
                return None
            if answer.status != 200:
                raise RefusedError(502, f"the index answered {answer.status}")
            if "json" not in answer.content_type:
                raise RefusedError(502, "the index tells no upload times: its pages are not JSON")
            data = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                self._spend(len(chunk))
                data += chunk
                if len(data) > _PAGE_BYTES:
                    raise RefusedError(502, "the index's page is too long")
            self._prune_now_and_then(len(data))
            return bytes(data)

    @asynccontextmanager
    async def _asked(
        self, url: str, headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_NUM_CONNECTIONS, ssl=certificates())
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_TIMEOUT, trust_env=True
            )
        try:
            async with self._session.get(url, headers=headers) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RefusedError(
                502, f"the index cannot be reached: {type(error).__name__}"
            ) from None

    def _spend(self, num_bytes: int, *, is_dry: bool = False) -> None:
        if num_bytes > self._left_bytes:
            raise RefusedError(507, "this sandbox has fetched as much as it may")
        if not is_dry:
            self._left_bytes -= num_bytes

    def _place(self, source: Source) -> Path:
        return self._files / f"{source.algorithm}-{source.digest}"

    def _lock(self, path: Path) -> asyncio.Lock:
        """One at a time for what has the same name."""
        lock = self._locks.get(path)
        if lock is None:
            lock = self._locks[path] = asyncio.Lock()
        return lock

    def _prune_now_and_then(self, num_bytes: int) -> None:
        _num_unpruned_bytes[0] += num_bytes
        if _num_unpruned_bytes[0] >= _PRUNE_EVERY_BYTES:
            _num_unpruned_bytes[0] = 0
            prune(self._files, _KEPT_BYTES)
            prune(self._pages, _KEPT_BYTES)


def prune(folder: Path, kept_bytes: int) -> None:
    """Delete the files that were used longest ago until the rest fits into `kept_bytes`."""
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    total = 0
    for _, size, path in sorted(found, reverse=True):
        total += size
        if total > kept_bytes:
            path.unlink(missing_ok=True)


def _is_fresh(path: Path, before: datetime) -> bool:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) > before
    except FileNotFoundError:
        return False


def _write_whole(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as scratch:
        scratch.write(data)
    os.replace(scratch.name, path)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        path.unlink(missing_ok=True)
        raise RefusedError(502, "the index's page is not valid JSON") from None
