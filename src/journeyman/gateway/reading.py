"""Reads a request's JSON into a protocol's fields; what is wrong is refused with the field's name.

body = read_json(ChatBody, b'{"model": "m", "messages": []}')
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from journeyman.gateway.errors import GatewayError

__all__ = ["Body", "read_arguments", "read_json"]

BodyT = TypeVar("BodyT", bound="Body")

_HALF_SIGNS = ("surrogate", "hex escape")
_NUMBERS_THAT_ARE_NONE = (b"NaN", b"Infinity")


class Body(BaseModel):
    """Part of a request: fields that are unknown are ignored, known ones are held to their types."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False, frozen=True)


def read_json(kind: type[BodyT], data: bytes) -> BodyT:
    """Read `data`. Raises `GatewayError` with the path of the first field that is wrong."""
    try:
        if any(word in data for word in _NUMBERS_THAT_ARE_NONE):
            from_json(data, allow_inf_nan=False)
        return kind.model_validate_json(data)
    except ValidationError as error:
        if _has_half_characters(error):
            return read_json(kind, _mended(data))
        raise _refusal(error) from None
    except ValueError as error:
        raise GatewayError("invalid_request", f"the body is no JSON: {error}") from None


def read_arguments(value: str, param: str) -> dict[str, Any]:
    """Read the JSON text of a call's arguments in a history. Raises `GatewayError`."""
    try:
        found = from_json(value, allow_inf_nan=False) if value.strip() else {}
    except ValueError as error:
        raise GatewayError("invalid_request", f"is no JSON: {error}", param=param) from None
    if not isinstance(found, dict):
        raise GatewayError("invalid_request", "is no JSON object", param=param)
    return found


def _has_half_characters(error: ValidationError) -> bool:
    """Whether the only trouble is half of a surrogate pair, as programs cut out of binary output."""
    first = error.errors()[0]
    return first["type"] == "json_invalid" and any(sign in first["msg"] for sign in _HALF_SIGNS)


def _mended(data: bytes) -> bytes:
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        raise GatewayError("invalid_request", f"the body is no JSON: {error}") from None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _refusal(error: ValidationError) -> GatewayError:
    """The first error; of the alternatives that a field has, the one that came furthest."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    field = found[0]["loc"][:1]
    rivals = [it for it in found if it["loc"][:1] == field]
    best = max(rivals, key=lambda it: len(_steps(it["loc"])))
    if best["type"] == "json_invalid":
        return GatewayError("invalid_request", f"the body is no JSON: {best['msg']}")
    path = ""
    for step in _steps(best["loc"]):
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return GatewayError("invalid_request", best["msg"], param=path)


def _steps(location: tuple[int | str, ...]) -> list[int | str]:
    """The fields of a location, without the names of the alternatives between them."""
    return [
        step
        for step in location
        if isinstance(step, int) or (step.islower() and step.isidentifier() and step not in _TYPES)
    ]


_TYPES = {"str", "int", "float", "bool", "list", "dict", "none", "tuple"}
