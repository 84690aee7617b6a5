"""The gateway: one model behind every protocol, as an ASGI application.

gateway = Gateway(model, get_template("hermes"))
session = gateway.sessions.open("rollout-1")
async with serving(gateway) as url: ...
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from journeyman.gateway.admission import Gate
from journeyman.gateway.anthropic_messages import AnthropicMessages, TokenCount
from journeyman.gateway.anthropic_writer import anthropic_error
from journeyman.gateway.completions import Completions
from journeyman.gateway.dialect import Dialect, Writer, openai_error
from journeyman.gateway.drawing import Emit
from journeyman.gateway.engine import Engine
from journeyman.gateway.errors import GatewayError, Kind
from journeyman.gateway.exchange import ClientGone, Exchange
from journeyman.gateway.model_list import list_models
from journeyman.gateway.openai_chat import OpenAIChat
from journeyman.gateway.record import CapturedTurn, SessionRecord, capture
from journeyman.gateway.request import Batch, ModelRequest, Outcome
from journeyman.gateway.responses import OpenAIResponses
from journeyman.gateway.session import Session, Sessions
from journeyman.gateway.settings import GatewaySettings
from journeyman.models.base import Model
from journeyman.templates import ToolTemplate

__all__ = ["DIALECTS", "Gateway"]

_LOG = logging.getLogger("journeyman.gateway")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

DIALECTS: dict[str, Dialect] = {
    "/chat/completions": OpenAIChat(),
    "/completions": Completions(),
    "/responses": OpenAIResponses(),
    "/messages": AnthropicMessages(),
}
"""Every protocol by its path; clients put `/v1` before it, or have it in their base URL."""


class Gateway:
    """A model, its template and the sessions of its clients."""

    def __init__(
        self,
        model: Model,
        template: ToolTemplate | None = None,
        settings: GatewaySettings | None = None,
        *,
        keys: Collection[str] | None = None,
        on_turn: Callable[[CapturedTurn], None] | None = None,
    ) -> None:
        """`keys` are let in besides opened sessions, None lets in all; `on_turn` sees every turn."""
        self.settings = settings or GatewaySettings()
        self.engine = Engine(model, template, self.settings, on_turn)
        self.sessions = Sessions(self.settings, keys=keys)
        self.gate = Gate(self.settings.num_running, self.settings.num_waiting)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        routes = [Route("/", _hello, methods=["GET", "HEAD"])]
        for prefix in ("/v1", ""):
            routes += [
                Route(prefix + path, _Endpoint(self, dialect), methods=["POST"])
                for path, dialect in DIALECTS.items()
            ]
            counter = _Counter(self, TokenCount())
            routes.append(Route(f"{prefix}/messages/count_tokens", counter, methods=["POST"]))
            listing = functools.partial(list_models, self.engine.model.name)
            routes.append(Route(f"{prefix}/models", listing, methods=["GET"]))
            routes.append(Route(f"{prefix}/models/{{model:path}}", listing, methods=["GET"]))
        return Starlette(routes=routes, exception_handlers={404: _lost, 405: _lost})

    def record(self, session: Session) -> SessionRecord:
        """Return what an opened session captured."""
        template = self.engine.template
        return SessionRecord(
            session=session.key,
            model=self.engine.model.name,
            template=template.name if template is not None else "",
            ending=session.ending,
            num_broken_off=session.num_broken_off,
            num_failed=session.num_failed,
            turns=tuple(capture(session.key, node) for node in session.conversations.nodes),
        )

    async def drain(self) -> None:
        """Let no call in any more, and wait for those under way."""
        await self.gate.drain()


class _Endpoint:
    """One protocol's path."""

    def __init__(self, gateway: Gateway, dialect: Dialect) -> None:
        self.gateway = gateway
        self.dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, self.gateway.settings)
        writer: Writer | None = None
        try:
            _check_origin(exchange)
            request, writer = self.dialect.read(await exchange.body())
            await self._answer(exchange, request, writer)
        except ClientGone:
            return
        except GatewayError as error:
            await self._refuse(exchange, writer, error)
        except asyncio.CancelledError:
            # The server stops, and has waited as long as it was told to.
            over = GatewayError("overloaded", "the gateway has shut down", retry_after_s=5)
            await self._refuse(exchange, writer, over)
        except Exception:
            _LOG.exception("a call failed in the gateway itself")
            failure = GatewayError("internal", "the gateway failed; its log says how")
            await self._refuse(exchange, writer, failure)

    async def _answer(self, exchange: Exchange, request: ModelRequest, writer: Writer) -> None:
        if not request.is_streamed:
            outcome = await exchange.while_connected(self._call(exchange, request, None), None)
            await exchange.answer(200, writer.whole(outcome))
            return

        has_begun = False

        def begun() -> bytes:
            nonlocal has_begun
            has_begun, was = True, has_begun
            return b"" if was else writer.begin()

        async def emit(batch: Batch) -> None:
            data = begun() + writer.write(batch)
            if data:
                await exchange.send(data, is_last=False)

        async def ping() -> None:
            await exchange.send(begun() + writer.ping, is_last=False)

        outcome = await exchange.while_connected(self._call(exchange, request, emit), ping)
        await exchange.send(begun() + writer.end(outcome), is_last=True)

    async def _call(self, exchange: Exchange, request: ModelRequest, emit: Emit | None) -> Outcome:
        session = self.gateway.sessions.find(_key(exchange))
        async with self.gateway.gate:
            return await self.gateway.engine.run(session, request, emit)

    async def _refuse(self, exchange: Exchange, writer: Writer | None, error: GatewayError) -> None:
        if exchange.is_started:
            if writer is not None:
                await exchange.send(writer.fail(error), is_last=True)
            return
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if error.retry_after_s is not None:
            headers = ((b"retry-after", str(error.retry_after_s).encode()),)
        await exchange.answer(*self.dialect.error(error), headers)


class _Counter(_Endpoint):
    """Says how long a prompt is, and draws nothing."""

    async def _answer(self, exchange: Exchange, request: ModelRequest, writer: Writer) -> None:
        session = self.gateway.sessions.find(_key(exchange))
        num_tokens = await self.gateway.engine.count(session, request)
        await exchange.answer(200, {"input_tokens": num_tokens})


def _key(exchange: Exchange) -> str:
    """Return the key that a client presents, "" without one."""
    scheme, _, key = exchange.header("authorization").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return exchange.header("x-api-key")


def _check_origin(exchange: Exchange) -> None:
    """Refuse web pages of other hosts: a browser sends their requests to this machine too."""
    origin = exchange.header("origin")
    if not origin:
        return
    try:
        address = urlsplit(origin)
        is_foreign = address.scheme in ("http", "https") and address.hostname not in _LOOPBACK
    except ValueError:
        is_foreign = True
    if is_foreign or origin == "null":
        raise GatewayError("forbidden", "web pages of other hosts are not let in")


async def _hello(request: Request) -> Response:
    return JSONResponse({"service": "journeyman gateway"})


async def _lost(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind: Kind = "not_found" if error.status_code == 404 else "not_allowed"
    refusal = GatewayError(kind, f"{request.method} {request.url.path}: {error.detail}")
    is_anthropic = "anthropic-version" in request.headers
    status, record = (anthropic_error if is_anthropic else openai_error)(refusal)
    return JSONResponse(record, status, headers=error.headers)
