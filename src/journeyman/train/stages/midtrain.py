"""Mid-training: source files as repository documents, a share of them with a hole to be filled.

settings = MidtrainSettings(model=Path("models/tiny"), corpus=(Path("src"),))
with RunFolder.create(...) as run:
    midtrain(settings, run)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.train.filters.clean import CleanSettings
from journeyman.train.packing import LongDocuments, Method
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["MidtrainSettings", "midtrain"]


class MidtrainSettings(Config):
    """What is trained on what."""

    model: Path
    """Folder of the model to begin with."""
    corpus: tuple[Path, ...] = ()
    """Folders of source files, a repository each."""
    filters: CleanSettings = CleanSettings()
    """What of them is left out."""
    documents: tuple[Path, ...] = ()
    """JSONL files of documents that `journeyman data` wrote, e.g. of pull requests."""
    conversations: tuple[Path, ...] = ()
    """JSONL files of conversations, e.g. questions and answers, or holes filled in a chat."""
    encoded: Path | None = None
    """Folder that `journeyman data encode` wrote, in place of corpus, documents and conversations: rows
    are read from disk as they are needed."""
    templates: tuple[str, ...] = ("qwen3_coder",)
    """Templates that conversations are written in: `NAME`, `NAME=WEIGHT`, or `all`."""
    repository_share: float = Field(default=0.3, ge=0, le=1)
    """Share of a folder's files without holes that stand together in documents of several files, in the
    order of their imports and written in one of several forms."""
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
    fills_per_file: int = Field(default=1, ge=1)
    """Most documents with a hole that a file gives, each with another part of it around another hole."""
    fill_characters: int = Field(default=0, ge=0)
    """Most characters of a file around a hole; 0 for as many as fit a row. A file that is shorter than
    `fills_per_file` times as many gives fewer documents."""
    suffix_first_share: float = Field(default=0.5, ge=0, le=1)
    """Share of those, and of the holes of an exam, in which the suffix comes before the prefix."""
    line_share: float = Field(default=0.4, ge=0, le=1)
    """Share of them whose hole is made of whole lines."""
    word_share: float = Field(default=0.3, ge=0, le=1)
    """Share of them whose hole is a few words of one line; the rest are between any characters."""
    num_fill_exercises: int = Field(default=0, ge=0)
    """Holes of a few words in held-out files that are filled at each checkpoint, for the share of those
    filled exactly; around them are `fill_characters`, or 600."""
    min_repeat: int = Field(default=0, ge=0)
    """Runs of at least this many tokens that were there before leave the loss; 0 keeps them."""
    held_out_share: float = Field(default=0.02, ge=0, lt=1)
    """Share of files that are never trained on and give the held-out loss."""
    trainer: TrainerSettings = TrainerSettings()


def midtrain(
    settings: MidtrainSettings,
    run: RunFolder | None,
    *,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path | None:
    """Train, and return the folder of the trained model, `model/` in the run."""
    from journeyman.train.stages.encoded_corpus import find_documents
    from journeyman.train.stages.fill_exam import FillExam
    from journeyman.train.stages.result import Training, train_model
    from journeyman.train.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(settings.model)
    found = find_documents(settings, tokenizer)
    if not found.train:
        raise JourneymanError(
            f"nothing to train on: {found.describe()}",
            "add --corpus FOLDER, or --documents FILE of journeyman data",
        )
    if on_progress is not None:
        on_progress(found.describe())
    exam = None
    if settings.num_fill_exercises and found.held_out_files:
        exam = FillExam(
            found.held_out_files,
            tokenizer,
            settings.num_fill_exercises,
            seed=settings.trainer.seed,
            num_characters=settings.fill_characters or 600,
            suffix_first_share=settings.suffix_first_share,
        )
    training = Training(
        model=settings.model,
        documents=found.train,
        held_out=found.held_out,
        trainer=settings.trainer,
        capacity=settings.row_length,
        method=settings.packing,
        long=settings.long_documents,
        overlap=settings.overlap,
        measure=exam,
    )
    return train_model(training, tokenizer, run, on_step=on_step, on_progress=on_progress)
