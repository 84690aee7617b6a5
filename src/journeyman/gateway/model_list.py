"""`GET /v1/models`: the one model, in words that OpenAI's and Anthropic's clients both read."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["list_models"]


async def list_models(name: str, request: Request) -> Response:
    """List the model, or describe it: whatever name a client asks for, it is this one."""
    wanted = request.path_params.get("model")
    if wanted is not None:
        return JSONResponse(_record(wanted))
    listing = {"object": "list", "data": [_record(name)]}
    return JSONResponse(listing | {"has_more": False, "first_id": name, "last_id": name})


def _record(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "journeyman",
        "type": "model",
        "display_name": name,
        "created_at": "1970-01-01T00:00:00Z",
    }
