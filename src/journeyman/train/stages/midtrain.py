"""Mid-training: source files as repository documents, a share of them with a hole to be filled.

settings = MidtrainSettings(model=Path("models/tiny"), corpus=(Path("src"),))
with RunFolder.create(...) as run:
    midtrain(settings, run)
"""

from __future__ import annotations

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
    Holed,
    SourceFile,
    encode,
    hole_between_characters,
    hole_between_lines,
    hole_in_line,
    mask_repeats,
    repository_document,
    window,
)
from journeyman.train.documents.encode import Encoder
from journeyman.train.documents.repository import fill_in_repository
from journeyman.train.documents.split import share_of
from journeyman.train.packing import LongDocuments, Method
from journeyman.train.trainer.settings import TrainerSettings

_CHARACTERS_PER_TOKEN = 2

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
    line_share: float = Field(default=0.4, ge=0, le=1)
    """Share of them whose hole is made of whole lines."""
    word_share: float = Field(default=0.3, ge=0, le=1)
    """Share of them whose hole is a few words of one line; the rest are between any characters."""
    num_fill_exercises: int = Field(default=0, ge=0)
    """Holes of a few words in held-out files that are filled at each checkpoint, for the share of those
    filled exactly."""
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
        if share_of(file.path) < settings.held_out_share:
            held_out.append(encode(repository_document("", [file]), tokenizer))
            continue
        encoded = encode(_document(file, settings, draw), tokenizer)
        if settings.min_repeat:
            encoded = mask_repeats(encoded, settings.min_repeat)
        train.append(encoded)
    return train, held_out


def midtrain(
    settings: MidtrainSettings,
    run: RunFolder | None,
    *,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path | None:
    """Train, and return the folder of the trained model, `model/` in the run."""
    from journeyman.train.stages.fill_exam import FillExam
    from journeyman.train.stages.result import Training, train_model
    from journeyman.train.tokenizer import load_tokenizer

    if not settings.corpus:
        raise JourneymanError("no corpus to train on", "add --corpus FOLDER")
    tokenizer = load_tokenizer(settings.model)
    files = list(find_files(settings.corpus))
    documents, held_out = make_documents(files, settings, tokenizer)
    exam = None
    if settings.num_fill_exercises:
        aside = [it for it in files if share_of(it.path) < settings.held_out_share]
        exam = FillExam(aside, tokenizer, settings.num_fill_exercises, seed=settings.trainer.seed)
    training = Training(
        model=settings.model,
        documents=documents,
        held_out=held_out,
        trainer=settings.trainer,
        capacity=settings.row_length,
        method=settings.packing,
        long=settings.long_documents,
        overlap=settings.overlap,
        measure=exam,
    )
    return train_model(training, tokenizer, run, on_step=on_step, on_progress=on_progress)


def _document(file: SourceFile, settings: MidtrainSettings, draw: Random) -> Document:
    if draw.random() >= settings.fill_share:
        return repository_document("", [file])
    order = "spm" if draw.random() < settings.suffix_first_share else "psm"
    # What lies farther from the hole than a row is long would only cut the document.
    text = window(file.text, _CHARACTERS_PER_TOKEN * settings.row_length, draw)
    cut = _cut(settings, draw.random())
    return fill_in_repository("", [], file.path, cut(text, draw), order=order)  # type: ignore[arg-type]


def _cut(settings: MidtrainSettings, drawn: float) -> Callable[[str, Random], Holed]:
    if drawn < settings.line_share:
        return hole_between_lines
    if drawn < settings.line_share + settings.word_share:
        return hole_in_line
    return hole_between_characters
