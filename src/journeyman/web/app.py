"""The viewer as a web application: pages by address, files, and news of runs that go on.

It reads and never writes. Every answer carries a content security policy, and only a request that
names this machine as its host is answered, so that no page of the web can reach in.

    app = make_app(Library(Path("runs")))
"""

from __future__ import annotations

import logging
from ipaddress import ip_address

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journeyman.errors import JourneymanError
from journeyman.web.news import follow
from journeyman.web.reading import Library, visible
from journeyman.web.site import POLICY, STATIC, Site

__all__ = ["make_app"]

_logger = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def make_app(library: Library, *, hosts: frozenset[str] = frozenset()) -> Starlette:
    """Return the application; `hosts` are names beside this machine's own that requests may use."""
    site = Site(library)

    async def page(request: Request) -> Response:
        address = request.path_params["address"]
        try:
            made = await run_in_threadpool(site.page, address, dict(request.query_params))
        except Exception as error:
            # The one boundary: a page that cannot be made says so, and the server goes on.
            _logger.exception("%s cannot be shown", address)
            made = site.missing(_explain(error), address.count("/"), status=500)
        if made.is_text:
            return Response(made.data, made.status, media_type="text/plain; charset=utf-8")
        return HTMLResponse(made.data, made.status)

    async def stream(request: Request) -> Response:
        run = await run_in_threadpool(library.run, request.path_params["run"])
        if run is None:
            return PlainTextResponse("no such run\n", 404)
        seen = request.headers.get("last-event-id") or _seen(request)
        return StreamingResponse(
            follow(run, seen, request.is_disconnected), media_type="text/event-stream"
        )

    return Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/run/{run}/stream", stream),
            Route("/{address:path}", page),
        ],
        middleware=[Middleware(_Guarded, hosts=hosts)],
    )


def _explain(error: Exception) -> str:
    what = (
        error.message if isinstance(error, JourneymanError) else f"{type(error).__name__}: {error}"
    )
    return f"This page could not be made ({visible(what)[:400]}). Everything else still opens."


def _seen(request: Request) -> str:
    asked = request.query_params
    return f"{asked.get('rows', '0')}:{asked.get('metrics', '0')}"


class _Guarded:
    """Refuses requests that name another host, writing methods, and adds the headers."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        refusal = ""
        if not self._is_known(request.headers.get("host", "")):
            refusal = "This server answers on this machine's own address only.\n"
        elif request.method not in ("GET", "HEAD"):
            refusal = "The viewer only reads.\n"
        if refusal:
            await PlainTextResponse(refusal, 403, headers=_HEADERS)(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in _HEADERS.items()
                        if name.lower().encode() not in named
                    ),
                ]
            await send(message)

        await self.app(scope, receive, sending)

    def _is_known(self, host: str) -> bool:
        name = host[1 : host.find("]")] if host.startswith("[") else host.rsplit(":", 1)[0]
        try:
            return ip_address(name).is_loopback or name in self.hosts
        except ValueError:
            return name == "localhost" or name in self.hosts
