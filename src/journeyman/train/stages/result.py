"""What every stage does with its documents, and with the model at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from journeyman.cache import fill_once
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.runs.storage import explain_storage
from journeyman.train.documents import Encoded
from journeyman.train.model.folder import save_network
from journeyman.train.model.network import Network
from journeyman.train.packing import LongDocuments, Method
from journeyman.train.tokenizer import PlainTokenizer, save_tokenizer
from journeyman.train.trainer.loop import Trainer
from journeyman.train.trainer.rows import RowSource
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["save_result", "train_on"]


def train_on(
    network: Network,
    documents: Sequence[Encoded],
    settings: TrainerSettings,
    run: RunFolder,
    *,
    held_out: Sequence[Encoded] = (),
    capacity: int,
    pad_id: int,
    method: Method = "best_fit",
    long: LongDocuments = "split",
    overlap: int = 0,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> None:
    """Pack documents into rows and train. `JourneymanError` for ids that the model does not have."""
    size = network.base.config.vocab_size
    highest = max((max(it.token_ids, default=0) for it in documents), default=0)
    if highest >= size:
        raise JourneymanError(
            f"the data has token {highest}, and the model's vocabulary ends at {size - 1}",
            "train the model that the data was made with, or tokenise the data with its tokenizer",
        )
    rows = RowSource(
        documents,
        capacity=capacity,
        pad_id=pad_id,
        seed=settings.seed,
        method=method,
        long=long,
        overlap=overlap,
    )
    if on_progress is not None:
        rates = rows.rates
        on_progress(
            f"{len(documents):,} documents in {len(rows):,} rows of {capacity:,} tokens: "
            f"padding {rates.padding:.2%}, cut {rates.fragmented:.2%}, dropped {rates.dropped:.2%}"
        )
    aside = None
    if any(len(it) for it in held_out):
        aside = RowSource(held_out, capacity=capacity, pad_id=pad_id, seed=0)
    Trainer(network, rows, settings, run, held_out=aside, on_step=on_step).train()


def save_result(network: Network, tokenizer: PlainTokenizer, place: Path) -> Path:
    """Write the trained model and its tokenizer as a folder that is whole or absent."""

    def fill(scratch: Path) -> None:
        save_network(network, scratch)
        save_tokenizer(tokenizer, scratch)

    with explain_storage(place):
        return fill_once(place, fill)
