"""`journeyman model plan` and `describe`: what a model takes and does on this machine, beforehand."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.errors import JourneymanError

if TYPE_CHECKING:
    from journeyman.models.plan import Architecture, Plan

__all__ = ["describe", "plan"]

_GB = 1e9
_DEFAULT_CONTEXT = 32_768
_NUM_MEASURED = 48
# Published models that are a preset of ours.
_PUBLISHED = {"qwen3-coder-next": "80b-a3b", "qwen3-next-80b-a3b": "80b-a3b"}


def plan(
    model: str,
    /,
    *,
    context: Annotated[int, Parameter(validator=lambda _, value: _positive(value))] = 0,
    sequences: Annotated[int, Parameter(validator=lambda _, value: _positive(value))] = 1,
    quantisation: tuple[str, ...] = (),
    bandwidth: float = 0.0,
    measure: bool = False,
    json: bool = False,
) -> int:
    """Say whether a model fits this machine, and how fast it can be at most, before it is loaded.

    Parameters
    ----------
    model
        A GGUF file or a folder, with or without gguf: or hf:; smollm2; qwen3-coder-next; a preset; or a
        name from models.toml.
    context
        Tokens of prompt and completion together; without it 32,768, or what the model was made for.
    sequences
        Conversations at the same time, each with a context of its own.
    quantisation
        Only this one, e.g. q4_k_m; again for more.
    bandwidth
        Gigabytes a second that memory is read with, e.g. of another machine; measured here if not given.
    measure
        Also run the model, and say how fast it was.
    json
        Print the figures as JSON.
    """
    from journeyman.models.plan import QUANTISATIONS, look_at_machine, make_plan

    unknown = [it for it in quantisation if it not in QUANTISATIONS]
    if unknown:
        raise JourneymanError(
            f"no quantisation {unknown[0]!r}", f"one of {', '.join(QUANTISATIONS)}"
        )
    found = _architecture(model)
    tokens = context or min(_DEFAULT_CONTEXT, found.context_tokens or _DEFAULT_CONTEXT)
    if found.context_tokens and tokens > found.context_tokens:
        note(f"{found.name} was made for {found.context_tokens:,} tokens, not for {tokens:,}")
    machine = look_at_machine()
    if bandwidth:
        machine = replace(machine, bandwidth=bandwidth * _GB)
    made = make_plan(
        found,
        machine,
        context_tokens=tokens,
        num_sequences=sequences,
        quantisations=quantisation,
    )
    measured = asyncio.run(_measure(model)) if measure else None
    if json:
        print_json({**asdict(made), "measured_tokens_per_s": measured})
    else:
        _print(made, measured)
    return 0


def describe(model: str, /, *, json: bool = False) -> int:
    """Say how a model is built: weights, experts, layers, caches. Nothing is loaded.

    Parameters
    ----------
    model
        As for plan.
    json
        Print the figures as JSON.
    """
    found = _architecture(model)
    if json:
        print_json({**asdict(found), "num_active": found.num_active})
        return 0
    print_table(("figure", found.name), _architecture_rows(found))
    return 0


def _positive(value: int) -> None:
    if value < 0:
        raise ValueError("must not be negative")


def _architecture(model: str) -> Architecture:
    from journeyman.models.plan import from_config, read_architecture
    from journeyman.models.registry import read_models
    from journeyman.models.smollm2 import obtain_smollm2
    from journeyman.train.model.presets import PRESETS, get_preset

    entry = read_models().get(model)
    spec = entry.spec if entry is not None else model
    if spec == "smollm2":
        return read_architecture(asyncio.run(obtain_smollm2(note)))
    name = spec.removeprefix("preset:")
    preset = _PUBLISHED.get(name.lower(), name)
    if preset in PRESETS:
        config = {**get_preset(preset).settings(), "model_type": "qwen3_next"}
        return from_config(model, config)
    kind, _, rest = spec.partition(":")
    if kind in ("http", "https", "vllm", "sglang"):
        raise JourneymanError(
            f"{model} runs on another machine", "name its preset, its folder or its GGUF file"
        )
    path = Path(rest if kind in ("gguf", "hf") else spec).expanduser()
    if not path.exists():
        known = ", ".join([*_PUBLISHED, *PRESETS, "smollm2"])
        raise JourneymanError(
            f"there is no model {model}", f"give a GGUF file, a folder, or one of {known}"
        )
    return read_architecture(path)


def _architecture_rows(found: Architecture) -> list[tuple[str, str]]:
    rows = [
        ("family", found.kind),
        ("weights", f"{found.num_weights:,}"),
        ("active for one token", f"{found.num_active:,}"),
        ("layers", _layers(found)),
        ("cache for each token, 16 bits", _size(2 * found.cache_values_per_token)),
        ("state for each sequence", _size(found.state_bytes)),
        ("made for", f"{found.context_tokens:,} tokens"),
    ]
    if found.num_experts:
        share = f"{found.num_experts_used} of {found.num_experts} in each layer"
        rows.insert(3, ("routed experts", share))
    if found.file_bytes:
        rows.append(("stored in", _size(found.file_bytes)))
    return rows


def _layers(found: Architecture) -> str:
    num_recurrent = found.num_layers - found.num_attention_layers
    if not num_recurrent:
        return str(found.num_layers)
    return f"{found.num_attention_layers} with attention, {num_recurrent} with a recurrent state"


def _print(made: Plan, measured: float | None) -> None:
    machine = made.machine
    print_table(("model", made.architecture.name), _architecture_rows(made.architecture))
    print_lines(
        [
            "",
            f"this machine: {machine.num_cores} cores, {_size(machine.memory_bytes)} of memory, "
            f"{_size(machine.free_bytes)} free, read with {_size(machine.bandwidth)} a second",
            *(f"GPU: {it.name}, {_size(it.memory_bytes)}" for it in machine.gpus),
            f"{made.num_sequences} x {made.context_tokens:,} tokens: {_size(made.cache_bytes)} of keys "
            f"and values, {_size(made.state_bytes)} of recurrent state",
            "",
        ]
    )
    rows = [
        (
            it.quantisation,
            _size(it.weights_bytes),
            _size(it.needed_bytes),
            "yes" if it.fits else "no",
            _size(it.read_bytes_per_token),
            _speed(it.tokens_per_s),
            _speed(it.tokens_per_s_at_context),
            *((_size(it.gpu_bytes), _size(it.expert_bytes)) if it.expert_bytes else ()),
        )
        for it in made.rows
    ]
    columns = ("weights in", "size", "needed", "fits", "read a token", "tokens/s", "full context")
    has_experts = bool(made.architecture.num_experts)
    print_table(columns + (("on a GPU", "experts beside it") if has_experts else ()), rows)
    print_lines(["", *_said(made, measured)])


def _said(made: Plan, measured: float | None) -> list[str]:
    lines = [
        "tokens/s is a roof: every weight that a token uses is read from memory once, and memory is "
        "not read faster."
    ]
    found = made.architecture
    if not any(it.fits for it in made.rows):
        least = min(made.rows, key=lambda it: it.needed_bytes)
        missing = least.needed_bytes - made.machine.free_bytes
        lines.append(
            f"It does not fit here: {least.quantisation} needs {_size(least.needed_bytes)}, "
            f"{_size(missing)} more than is free."
        )
    if found.num_experts:
        lines += _why_experts(made)
    if found.num_attention_layers < found.num_layers:
        full = made.cache_bytes * found.num_layers // found.num_attention_layers
        lines.append(
            f"Only {found.num_attention_layers} of {found.num_layers} layers keep keys and values: "
            f"{_size(made.cache_bytes)}, where attention in all of them would keep {_size(full)}."
        )
    if measured is not None:
        roof = made.rows[0].tokens_per_s
        lines.append(
            f"measured: {_speed(measured)} tokens/s, {measured / roof:.0%} of the roof of "
            f"{made.rows[0].quantisation}"
        )
    return lines


def _why_experts(made: Plan) -> list[str]:
    found, it = made.architecture, _typical(made)
    times = found.num_weights / found.num_active
    share = f"{found.num_experts_used} of {found.num_experts} experts"
    return [
        "Why this can run where a dense model of its size cannot: "
        f"{found.num_weights / 1e9:.0f}B weights must be held ({_size(it.weights_bytes)} as "
        f"{it.quantisation}), but a token uses {found.num_active / 1e9:.1f}B of them, {share} "
        f"in each layer, and so reads {_size(it.read_bytes_per_token)}: at most "
        f"{_speed(it.tokens_per_s)} tokens/s here. A dense one of {found.num_weights / 1e9:.0f}B reads "
        f"all of it for every token, {times:.0f} times as much: at most "
        f"{_speed(it.dense_tokens_per_s)}.",
        f"Experts may lie in system memory: a GPU then needs {_size(it.gpu_bytes)}, and "
        f"{_size(it.expert_bytes)} lie beside it, of which a token reads "
        f"{_size(it.expert_bytes * found.expert_share)}.",
    ]


def _typical(made: Plan) -> Any:
    """The mixture that most people take, where it is planned."""
    return next((it for it in made.rows if it.quantisation == "q4_k_m"), made.rows[0])


def _speed(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _size(num_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:,.1f} GB"


async def _measure(spec: str) -> float:
    """Draw some tokens for one sequence, and return how many a second there were."""
    from journeyman.models import Streamer, open_model
    from journeyman.types import Completion, Prompt, Sampling

    is_bare = ":" not in spec and Path(spec).exists()
    kind = "gguf" if spec.endswith(".gguf") else "hf"
    model = await open_model(f"{kind}:{spec}" if is_bare else spec, on_progress=note)
    try:
        if not isinstance(model, Streamer):
            raise JourneymanError(f"{spec} draws no tokens", "measure a GGUF file or a folder")
        prompt = Prompt(messages=(), text="One, two, three, four, five, six, seven, eight,")
        sampling = Sampling(temperature=0.0, max_tokens=_NUM_MEASURED)
        # The first time, the weights may come from the disk.
        for _ in range(2):
            times = [
                time.monotonic()
                async for it in model.stream(prompt, sampling)
                if not isinstance(it, Completion)
            ]
    finally:
        await model.close()
    return (len(times) - 1) / (times[-1] - times[0])
