"""What a gateway answers where it does not complete: one error, which every protocol shapes its way.

raise GatewayError("invalid_request", "must be a number", param="temperature")
"""

from __future__ import annotations

from typing import Literal

from journeyman.errors import AttributedError
from journeyman.models.base import ContextOverflowError

__all__ = ["STATUS", "GatewayError", "Kind", "from_model"]

Kind = Literal[
    "invalid_request",
    "unauthenticated",
    "forbidden",
    "not_found",
    "not_allowed",
    "too_slow",
    "too_large",
    "wrong_media",
    "rate_limited",
    "internal",
    "model_failed",
    "overloaded",
    "timeout",
]

STATUS: dict[Kind, int] = {
    "invalid_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "not_allowed": 405,
    "too_slow": 408,
    "too_large": 413,
    "wrong_media": 415,
    "rate_limited": 429,
    "internal": 500,
    "model_failed": 502,
    "overloaded": 503,
    "timeout": 504,
}


class GatewayError(Exception):
    """An answer that is no completion."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        param: str = "",
        code: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.param = param
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.kind]

    @property
    def text(self) -> str:
        """The message with the field that it is about."""
        return f"{self.param}: {self.message}" if self.param else self.message


def from_model(error: AttributedError) -> GatewayError:
    """Say what a model's failure means to a client: whether asking again may help, above all."""
    if isinstance(error, ContextOverflowError):
        return GatewayError(
            "invalid_request",
            f"prompt is too long: {error.detail}",
            code="context_length_exceeded",
        )
    if error.cause == "model_refused":
        return GatewayError("invalid_request", error.detail, code=error.cause)
    if error.cause == "model_timeout":
        return GatewayError("timeout", error.detail, code=error.cause)
    return GatewayError("model_failed", str(error), code=error.cause, retry_after_s=1)
