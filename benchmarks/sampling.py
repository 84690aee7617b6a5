"""Tokens that `hf:FOLDER` draws, beside `generate` of transformers on a static batch, in one run.

Three loads: prompts of their own, the samples of one group (one prompt, many seeds), and second turns
that extend what was drawn. Counted is the processor's time, so that others on the machine matter less;
one thread.

    python benchmarks/sampling.py [FOLDER] [--at-once 1 8 32] [--prompt 200] [--tokens 100] [--json]

Without a folder it makes one of the preset `tiny`, with random weights.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from journeyman.models import LocalSettings
from journeyman.models.torch_local import TorchLocalModel
from journeyman.train.model.folder import create_model
from journeyman.train.tokenizer import train_tokenizer
from journeyman.types import Completion, Prompt, Sampling


def make_folder(folder: Path) -> None:
    """Make a model with random weights."""
    texts = [path.read_text() for path in sorted(Path(__file__).parent.glob("*.py"))]
    create_model(folder, "tiny", train_tokenizer(texts, 1024), seed=0)


async def ours(model: TorchLocalModel, prompts: list[tuple[int, ...]], num: int) -> Any:
    """Draw all prompts at once; return tokens a second of a processor, and the completions."""

    async def one(tokens: tuple[int, ...]) -> Completion:
        prompt = Prompt(messages=(), token_ids=tokens)
        return await model.complete(prompt, Sampling(max_tokens=num))

    started = time.process_time()
    done = await asyncio.gather(*map(one, prompts))
    used_s = time.process_time() - started
    return sum(it.num_completion_tokens for it in done) / used_s, done


def theirs(module: Any, prompts: list[tuple[int, ...]], num: int) -> float:
    """The same with `generate`."""
    ids = torch.tensor(prompts)
    started = time.process_time()
    with torch.inference_mode():
        module.generate(ids, do_sample=True, max_new_tokens=num, min_new_tokens=num, pad_token_id=0)
    return len(prompts) * num / (time.process_time() - started)


async def measure(folder: Path, counts: list[int], num_in: int, num_out: int) -> list[Any]:
    """Return a row for every load."""
    model = await TorchLocalModel.open("it", LocalSettings(path=folder, num_threads=1))
    model._ends = frozenset()  # noqa: SLF001 - every completion as long as the others
    chance = random.Random(0)
    size = model.module.config.vocab_size
    rows = []

    def fresh() -> tuple[int, ...]:
        return tuple(chance.randrange(size) for _ in range(num_in))

    await ours(model, [fresh()], 4)
    for count in counts:
        prompts = [fresh() for _ in range(count)]
        loads = {"own prompts": prompts, "one group": [fresh()] * count}
        for name, load in loads.items():
            speed, done = await ours(model, load, num_out)
            row = {"at_once": count, "load": name, "ours": speed}
            rows.append(row | {"generate": theirs(model.module, load, num_out)})
            if name == "own prompts":
                pairs = zip(load, done, strict=True)
                longer = [(*first, *it.token_ids, 1, 2, 3) for first, it in pairs]
        speed, _ = await ours(model, longer, num_out)
        row = {"at_once": count, "load": "second turns", "ours": speed}
        rows.append(row | {"generate": theirs(model.module, longer, num_out)})
    await model.close()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--prompt", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch, "tiny")
        if options.folder is None:
            make_folder(folder)
        rows = asyncio.run(measure(folder, options.at_once, options.prompt, options.tokens))
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'at once':>8} {'load':>14} {'ours':>8} {'generate':>9} {'ratio':>6}")
    for row in rows:
        ratio = row["ours"] / row["generate"]
        cells = f"{row['ours']:8.0f} {row['generate']:9.0f} {ratio:6.2f}"
        print(f"{row['at_once']:8} {row['load']:>14} {cells}")
    print("tokens for each second of one processor")


if __name__ == "__main__":
    main()
