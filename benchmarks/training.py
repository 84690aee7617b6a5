"""Useful tokens per second of training: ours beside the plain library's ways, in one run.

The same tiny Qwen3-Next, the same documents, optimiser and machine, in turns. Useful is a token that is
trained on for the first time, in a row that holds its document whole. The plain ways are those of
`transformers.Trainer` with its own collator, on the library's own model:

    arrival   documents padded to the longest of their pass, in the order of arrival; eight a pass, as is
              the library's default
    sorted    the same, grouped by length as `group_by_length` does
    wide      the same, sixty-four a pass, which is about as many tokens as ours has in one
    stream    documents one after the other, cut every `row_length` tokens (the `run_clm` recipe)
    … eager   with the library's loop over experts in place of its grouped products

Ours packs with best-fit, isolates documents, and has the router's auxiliary loss, which the plain ways
leave out. A pass is drawn from all over the epoch, so that long and short documents both come.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--steps 12] [--experts 16 512]
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path

import torch
from torch.nn.utils import clip_grad_norm_
from transformers import (
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerFast,
    Qwen3NextConfig,
    Qwen3NextForCausalLM,
)
from transformers.trainer_pt_utils import get_length_grouped_indices
from transformers.utils import logging

from journeyman.train.corpus import find_files
from journeyman.train.documents import Encoded
from journeyman.train.model.folder import create_network
from journeyman.train.model.presets import PRESETS
from journeyman.train.tokenizer import train_tokenizer
from journeyman.train.trainer.objective import count_totals, cross_entropy
from journeyman.train.trainer.optimizer import make_optimizer
from journeyman.train.trainer.rows import RowSource, make_batch
from journeyman.train.trainer.settings import TrainerSettings
from journeyman.train.trainer.throughput import flops_per_token, measure_peak

SETTINGS = TrainerSettings(num_steps=1, num_warmup_steps=0)
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
GOLDEN = 0.618


class Ours:
    """Best-fit rows, isolated documents, grouped experts, our objective."""

    def __init__(self, documents, preset, row_length, rows, pad_id):
        encoded = [Encoded.of(it, [1] * len(it)) for it in documents]
        self.source = RowSource(encoded, capacity=row_length, pad_id=pad_id, seed=0)
        self.network, self.rows = create_network(preset, seed=0).to(DEVICE), rows
        self.optimizer = make_optimizer(self.network, SETTINGS)
        self.objective = cross_entropy(SETTINGS)
        self.step = 0
        plan = self.source.plan
        whole = [
            length
            for length, document in zip(plan.pieces.lengths, plan.pieces.documents, strict=True)
            if length == len(documents[document])
        ]
        self.share = sum(whole) / (len(plan.rows) * row_length)

    def take_step(self):
        batch = make_batch(self.source.of_step(self.step, rows_per_step=self.rows), DEVICE)
        self.step += 1
        self.objective(self.network, batch, count_totals([batch])).loss.backward()
        _finish(self.network, self.optimizer)
        return batch.token_ids.numel() * self.share


class Plain:
    """What `Trainer.training_step` does with the library's collator: forward with labels, backward."""

    def __init__(self, model, optimizer, tokenizer, passes, experts="grouped_mm"):
        self.model, self.optimizer = model, optimizer
        self.collate = DataCollatorForLanguageModeling(tokenizer, mlm=False)
        self.passes, self.experts = passes, experts
        self.step = 0

    def take_step(self):
        self.model.set_experts_implementation(self.experts)
        blocks, useful = self.passes[int(self.step * GOLDEN * len(self.passes)) % len(self.passes)]
        self.step += 1
        batch = self.collate([{"input_ids": it} for it in blocks]).to(DEVICE)
        self.model(**batch).loss.backward()
        _finish(self.model, self.optimizer)
        return useful


def _finish(model, optimizer):
    clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def padded(documents, order, number):
    """Passes of so many documents in an order; all their tokens are useful."""
    chosen = [
        [documents[it] for it in order[at : at + number]] for at in range(0, len(order), number)
    ]
    return [(it, sum(map(len, it))) for it in chosen]


