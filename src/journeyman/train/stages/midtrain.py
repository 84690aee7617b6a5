"""Mid-training: source files as repository documents, a share of them with a hole to be filled.

settings = MidtrainSettings(model=Path("models/tiny"), corpus=(Path("src"),))
with RunFolder.create(...) as run:
    midtrain(settings, run)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.train.corpus import find_files
from journeyman.train.documents import (
    Document,
    Encoded,
    SourceFile,
    encode,
    hole_between_characters,
    hole_between_lines,
    mask_repeats,
    repository_document,
)
from journeyman.train.documents.encode import Encoder
from journeyman.train.documents.repository import fill_in_repository
from journeyman.train.packing import LongDocuments, Method
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["MidtrainSettings", "make_documents", "midtrain"]


class MidtrainSettings(Config):
    """What is trained on what."""

    model: Path
    """Folder of the model to begin with."""
    corpus: tuple[Path, ...] = ()
    """Folders of source files."""
    row_length: int = Field(default=1024, ge=2)
    """Tokens of a row: the context."""
    packing: Method = "best_fit"
    """How documents are put into rows."""
    long_documents: LongDocuments = "split"
    """What becomes of documents longer than a row."""
    overlap: int = Field(default=0, ge=0)
    """Tokens that the windows of `slide` share."""
    fill_share: float = Field(default=0.5, ge=0, le=1)
    """Share of files that have a hole to be filled."""
    suffix_first_share: float = Field(default=0.5, ge=0, le=1)
    """Share of those in which the suffix comes before the prefix."""
    line_share: float = Field(default=0.5, ge=0, le=1)
    """Share of those whose hole is made of whole lines."""
    min_repeat: int = Field(default=0, ge=0)
    """Runs of at least this many tokens that were there before leave the loss; 0 keeps them."""
    held_out_share: float = Field(default=0.02, ge=0, lt=1)
    """Share of files that are never trained on and give the held-out loss."""
    trainer: TrainerSettings = TrainerSettings()


def make_documents(
    files: Iterable[SourceFile], settings: MidtrainSettings, tokenizer: Encoder
) -> tuple[list[Encoded], list[Encoded]]:
    """Return the documents to train on, and the held-out ones, which have no holes.

    What becomes of a file depends on its path and the seed alone, not on the files beside it.
    """
    train: list[Encoded] = []
    held_out: list[Encoded] = []
    for file in files:
        draw = Random(f"{settings.trainer.seed} {file.path}")  # noqa: S311
        if _share_of(file.path) < settings.held_out_share:
            held_out.append(encode(repository_document("", [file]), tokenizer))
            continue
        encoded = encode(_document(file, settings, draw), tokenizer)
        if settings.min_repeat:
            encoded = mask_repeats(encoded, settings.min_repeat)
        train.append(encoded)
    return train, held_out


def midtrain(
    settings: MidtrainSettings,
    run: RunFolder,
    *,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path:
    """Train, and return the folder of the trained model, `model/` in the run."""
    from journeyman.train.model.folder import load_network
    from journeyman.train.stages.result import save_result, train_on
    from journeyman.train.tokenizer import load_tokenizer

    if not settings.corpus:
        raise JourneymanError("no corpus to train on", "add --corpus FOLDER")
    tokenizer = load_tokenizer(settings.model)
    documents, held_out = make_documents(find_files(settings.corpus), settings, tokenizer)
    network = load_network(settings.model)
    train_on(
        network,
        documents,
        settings.trainer,
        run,
        held_out=held_out,
        capacity=settings.row_length,
        pad_id=tokenizer.pad_id,
        method=settings.packing,
        long=settings.long_documents,
        overlap=settings.overlap,
        on_step=on_step,
        on_progress=on_progress,
    )
    return save_result(network, tokenizer, run.path / "model")


def _document(file: SourceFile, settings: MidtrainSettings, draw: Random) -> Document:
    if draw.random() >= settings.fill_share:
        return repository_document("", [file])
    order = "spm" if draw.random() < settings.suffix_first_share else "psm"
    by_lines = draw.random() < settings.line_share
    cut = hole_between_lines if by_lines else hole_between_characters
    return fill_in_repository("", [], file.path, cut(file.text, draw), order=order)  # type: ignore[arg-type]


def _share_of(path: str) -> float:
    """Return a number in [0, 1) that only the path decides."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") / 2**32
