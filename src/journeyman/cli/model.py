"""`journeyman model`: which models can be named, what one takes and does here, and new ones."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from cyclopts import App

from journeyman.cli.model_merge import merge
from journeyman.cli.model_plan import describe, plan
from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.errors import JourneymanError
from journeyman.models import list_models, open_model
from journeyman.types import Message, Prompt, Sampling

__all__ = ["app"]

app = App(name="model", help="Which models can be named, and what one does on this machine.")
app.command(plan)
app.command(describe)
app.command(merge)


@app.command(name="list")
def list_all(*, json: bool = False) -> int:
    """Show the models that `--model` takes.

    Parameters
    ----------
    json
        Print the list as JSON.
    """
    known = list_models()
    if json:
        print_json(known)
    else:
        print_table(("model", "what it is"), known.items())
    return 0


@app.command(name="try")
def try_one(
    spec: str,
    prompt: str = "Write a Python function that adds two numbers.",
    /,
    *,
    max_tokens: int = 64,
    json: bool = False,
) -> int:
    """Open a model, let it complete one prompt, and say how fast it was.

    Parameters
    ----------
    spec
        The model, as `--model` takes it.
    prompt
        What to say to it.
    max_tokens
        Most tokens of the answer.
    json
        Print the completion as JSON.
    """
    record = asyncio.run(_try(spec, prompt, max_tokens))
    if json:
        print_json(record)
        return 0
    print_lines([record["text"], ""])
    note(
        f"{record['num_completion_tokens']} tokens in {record['duration_s']:.2f} s, "
        f"{record['tokens_per_s']:.0f} a second; {record['num_prompt_tokens']} prompt tokens"
    )
    return 0


@app.command(name="init")
def init(
    folder: Path,
    /,
    *,
    preset: str = "tiny",
    tokenizer: str = "train",
    corpus: tuple[Path, ...] = (),
    conversations: tuple[Path, ...] = (),
    vocab_size: int | None = None,
    width: int = 96,
    layers: int = 3,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Make a model with random weights, and its tokenizer, in a new folder.

    Parameters
    ----------
    folder
        Where; it must not be there yet.
    preset
        Its size: 80b-a3b, 1b-a100m or tiny; or llama, a plain one of any size.
    tokenizer
        A folder or a `tokenizer.json` to take; `train` learns one from the corpus.
    corpus
        A folder of source files to learn the tokenizer from; again for more.
    conversations
        A JSONL file of conversations to learn the tokenizer from; again for more.
    vocab_size
        Tokens of the model's vocabulary, and the most of a learned tokenizer; the preset's where none is
        given.
    width
        Channels of a llama, a multiple of 32.
    layers
        Layers of a llama.
    seed
        Seed of the weights.
    json
        Print what was made as JSON.
    """
    from journeyman.train.extra import require_extra

    require_extra()
    from journeyman.train.model.folder import create_model
    from journeyman.train.model.info import describe
    from journeyman.train.model.llama import LlamaSize, create_llama
    from journeyman.train.model.presets import get_preset

    size = vocab_size or (_LLAMA_VOCABULARY if preset == "llama" else get_preset(preset).vocab_size)
    chosen = _tokenizer(tokenizer, corpus, conversations, size)
    if preset == "llama":
        create_llama(folder, chosen, LlamaSize(width=width, num_layers=layers), seed=seed)
    else:
        create_model(folder, preset, chosen, seed=seed, vocab_size=vocab_size)
    record = asdict(describe(str(folder)))
    if json:
        print_json({"folder": str(folder), **record})
    else:
        note(f"{record['counts']['total']:,} parameters in {folder}")
    return 0


@app.command(name="import")
def import_model(source: str, folder: Path, /, *, json: bool = False) -> int:
    """Read a GGUF file into a new folder that can be trained: weights, architecture, tokenizer.

    Parameters
    ----------
    source
        `smollm2`, or a GGUF file.
    folder
        Where; it must not be there yet.
    json
        Print what was made as JSON.
    """
    from journeyman.train.extra import require_extra

    require_extra()
    from journeyman.models.smollm2 import obtain_smollm2
    from journeyman.train.gguf_files.importing import import_gguf
    from journeyman.train.model.info import describe

    is_small = source == "smollm2"
    path = asyncio.run(obtain_smollm2(note)) if is_small else Path(source.removeprefix("gguf:"))
    import_gguf(path, folder)
    record = asdict(describe(str(folder)))
    if json:
        print_json({"folder": str(folder), **record})
    else:
        note(f"{record['counts']['total']:,} parameters in {folder}")
    return 0


