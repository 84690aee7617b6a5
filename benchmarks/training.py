"""Useful tokens per second of training: ours beside the plain library's two ways, in one run.

The same tiny Qwen3-Next, the same documents, the same machine, one after the other in turns. Useful is a
token that is trained on for the first time, in a row that holds its document whole. The plain ways are
those of `transformers.Trainer` with its own collators:

    padding   one document a row, padded to the longest of the batch, longer ones truncated
    concat    documents one after the other, cut every `row_length` tokens (the `run_clm` recipe)

Both take eight a pass, which is the library's default; its experts are grouped by default, too, and
eager is its plain loop. Ours packs with best-fit, isolates documents and uses grouped experts. Loss and
optimiser are the same.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--rounds 3] [--experts 16]
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
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast
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
CPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Ours:
    """Best-fit rows, isolated documents, grouped experts, our objective."""

    def __init__(self, documents, network, row_length, rows, pad_id):
        encoded = [Encoded.of(it, [1] * len(it)) for it in documents]
        self.source = RowSource(encoded, capacity=row_length, pad_id=pad_id, seed=0)
        self.network, self.rows = network, rows
        self.optimizer = make_optimizer(network, SETTINGS)
        self.objective = cross_entropy(SETTINGS)
        self.step = 0
        plan = self.source.plan
        whole = {
            piece
            for piece in range(len(plan.pieces))
            if plan.pieces.lengths[piece] == len(documents[plan.pieces.documents[piece]])
        }
        self.share = sum(plan.pieces.lengths[it] for it in whole) / (len(plan.rows) * row_length)

    def take_step(self):
        rows = self.source.of_step(self.step, rows_per_step=self.rows)
        self.step += 1
        batch = make_batch(rows, CPU)
        self.objective(self.network, batch, count_totals([batch])).loss.backward()
        _finish(self.network, self.optimizer)
        return batch.token_ids.numel() * self.share


class Plain:
    """What `Trainer.training_step` does with the library's collator: forward with labels, backward."""

    def __init__(self, blocks, shares, network, rows, tokenizer):
        self.blocks, self.shares = blocks, shares
        self.model, self.rows = network.base, rows
        self.collate = DataCollatorForLanguageModeling(tokenizer, mlm=False)
        self.optimizer = make_optimizer(network, SETTINGS)
        self.network = network
        self.step = 0

    def take_step(self):
        chosen = [(self.step * self.rows + it) % len(self.blocks) for it in range(self.rows)]
        self.step += 1
        batch = self.collate([{"input_ids": self.blocks[it]} for it in chosen]).to(CPU)
        self.model(**batch).loss.backward()
        _finish(self.network, self.optimizer)
        return sum(self.shares[it] for it in chosen)


def _finish(network, optimizer):
    clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def concat(documents, row_length):
    """Cut the stream every `row_length` tokens; useful are the documents that no cut went through."""
    stream = list(chain.from_iterable(documents))
    blocks = [stream[at : at + row_length] for at in range(0, len(stream), row_length)]
    useful = [0] * len(blocks)
    at = 0
    for document in documents:
        first, last = at // row_length, (at + len(document) - 1) // row_length
        if first == last:
            useful[first] += len(document)
        at += len(document)
    return blocks[:-1], useful[:-1]


def load(row_length, vocab_size, limit):
    """Functions and classes of the standard library: documents of the lengths that code has."""
    root = Path(statistics.__file__).parent
    texts = []
    for name in ("json", "asyncio", "email", "logging", "http", "concurrent", "urllib", "xml"):
        for file in find_files([root / name]):
            texts += [
                it
                for it in file.text.replace("\nclass ", "\n\0class ")
                .replace("\ndef ", "\n\0def ")
                .replace("\n    def ", "\n\0    def ")
                .split("\0")
                if it.strip()
            ]
    tokenizer = train_tokenizer(texts, vocab_size)
    documents = [[*tokenizer.plain_ids(it), tokenizer.pad_id] for it in texts]
    return [it for it in documents if len(it) <= row_length][:limit], tokenizer


def main():
    """Print a line a way, and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--experts", type=int, default=16)
    parser.add_argument("--row-length", type=int, default=512)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--documents", type=int, default=4000)
    options = parser.parse_args()
    logging.set_verbosity_error()
    preset = replace(PRESETS["tiny"], num_experts=options.experts, num_mtp_layers=0)
    documents, tokenizer = load(options.row_length, preset.vocab_size, options.documents)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer.tokenizer, pad_token="<|endoftext|>")

    def network(kind):
        made = create_network(preset, seed=0).to(CPU)
        made.base.set_experts_implementation(kind)
        return made

    blocks, useful = concat(documents, options.row_length)
    lengths = [len(it) for it in documents]
    ways = {
        "ours": Ours(
            documents, network("grouped_mm"), options.row_length, options.rows, tokenizer.pad_id
        ),
        "padding": Plain(documents, lengths, network("grouped_mm"), options.rows, fast),
        "concat": Plain(blocks, useful, network("grouped_mm"), options.rows, fast),
        "padding, eager experts": Plain(documents, lengths, network("eager"), options.rows, fast),
        "concat, eager experts": Plain(blocks, useful, network("eager"), options.rows, fast),
    }
    paces = {name: [] for name in ways}
    for it in ways.values():
        it.take_step()
    for _ in range(options.rounds):
        for name, way in ways.items():
            clock, got = time.process_time(), 0.0
            for _ in range(2):
                got += way.take_step()
            paces[name].append(got / (time.process_time() - clock))
    ours = statistics.median(paces["ours"])
    peak = measure_peak(CPU, torch.float32)
    print(
        f"{len(documents)} documents, mean {statistics.mean(lengths):.0f} tokens, longest "
        f"{max(lengths)}; rows of {options.row_length}, {options.experts} experts"
    )
    print(f"{'way':24} useful tokens / CPU second   ours is")
    for name, found in paces.items():
        middle = statistics.median(found)
        print(f"{name:24} {middle:12,.0f}              {ours / middle:6.2f} times")
    flops = flops_per_token(ways["ours"].network)
    print(f"utilisation of ours: {ours * flops / peak:.1%} of {peak / 1e9:.0f} GFLOP/s, one thread")


if __name__ == "__main__":
    main()
