"""The protocols that clients speak: how each is read, and how answers are shaped for it."""

from __future__ import annotations

import json
import secrets
from typing import Any, Protocol

from journeyman.gateway.errors import GatewayError
from journeyman.gateway.request import Batch, ModelRequest, Outcome

__all__ = ["Dialect", "Writer", "dump", "event", "new_id", "openai_error"]


class Writer(Protocol):
    """Shapes one answer. Of a stream: `begin`, then `write` as it goes, then `end` or `fail`."""

    @property
    def ping(self) -> bytes:
        """A sign of life for a stream that is silent; clients skip it."""
        ...

    def begin(self) -> bytes:
        """What a stream opens with."""
        ...

    def write(self, batch: Batch) -> bytes:
        """What has become certain; may be empty."""
        ...

    def end(self, outcome: Outcome) -> bytes:
        """What a whole stream closes with."""
        ...

    def fail(self, error: GatewayError) -> bytes:
        """What a stream closes with that broke off."""
        ...

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        """The answer in one piece."""
        ...


class Dialect(Protocol):
    """One protocol."""

    @property
    def name(self) -> str:
        """What records call it."""
        ...

    def read(self, data: bytes) -> tuple[ModelRequest, Writer]:
        """Read a request's body. Raises `GatewayError` with the field that is wrong."""
        ...

    def error(self, error: GatewayError) -> tuple[int, dict[str, Any]]:
        """Return the HTTP status and the body of a refusal."""
        ...


def dump(value: Any) -> bytes:
    """Write compact JSON; ASCII alone, so that half characters of a model's cannot break it."""
    return json.dumps(value, separators=(",", ":")).encode()


def event(record: dict[str, Any], name: str = "") -> bytes:
    """Write one server-sent event."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + dump(record) + b"\n\n"


def new_id(prefix: str) -> str:
    """Return a fresh identifier."""
    return prefix + secrets.token_hex(12)


_OPENAI_TYPES = {
    "unauthenticated": "authentication_error",
    "forbidden": "permission_error",
    "rate_limited": "rate_limit_error",
    "internal": "server_error",
    "model_failed": "server_error",
    "overloaded": "server_error",
    "timeout": "server_error",
}


def openai_error(error: GatewayError) -> tuple[int, dict[str, Any]]:
    """Shape a refusal as all of OpenAI's protocols do."""
    record = {
        "message": error.text,
        "type": _OPENAI_TYPES.get(error.kind, "invalid_request_error"),
        "param": error.param or None,
        "code": error.code or None,
    }
    return error.status, {"error": record}