@app.command(name="export")
def export_model(
    folder: Path,
    target: Path,
    /,
    *,
    weights: Literal["f32", "f16", "bf16", "q8_0"] = "f16",
    json: bool = False,
) -> int:
    """Write a model as a GGUF file that llama.cpp runs, or as a Hugging Face folder.

    Parameters
    ----------
    folder
        The model's folder.
    target
        A new file `NAME.gguf`, or a new folder.
    weights
        What a GGUF file's matrices are kept in; a folder keeps the model's own.
    json
        Print what was made as JSON.
    """
    from journeyman.train.extra import require_extra

    require_extra()
    from journeyman.train.gguf_files.exporting import export_gguf
    from journeyman.train.model.folder import load_network
    from journeyman.train.stages.result import save_result
    from journeyman.train.tokenizer import load_tokenizer

    network, tokenizer = load_network(folder), load_tokenizer(folder)
    if target.suffix == ".gguf":
        export_gguf(network, tokenizer, target, kind=weights)
    elif target.exists():
        raise JourneymanError(f"{target} exists already", "give another folder, or remove this one")
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        save_result(network, tokenizer, target)
    if json:
        print_json({"target": str(target)})
    else:
        note(f"wrote {target}")
    return 0


@app.command(name="info")
def info(model: str, /, *, json: bool = False) -> int:
    """Say what a preset or a model's folder takes: parameters, and bytes of memory.

    Parameters
    ----------
    model
        A preset, or a folder in the Hugging Face layout.
    json
        Print the figures as JSON.
    """
    from journeyman.train.extra import require_extra

    require_extra()
    from journeyman.train.model.info import describe

    found = describe(model)
    if json:
        print_json(asdict(found))
        return 0
    counts = found.counts
    rows = [
        ("parameters", f"{counts.total:,}"),
        ("without embeddings", f"{counts.total_without_embeddings:,}"),
        ("active for one token", f"{counts.active:,}"),
        ("active without embeddings", f"{counts.active_without_embeddings:,}"),
        ("multi-token prediction, on top", f"{counts.mtp:,}"),
        ("weights in bf16", _size(found.weights_bytes)),
        ("training states, AdamW", _size(found.training_bytes)),
        ("cache for each token", _size(found.cache_bytes_per_token)),
        ("state for each sequence", _size(found.state_bytes_per_sequence)),
    ]
    print_table(("figure", model), rows)
    return 0


_LLAMA_VOCABULARY = 2048


def _tokenizer(
    source: str, corpus: tuple[Path, ...], conversations: tuple[Path, ...], size: int
) -> Any:
    from journeyman.templates import get_template
    from journeyman.train.corpus import find_files
    from journeyman.train.documents.conversation import read_conversations
    from journeyman.train.tokenizer import load_tokenizer, train_tokenizer

    if source != "train":
        return load_tokenizer(Path(source))
    if not corpus and not conversations:
        raise JourneymanError(
            "no corpus to learn a tokenizer from", "add --corpus FOLDER, or --tokenizer FOLDER"
        )
    render = get_template("hermes").render
    said = (
        render(it.messages, it.tools) for path in conversations for it in read_conversations(path)
    )
    return train_tokenizer(chain((file.text for file in find_files(corpus)), said), size)


def _size(num_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.4g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.4g} TB"


async def _try(spec: str, text: str, max_tokens: int) -> dict[str, Any]:
    from journeyman.templates import get_template

    model = await open_model(spec, on_progress=note)
    try:
        messages = (Message(role="user", content=text),)
        template = get_template("hermes")
        rendered = template.render(messages) if model.reads_text else None
        started = time.monotonic()
        done = await model.complete(
            Prompt(messages=messages, text=rendered),
            Sampling(max_tokens=max_tokens, temperature=0.0, stop=template.stop),
        )
        duration_s = time.monotonic() - started
    finally:
        await model.close()
    return {
        "model": model.name,
        "text": done.text or (done.message.content if done.message else ""),
        "num_prompt_tokens": done.num_prompt_tokens,
        "num_completion_tokens": done.num_completion_tokens,
        "duration_s": duration_s,
        "tokens_per_s": done.num_completion_tokens / duration_s if duration_s else 0.0,
        "finish_reason": done.finish_reason,
    }