def stream(documents, row_length, number):
    """Cut the stream every `row_length` tokens; useful are the documents that no cut went through."""
    tokens = list(chain.from_iterable(documents))
    useful = [0] * (len(tokens) // row_length + 1)
    at = 0
    for document in documents:
        first, last = at // row_length, (at + len(document) - 1) // row_length
        if first == last:
            useful[first] += len(document)
        at += len(document)
    blocks = [tokens[at : at + row_length] for at in range(0, len(tokens) - row_length, row_length)]
    return [
        (blocks[at : at + number], sum(useful[at : at + number]))
        for at in range(0, len(blocks) - number + 1, number)
    ]


def load(row_length, vocab_size, limit):
    """Functions and classes of the standard library: documents of the lengths that code has."""
    root = Path(statistics.__file__).parent
    texts = []
    for name in ("json", "asyncio", "email", "logging", "http", "concurrent", "urllib", "xml"):
        for file in find_files([root / name]):
            marked = file.text
            for start in ("class ", "def ", "    def "):
                marked = marked.replace(f"\n{start}", f"\n\0{start}")
            texts += [it for it in marked.split("\0") if it.strip()]
    tokenizer = train_tokenizer(texts, vocab_size)
    documents = [[*tokenizer.plain_ids(it), tokenizer.pad_id] for it in texts]
    return [it for it in documents if len(it) <= row_length][:limit], tokenizer


def make_ways(documents, tokenizer, preset, options):
    """Return the ways by name; the plain ones share a model, as all that is taken is time."""
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer.tokenizer, pad_token="<|endoftext|>")
    model = Qwen3NextForCausalLM(Qwen3NextConfig(**preset.settings())).to(DEVICE)
    optimizer = make_optimizer(model, SETTINGS)
    lengths = list(map(len, documents))
    by_length = {
        number: get_length_grouped_indices(
            lengths, number, generator=torch.Generator().manual_seed(0)
        )
        for number in (8, 64)
    }
    passes = {
        "arrival": padded(documents, range(len(documents)), 8),
        "sorted": padded(documents, by_length[8], 8),
        "wide": padded(documents, by_length[64], 64),
        "stream": stream(documents, options.row_length, options.rows),
    }
    ours = Ours(documents, preset, options.row_length, options.rows, tokenizer.pad_id)
    ways = {"ours": ours} | {name: Plain(model, optimizer, fast, it) for name, it in passes.items()}
    for name in ("arrival", "stream"):
        ways[f"{name}, eager"] = Plain(model, optimizer, fast, passes[name], "eager")
    return ways


def compare(ways, steps):
    """Return each way's useful tokens per CPU second, over all steps but a first one."""
    for it in ways.values():
        it.take_step()
    sums = {name: [0.0, 0.0] for name in ways}
    for _ in range(steps):
        for name, way in ways.items():
            clock = time.process_time()
            sums[name][0] += way.take_step()
            sums[name][1] += time.process_time() - clock
    return {name: tokens / spent for name, (tokens, spent) in sums.items()}


def main():
    """Print a line a way, and the ratios, for each number of experts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--experts", type=int, nargs="+", default=[16, 512])
    parser.add_argument("--row-length", type=int, default=512)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--documents", type=int, default=4000)
    options = parser.parse_args()
    logging.set_verbosity_error()
    tiny = PRESETS["tiny"]
    documents, tokenizer = load(options.row_length, tiny.vocab_size, options.documents)
    lengths = list(map(len, documents))
    print(
        f"{len(documents)} documents, mean {statistics.mean(lengths):.0f} tokens, longest "
        f"{max(lengths)}; rows of {options.row_length}; {torch.get_num_threads()} thread"
    )
    for experts in options.experts:
        preset = replace(tiny, num_experts=experts, num_mtp_layers=0)
        ways = make_ways(documents, tokenizer, preset, options)
        paces = compare(ways, options.steps)
        print(f"\n{experts} experts: {'way':18} useful tokens / CPU second   ours is")
        for name, pace in paces.items():
            print(f"{name:30} {pace:12,.0f}              {paces['ours'] / pace:6.2f} times")
        peak = measure_peak(DEVICE, torch.float32)
        share = paces["ours"] * flops_per_token(ways["ours"].network) / peak
        print(
            f"utilisation of ours: {share:.1%} of {peak / 1e9:.0f} GFLOP/s, one thread", flush=True
        )


if __name__ == "__main__":
    main()
