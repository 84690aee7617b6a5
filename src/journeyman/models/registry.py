"""Opens a model by its spec: one word or address that a command line can carry.

Specs: `oracle`, `noop`, `scripted:FILE`, or a name from a `models.toml` in the working directory or
in the user's configuration folder.

    model = await open_model("oracle")
    model = bind(model, task)
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from pathlib import Path

import platformdirs

from journeyman.config import Config, read_toml, resolve
from journeyman.errors import JourneymanError
from journeyman.models.base import Model
from journeyman.models.scripted import (
    OracleModel,
    ScriptedModel,
    load_script,
    noop_script,
    oracle_script,
)
from journeyman.types import Task

__all__ = ["ModelEntry", "bind", "open_model"]

_FILE_NAME = "models.toml"


class ModelEntry(Config):
    """One table of `models.toml`: a name for a spec."""

    spec: str
    """Any other spec, e.g. `http://127.0.0.1:8000/v1#qwen3-coder-next`."""


async def open_model(
    spec: str, *, seed: int = 0, on_progress: Callable[[str], None] | None = None
) -> Model:
    """Open the model that `spec` names; `JourneymanError` with the nearest names if there is none.

    `on_progress` receives a line whenever something slow begins, such as a download.
    """
    kind, _, rest = spec.partition(":")
    if spec in _NAMED:
        return await _NAMED[spec]()
    if kind == "scripted":
        return load_script(Path(rest))
    entry = read_models().get(spec)
    if entry is not None:
        return await open_model(entry.spec, seed=seed, on_progress=on_progress)
    raise _unknown(spec)


def bind(model: Model, task: Task) -> Model:
    """Return the view of `model` that one rollout of `task` uses."""
    if isinstance(model, OracleModel):
        return ScriptedModel(model.name, oracle_script(task.patch))
    if isinstance(model, ScriptedModel):
        return model.for_task(task.instance_id)
    return model


def read_models() -> dict[str, ModelEntry]:
    """Read every `models.toml`: the user's first, then the working directory's, which wins."""
    entries: dict[str, ModelEntry] = {}
    for path in (Path(platformdirs.user_config_dir("journeyman"), _FILE_NAME), Path(_FILE_NAME)):
        if path.is_file():
            entries |= _read_file(path)
    return entries


def _read_file(path: Path) -> dict[str, ModelEntry]:
    entries = {}
    for name, table in read_toml(path).items():
        if not isinstance(table, dict):
            raise JourneymanError(
                f"{path}: {name} is not a table", f'write [{name}] and under it spec = "…"'
            )
        try:
            entries[name] = resolve(ModelEntry, overrides=table)
        except JourneymanError as error:
            raise JourneymanError(f"{path}: [{name}]: {error.message}", error.hint) from None
    return entries


def _unknown(spec: str) -> JourneymanError:
    names = [*_NAMED, *_FORMS, *read_models()]
    near = difflib.get_close_matches(spec, names, n=3, cutoff=0.5)
    if near:
        return JourneymanError(f"unknown model {spec}", f"did you mean {' or '.join(near)}?")
    return JourneymanError(f"unknown model {spec}", f"models: {', '.join(names)}")


async def _open_oracle() -> Model:
    return OracleModel()


async def _open_noop() -> Model:
    return ScriptedModel("noop", noop_script())


_NAMED: dict[str, Callable[[], Awaitable[Model]]] = {"oracle": _open_oracle, "noop": _open_noop}
_FORMS = ("scripted:FILE",)
