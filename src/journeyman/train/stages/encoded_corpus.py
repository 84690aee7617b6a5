"""The documents of mid-training, encoded once into a folder and read back row by row.

    encode_corpus(settings, Path("encoded"))          # a killed one goes on with the part it was at
    found = read_encoded(settings, tokenizer)         # settings.encoded = Path("encoded")

Of the folder, `train/` and `held_out/` are token stores, `files.jsonl` holds the held-out files, and
`settings.json` what the documents were made with.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.runs import append_jsonl, read_jsonl, write_atomic
from journeyman.train.documents import Encoded, SourceFile
from journeyman.train.documents.token_store import TokenStore, TokenStoreWriter
from journeyman.train.stages.corpus_documents import (
    Corpus,
    describe,
    gather,
    gather_parts,
    part_names,
)
from journeyman.train.stages.midtrain import MidtrainSettings
from journeyman.train.tokenizer import PlainTokenizer, load_tokenizer

__all__ = ["EncodedCorpus", "encode_corpus", "find_documents", "read_encoded"]

_SETTINGS = "settings.json"
_FILES = "files.jsonl"
_NOT_OF_DOCUMENTS = {
    *("model", "encoded", "trainer", "packing", "long_documents", "overlap", "num_fill_exercises")
}


@dataclass(frozen=True, slots=True)
class EncodedCorpus:
    """What is trained on, as `corpus_documents.Corpus` has it, but on disk."""

    train: TokenStore
    held_out: Sequence[Encoded]
    held_out_files: list[SourceFile]
    dropped: Counter[str]

    def describe(self) -> str:
        """Say in one line what there is."""
        return describe(self.train.sources(), self.dropped)


def encode_corpus(
    settings: MidtrainSettings, folder: Path, *, on_progress: Callable[[str], None] | None = None
) -> EncodedCorpus:
    """Write the documents of `settings` into a folder; what stands there already is not made again.

    Raises `JourneymanError` for bad sources, and for a folder begun with other settings.
    """
    tokenizer = load_tokenizer(settings.model)
    _begin(folder, _made_with(settings, tokenizer))
    names = part_names(settings)
    with (
        TokenStoreWriter(folder / "held_out") as held_out,
        TokenStoreWriter(folder / "train") as train,
    ):
        # A part is whole once `train` has it, which is written last.
        for number, part in enumerate(
            gather_parts(settings, tokenizer, num_done=train.num_parts), start=train.num_parts
        ):
            if held_out.num_parts == number:
                _set_aside(folder, number, part)
                held_out.add(part.held_out)
            train.add(part.train, name=names[number], dropped=dict(part.dropped))
            if on_progress is not None:
                on_progress(f"{number + 1}/{len(names)} {names[number]}: {part.describe()}")
    return _open(folder)


def find_documents(settings: MidtrainSettings, tokenizer: PlainTokenizer) -> Corpus | EncodedCorpus:
    """Return what is trained on: from disk where `settings.encoded` says so, else gathered anew."""
    if settings.encoded is not None:
        return read_encoded(settings, tokenizer)
    return gather(settings, tokenizer)


def read_encoded(settings: MidtrainSettings, tokenizer: PlainTokenizer) -> EncodedCorpus:
    """Open what `encode_corpus` wrote; `JourneymanError` if it is not whole, or not for this model."""
    folder = Path(str(settings.encoded))
    if settings.corpus or settings.documents or settings.conversations:
        raise JourneymanError(
            f"{folder} holds all documents, and more were named",
            "give --encoded alone, or the sources without it",
        )
    try:
        made_with = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise JourneymanError(
            f"no encoded documents in {folder}", "journeyman data encode MODEL FOLDER --corpus …"
        ) from None
    if made_with["tokenizer"] != _digest(tokenizer):
        raise JourneymanError(
            f"the documents in {folder} were encoded by another tokenizer",
            "encode them again with this model",
        )
    found = _open(folder)
    if len(found.train.parts) < len(made_with["parts"]):
        raise JourneymanError(
            f"{folder} has {len(found.train.parts)} of {len(made_with['parts'])} parts",
            "run the same journeyman data encode again: it goes on where it ended",
        )
    return found


def _open(folder: Path) -> EncodedCorpus:
    train = TokenStore(folder / "train")
    files = read_jsonl(folder / _FILES) if (folder / _FILES).exists() else []
    whole = {it["part"]: it["files"] for it in files}
    aside = [SourceFile(*it) for number in range(len(train.parts)) for it in whole.get(number, ())]
    dropped: Counter[str] = Counter()
    for part in train.parts:
        dropped.update(part["about"].get("dropped", {}))
    return EncodedCorpus(train, TokenStore(folder / "held_out"), aside, dropped)


def _set_aside(folder: Path, number: int, part: Corpus) -> None:
    files = [[it.path, it.text] for it in part.held_out_files]
    append_jsonl(folder / _FILES, {"part": number, "files": files})


def _begin(folder: Path, made_with: dict[str, Any]) -> None:
    place = folder / _SETTINGS
    if not place.exists():
        if folder.exists() and any(folder.iterdir()):
            raise JourneymanError(f"{folder} is in use", "give a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(place, json.dumps(made_with, indent=1) + "\n")
    elif json.loads(place.read_text(encoding="utf-8")) != made_with:
        raise JourneymanError(
            f"{folder} was begun with other settings or another tokenizer",
            "give the same ones, or a new folder",
        )


def _made_with(settings: MidtrainSettings, tokenizer: PlainTokenizer) -> dict[str, Any]:
    chosen = settings.model_dump(mode="json", exclude=_NOT_OF_DOCUMENTS)
    return {
        "parts": part_names(settings),
        "tokenizer": _digest(tokenizer),
        "seed": settings.trainer.seed,
        "settings": json.loads(json.dumps(chosen)),
    }


def _digest(tokenizer: PlainTokenizer) -> str:
    return hashlib.sha256(tokenizer.tokenizer.to_str().encode()).hexdigest()
