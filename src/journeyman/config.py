"""Strict configuration: TOML files laid over one another, dotted overrides, and stable digests.

A config is a frozen pydantic class. An unknown key, a wrong type or an impossible value is an error
that names the file, the key and the nearest right one. Not a place for defaults that depend on the
machine: those are resolved by the verb and written into the run's `config.toml`.

    >>> class Example(Config):
    ...     lr: float = 1e-3
    >>> resolve(Example, overrides={"lr": "0.1"}).lr
    0.1
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import platformdirs
import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from journeyman.errors import JourneymanError

__all__ = ["Config", "cache_folder", "differing_keys", "digest", "read_toml", "resolve", "to_toml"]

ConfigT = TypeVar("ConfigT", bound="Config")


class Config(BaseModel):
    """Base of every configuration: frozen, and closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True
    )

    resume_may_change: ClassVar[frozenset[str]] = frozenset()
    """Keys that a resumed run may give other values: they change its speed, not its results."""


def cache_folder(*parts: str) -> Path:
    """Return (and make) a folder under `$JOURNEYMAN_CACHE`, else under the user's cache folder."""
    root = os.environ.get("JOURNEYMAN_CACHE") or platformdirs.user_cache_dir("journeyman")
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def digest(value: Any) -> str:
    """Return the hexadecimal SHA-256 of a value's canonical JSON; equal values, equal digests."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def read_toml(path: Path) -> dict[str, Any]:
    """Read one TOML file; a missing or malformed one is a `JourneymanError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise JourneymanError(f"no config file at {path}", "check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise JourneymanError(f"{path} is not valid TOML: {error}", "fix that line") from None
    except OSError as error:
        raise JourneymanError(f"cannot read {path}: {error.strerror}", "check the path") from None


def resolve(
    kind: type[ConfigT],
    files: Iterable[Path] = (),
    overrides: Mapping[str, Any] | None = None,
) -> ConfigT:
    """Lay `files` over the defaults in order, then dotted `overrides`; later wins.

    Raises `JourneymanError` naming the source and the key of the first thing that is wrong.
    """
    merged: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for path in files:
        table = read_toml(path)
        _merge(merged, table)
        sources.update(dict.fromkeys(_leaves(table), str(path)))
    for dotted, value in (overrides or {}).items():
        _set(merged, dotted, value)
        sources[dotted] = "the command line"
    try:
        return kind.model_validate(merged)
    except ValidationError as error:
        raise _explain(kind, error, sources) from None


def to_toml(config: BaseModel) -> str:
    """Write a resolved config as TOML; keys whose value is None are left out."""
    return tomli_w.dumps(_without_none(config.model_dump(mode="json")))


def differing_keys(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Name the dotted keys whose values differ, sorted."""
    flat_left, flat_right = _flatten(left), _flatten(right)
    keys = flat_left.keys() | flat_right.keys()
    return sorted(key for key in keys if flat_left.get(key) != flat_right.get(key))


def _merge(base: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = dict(value) if isinstance(value, Mapping) else value


def _set(table: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    table[last] = value


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{key}."))
        elif value is not None:
            flat[f"{prefix}{key}"] = value
    return flat


def _leaves(table: Mapping[str, Any]) -> list[str]:
    return list(_flatten(table))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value


def _explain(
    kind: type[BaseModel], error: ValidationError, sources: Mapping[str, str]
) -> JourneymanError:
    first = error.errors()[0]
    dotted = ".".join(str(part) for part in first["loc"])
    source = sources.get(dotted, "")
    where = f"{source}: " if source else ""
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(dotted, _known_keys(kind), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(_known_keys(kind))}"
        return JourneymanError(f"{where}unknown key {dotted}", hint)
    return JourneymanError(f"{where}{dotted}: {first['msg']}", "see the reference of this config")


def _known_keys(kind: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys.extend(_known_keys(inner, f"{prefix}{name}."))
        else:
            keys.append(f"{prefix}{name}")
    return keys
