"""What every stage does with its documents: load the model, pack, train, and save the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from journeyman.cache import fill_once
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.runs.storage import explain_storage
from journeyman.train.documents import Encoded
from journeyman.train.documents.token_store import TokenStore
from journeyman.train.model.folder import load_network, save_network
from journeyman.train.model.lora import add_adapters
from journeyman.train.model.lora_settings import LoraSettings
from journeyman.train.model.network import Network
from journeyman.train.packing import LongDocuments, Method
from journeyman.train.tokenizer import PlainTokenizer, save_tokenizer
from journeyman.train.trainer.loop import Measure, Trainer
from journeyman.train.trainer.objective import Objective
from journeyman.train.trainer.processes import Processes
from journeyman.train.trainer.rows import RowSource
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["Training", "save_result", "train_model"]


@dataclass(frozen=True, slots=True)
class Training:
    """What is trained on what, whatever the stage."""

    model: Path
    documents: Sequence[Encoded]
    trainer: TrainerSettings
    capacity: int
    """Tokens of a row."""
    held_out: Sequence[Encoded] = ()
    lora: LoraSettings = field(default_factory=LoraSettings)
    method: Method = "best_fit"
    long: LongDocuments = "split"
    overlap: int = 0
    objective: Objective | None = None
    measure: Measure | None = None
    group_size: int = 1
    """Neighbouring documents that lie in one row together."""
    before: Callable[[Processes, RowSource], None] | None = None
    """Called with the network as it begins, in all processes, before a checkpoint is read."""


def train_model(
    training: Training,
    tokenizer: PlainTokenizer,
    run: RunFolder | None,
    *,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path | None:
    """Train, and return the folder of the trained model; None in processes without a run folder.

    Raises `JourneymanError` for documents whose ids the model does not have, or of which none fits.
    """
    settings = training.trainer
    rows = pack(training, training.documents, tokenizer, seed=settings.seed)
    if on_progress is not None:
        on_progress(_describe(rows, len(training.documents)))
    network = load_network(training.model)
    _check_ids(training, network)
    adapters = None
    if training.lora.rank:
        if settings.precision == "bfloat16" or torch.cuda.is_available():
            network.to(torch.bfloat16)
        adapters = add_adapters(network, training.lora, seed=settings.seed)
    held_out = [it for it in training.held_out if len(it)]
    trainer = Trainer(
        network,
        rows,
        settings,
        run,
        objective=training.objective,
        measure=training.measure,
        held_out=pack(training, held_out, tokenizer, seed=0) if held_out else None,
        samples=held_out or training.documents,
        decode=tokenizer.decode,
        on_step=on_step,
    )
    if training.before is not None:
        training.before(trainer.processes, rows)
    trainer.train()
    if trainer.processes.is_sharded:
        network = _gathered(training, trainer, adapters is not None)
    if run is None:
        return None
    if adapters is not None:
        with explain_storage(run.path / "adapter"):
            adapters.save(run.path / "adapter")
        adapters.merge()
    return save_result(network, tokenizer, run.path / "model")


def pack(
    training: Training, documents: Sequence[Encoded], tokenizer: PlainTokenizer, *, seed: int
) -> RowSource:
    """Pack documents into rows as a training says."""
    return RowSource(
        documents,
        capacity=training.capacity,
        pad_id=tokenizer.pad_id,
        seed=seed,
        method=training.method,
        long=training.long,
        overlap=training.overlap,
        group_size=training.group_size,
    )


def save_result(network: Network, tokenizer: PlainTokenizer, place: Path) -> Path:
    """Write the trained model and its tokenizer as a folder that is whole or absent."""

    def fill(scratch: Path) -> None:
        save_network(network, scratch)
        save_tokenizer(tokenizer, scratch)

    with explain_storage(place):
        return fill_once(place, fill)


def _check_ids(training: Training, network: Network) -> None:
    size = network.base.config.vocab_size
    documents = training.documents
    if isinstance(documents, TokenStore):
        highest = documents.highest_id
    else:
        highest = max((max(it.token_ids, default=0) for it in documents), default=0)
    if highest >= size:
        raise JourneymanError(
            f"the data has token {highest}, and the model's vocabulary ends at {size - 1}",
            "train the model that the data was made with, or tokenise the data with its tokenizer",
        )


def _describe(rows: RowSource, num_documents: int) -> str:
    rates = rows.rates
    return (
        f"{num_documents:,} documents in {len(rows):,} rows of {rows.plan.capacity:,} tokens: "
        f"padding {rates.padding:.2%}, cut {rates.fragmented:.2%}, dropped {rates.dropped:.2%}"
    )


def _gathered(training: Training, trainer: Trainer, has_adapters: bool) -> Network:
    """Return a network of this process's own with the trained weights of a sharded one."""
    if has_adapters:
        raise JourneymanError(
            "adapters of a sharded model cannot be merged here",
            "the last checkpoint holds them; train without sharding, or without --lora.rank",
        )
    state = trainer.processes.weights()
    network = load_network(training.model)
    if trainer.processes.is_first:
        network.load_state_dict(state, strict=False)
    return network
