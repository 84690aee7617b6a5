"""What the proxy refuses, in words for whoever reads the client's output."""

from __future__ import annotations

from aiohttp import web

__all__ = ["RefusedError"]


class RefusedError(Exception):
    """A request that gets no answer but a reason; clients print the status and often the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason

    def response(self) -> web.Response:
        """Return it as one line of text."""
        line = "".join(letter if letter.isprintable() else " " for letter in self.reason)
        return web.Response(status=self.status, reason=line[:200], text=f"{line}\n")
