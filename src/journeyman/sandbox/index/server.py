"""The proxy's server: a sandbox's requests, answered from the view of the indexes that it may have.

It accepts on a socket that was opened inside the sandbox's network. What it is sent is hostile: there
is a bound on connections, on what is fetched and on the length of a request, and no path of a request
ever becomes an address or a file's name.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from journeyman.errors import JourneymanError
from journeyman.sandbox.base import IndexPolicy, SandboxSpec
from journeyman.sandbox.index import npm_pages, python_pages
from journeyman.sandbox.index.refusal import RefusedError
from journeyman.sandbox.index.store import Store
from journeyman.sandbox.index.upstream import find_npm_registry, find_python_index

__all__ = ["INDEX_PORT", "IndexServer", "open_index"]

INDEX_PORT = 63177
"""Where the proxy is inside every sandbox; above the ports that the kernel hands out."""

_NUM_CONNECTIONS = 64
_PACE_S = 0.004
_FULL_S = 0.05
_NUM_VIEWS = 64
_SHUTDOWN_S = 0.05


async def open_index(spec: SandboxSpec, listener: socket.socket) -> IndexServer:
    """Serve what `spec.index` allows; it may fetch as much as the sandbox may write."""
    assert spec.index is not None, "whoever opens a sandbox has looked"
    server = IndexServer(spec.index, listener, budget_bytes=spec.limits.disk_bytes)
    await server.start()
    return server


class IndexServer:
    """Serves one sandbox on a listening socket, which it owns from the start."""

    def __init__(self, policy: IndexPolicy, listener: socket.socket, *, budget_bytes: int) -> None:
        self._policy = policy
        self._denied = {python_pages.normalise(name) for name in policy.denied}
        self._store = Store(budget_bytes)
        self._listener = listener
        host, port = listener.getsockname()[:2]
        self.base_url = f"http://{host}:{port}"
        self._web = web.Server(self._answer, access_log=None)
        self._acceptor: asyncio.Task[None] | None = None
        self._next_at = 0.0
        self._views: dict[tuple[str, str], Any] = {}

    @property
    def variables(self) -> dict[str, str]:
        """Process variables that point pip, uv, npm and its kin here."""
        python, npm = f"{self.base_url}/simple/", f"{self.base_url}/npm/"
        return {
            "PIP_INDEX_URL": python,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_DEFAULT_INDEX": python,
            "UV_INDEX_URL": python,
            "UV_PYTHON_DOWNLOADS": "never",
            "npm_config_registry": npm,
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_update_notifier": "false",
            "YARN_REGISTRY": npm,
        }

    async def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        self._acceptor = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Stop, whatever is under way. Safe to call twice."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.cancel()
            await asyncio.wait([acceptor])
            await self._web.shutdown(_SHUTDOWN_S)
            await self._store.close()
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._keep_pace()
            if len(self._web.connections) >= _NUM_CONNECTIONS:
                await asyncio.sleep(_FULL_S)
                continue
            try:
                connection, _ = await loop.sock_accept(self._listener)
                await loop.connect_accepted_socket(self._web, connection)
            except OSError:  # it hung up already, or this process has too many files open
                await asyncio.sleep(_FULL_S)

    async def _keep_pace(self) -> None:
        """Let a flood wait, so that the event loop has time for others."""
        now = asyncio.get_running_loop().time()
        self._next_at = max(now, self._next_at + _PACE_S)
        await asyncio.sleep(self._next_at - now)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await self._keep_pace()
        try:
            if request.method not in ("GET", "HEAD"):
                raise RefusedError(405, "packages can be read here, and nothing else")
            return await self._route(request)
        except RefusedError as refusal:
            return refusal.response()
        except JourneymanError as error:
            return RefusedError(502, error.message).response()

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        parts = unquote(request.rel_url.raw_path).strip("/").split("/")
        match parts:
            case ["simple", name]:
                return await self._project_page(request, name)
            case ["files", name, filename]:
                project = await self._project(name)
                return await self._file(request, project.sources, filename)
            case ["npm", *name, "-", filename] if len(name) in (1, 2):
                package = await self._package("/".join(name))
                return await self._file(request, package.sources, filename)
            case ["npm", *name] if len(name) in (1, 2) and name[0] != "-":
                package = await self._package("/".join(name))
                return web.json_response(package.document)
        raise RefusedError(404, "no such page: only packages by their name are here")

    async def _project_page(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        normal = python_pages.normalise(name)
        path = f"/simple/{quote(normal)}/"
        if request.rel_url.raw_path != path:
            return web.Response(status=301, headers={"Location": path})
        project = await self._project(name)
        kind = python_pages.choose_format(request.headers.get("Accept", ""))
        if kind == python_pages.JSON:
            return web.json_response(python_pages.as_json(project), content_type=kind)
        return web.Response(text=python_pages.as_html(project), content_type=kind)

    async def _project(self, name: str) -> python_pages.Project:
        normal = python_pages.normalise(name)
        if not re.fullmatch(r"[a-z0-9-]+", normal):
            raise RefusedError(404, "no such project")
        self._refuse_denied(name)

        async def fetch() -> python_pages.Project | None:
            url = f"{await asyncio.to_thread(find_python_index)}/{quote(normal, safe='')}/"
            page = await self._store.page(url, python_pages.JSON, self._policy.before)
            if page is None:
                return None
            make = partial(python_pages.view, page, url, normal, self._policy.before)
            return await asyncio.to_thread(make)

        project = await self._view("python", normal, fetch)
        if not isinstance(project, python_pages.Project) or not project.rows:
            raise RefusedError(404, f"no {normal} before {self._instant}")
        return project

    async def _package(self, name: str) -> npm_pages.Package:
        self._refuse_denied(name)
        if not npm_pages.is_package_name(name):
            raise RefusedError(404, "no such package")

        async def fetch() -> npm_pages.Package | None:
            url = f"{await asyncio.to_thread(find_npm_registry)}/{quote(name, safe='@')}"
            page = await self._store.page(url, "application/json", self._policy.before)
            if page is None:
                return None
            base = f"{self.base_url}/npm"
            make = partial(npm_pages.view, page, name, base, self._policy.before)
            return await asyncio.to_thread(make)

        package = await self._view("npm", name, fetch)
        if not isinstance(package, npm_pages.Package) or not package.sources:
            raise RefusedError(404, f"no {name} before {self._instant}")
        return package

    async def _view(self, kind: str, name: str, fetch: Callable[[], Awaitable[Any]]) -> Any:
        """Return what was filtered already, the last used last, or filter it."""
        key = (kind, name)
        found = self._views.pop(key, None)
        if found is None:
            found = await fetch()
        self._views[key] = found
        while len(self._views) > _NUM_VIEWS:
            del self._views[next(iter(self._views))]
        return found

    def _refuse_denied(self, name: str) -> None:
        if python_pages.normalise(name) in self._denied:
            raise RefusedError(403, f"{name} is what this task is about: it is not to be had here")

    @property
    def _instant(self) -> str:
        return self._policy.before.isoformat()

    async def _file(
        self, request: web.BaseRequest, sources: dict[str, Any], filename: str
    ) -> web.StreamResponse:
        if filename not in sources:
            raise RefusedError(404, f"no {filename} before {self._instant}")
        return await self._store.send(sources[filename], request)
