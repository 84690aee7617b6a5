"""Opens a model by its spec: one word or address that a command line can carry.

Specs: `oracle`, `noop`, `scripted:FILE`, `smollm2`, `gguf:PATH`, `hf:FOLDER`, `vllm:http://host#name`,
`sglang:http://host#name`, `http(s)://host/v1#name`,
or a name from a `models.toml` in the working directory or in the user's configuration folder.

    model = await open_model("oracle")
    model = bind(model, task)
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import platformdirs
from pydantic import Field

from journeyman.config import read_toml, resolve
from journeyman.errors import JourneymanError
from journeyman.models.base import Model
from journeyman.models.endpoint import EndpointSettings, open_endpoint
from journeyman.models.llama import LlamaModel
from journeyman.models.llama_process import LlamaSettings
from journeyman.models.local_settings import LocalSettings
from journeyman.models.oracle import KnowingModel
from journeyman.models.scripted import (
    OracleModel,
    ScriptedModel,
    load_script,
    noop_script,
)
from journeyman.models.smollm2 import obtain_smollm2
from journeyman.models.token_server import open_token_server
from journeyman.types import Task

__all__ = ["ModelEntry", "bind", "list_models", "open_entry", "open_model", "read_models"]

_FILE_NAME = "models.toml"

OnProgress = Callable[[str], None]


class ModelEntry(EndpointSettings):
    """One table of `models.toml`: a name for a spec, and how it is opened."""

    spec: str
    """Any other spec, e.g. `http://127.0.0.1:8000/v1#qwen3-coder-next`."""
    num_slots: int = Field(default=4, ge=1)
    """Of a GGUF file or a folder: completions made at the same time; a folder's default is 32."""
    context_tokens: int = Field(default=8192, ge=16)
    """Of a GGUF file or a folder: longest prompt and completion together; a folder's default is what the
    model was made for."""
    num_threads: int = Field(default=0, ge=0)
    """Of a GGUF file or a folder: threads that compute; 0 takes `OMP_NUM_THREADS`, or every core."""
    num_gpu_layers: int = -1
    """Of a GGUF file: layers kept on a GPU; -1 lets llama.cpp choose."""
    program: str = ""
    """Of a GGUF file: a `llama-server` to run in place of xllamacpp."""
    device: str = ""
    """Of a folder: where it computes, e.g. `cuda:1`; empty takes a GPU where there is one."""
    dtype: str = ""
    """Of a folder: of its weights, e.g. `bfloat16`; empty takes float32 on a CPU, else its own."""


async def open_model(spec: str, *, seed: int = 0, on_progress: OnProgress | None = None) -> Model:
    """Open the model that `spec` names; `JourneymanError` with the nearest names if there is none.

    `on_progress` receives a line whenever something slow begins, such as a download.
    """
    entry = read_models().get(spec)
    if entry is None:
        return await open_entry(ModelEntry(spec=spec), spec, seed, on_progress)
    return await open_entry(entry, spec, seed, on_progress)


async def open_entry(
    entry: ModelEntry, name: str, seed: int = 0, on_progress: OnProgress | None = None
) -> Model:
    """Open what a table of `models.toml` names, wherever that file is. Raises as `open_model`."""
    kind, _, rest = entry.spec.partition(":")
    if entry.spec == "oracle":
        return OracleModel()
    if entry.spec == "noop":
        return ScriptedModel("noop", noop_script(), repeats_last=True)
    if kind == "scripted":
        return load_script(Path(rest))
    if entry.spec == "smollm2":
        return await _open_llama(name, await obtain_smollm2(on_progress), entry, seed)
    if kind in ("http", "https"):
        settings = EndpointSettings(**entry.model_dump(include=set(EndpointSettings.model_fields)))
        return await open_endpoint(entry.spec, settings, name="" if name == entry.spec else name)
    if kind in ("vllm", "sglang"):
        settings = EndpointSettings(**entry.model_dump(include=set(EndpointSettings.model_fields)))
        known = "" if name == entry.spec else name
        return await open_token_server(entry.spec, settings, name=known, seed=seed)
    if kind == "gguf":
        return await _open_llama(_short(name), Path(rest).expanduser(), entry, seed)
    if kind == "hf":
        return await _open_folder(_short(name), Path(rest).expanduser(), entry, seed)
    raise _unknown(entry.spec)


async def _open_llama(name: str, path: Path, entry: ModelEntry, seed: int) -> Model:
    settings = LlamaSettings(
        path=path,
        num_slots=entry.num_slots,
        context_tokens=entry.context_tokens,
        num_threads=entry.num_threads,
        num_gpu_layers=entry.num_gpu_layers,
        program=entry.program,
    )
    return await LlamaModel.open(name, settings, seed=seed)


async def _open_folder(name: str, path: Path, entry: ModelEntry, seed: int) -> Model:
    if any(importlib.util.find_spec(it) is None for it in ("torch", "transformers")):
        raise JourneymanError("sampling a folder needs torch", "make setup-training")
    # Loads PyTorch, which no other spec needs.
    from journeyman.models.torch_local import TorchLocalModel

    given = entry.model_dump(include=entry.model_fields_set & set(LocalSettings.model_fields))
    return await TorchLocalModel.open(name, LocalSettings(path=path, **given), seed=seed)


def _short(name: str) -> str:
    """A model's file or folder without where it lies, for reports."""
    kind, colon, rest = name.partition(":")
    return f"{kind}:{Path(rest).name}" if colon and kind in ("gguf", "hf") else name


def list_models() -> dict[str, str]:
    """Return every name and form of spec, with a few words about each."""
    named = {name: f"{entry.spec} ({_FILE_NAME})" for name, entry in read_models().items()}
    return _KNOWN | named


def bind(model: Model, task: Task) -> Model:
    """Return the view of `model` that one rollout of `task` uses."""
    if isinstance(model, OracleModel):
        return KnowingModel(model.name, task.patch)
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
    names = list(list_models())
    near = difflib.get_close_matches(spec, names, n=3, cutoff=0.5)
    if near:
        return JourneymanError(f"unknown model {spec}", f"did you mean {' or '.join(near)}?")
    return JourneymanError(f"unknown model {spec}", f"models: {', '.join(names)}")


_KNOWN = {
    "oracle": "knows the fix and applies it",
    "noop": "submits at once",
    "smollm2": "SmolLM2-135M-Instruct on this machine, fetched once from the package index",
    "scripted:FILE": "follows the messages of a JSON or JSONL file",
    "gguf:PATH": "a GGUF file on this machine, by llama.cpp",
    "hf:FOLDER": "a folder in the Hugging Face layout, by PyTorch",
    "vllm:http://HOST#NAME": "a model of vLLM: our templates, exact tokens",
    "sglang:http://HOST#NAME": "a model of SGLang: our templates, exact tokens",
    "http://HOST/v1#NAME": "a model of any OpenAI-compatible server, which brings its own template",
}
