"""Tokenizers: a model's own, from its folder, or a byte-level BPE learned from a corpus.

A learned one splits as Qwen's does and ends with Qwen's special tokens, so documents and templates work
with either. It has no normaliser: decoding gives back every text exactly.

    tokenizer = train_tokenizer(texts, vocab_size=4096)
    save_tokenizer(tokenizer, folder)
    load_tokenizer(folder).plain_ids("def f(): ...")
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from journeyman.errors import JourneymanError
from journeyman.runs import write_atomic
from journeyman.train.documents.document import END_OF_TEXT, SPECIAL_TOKENS

__all__ = [
    "SPLIT_QWEN",
    "PlainTokenizer",
    "load_tokenizer",
    "save_tokenizer",
    "train_tokenizer",
]

_FILE = "tokenizer.json"
_SETTINGS_FILE = "tokenizer_config.json"
SPLIT_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen's tokenizer splits text before merging: contractions, words, single digits, signs, spaces."""

_NUM_BYTES = 256
_SETTINGS = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": END_OF_TEXT,
    "pad_token": END_OF_TEXT,
    "clean_up_tokenization_spaces": False,
}


class PlainTokenizer:
    """Text to ids in which a special token's name is only text, and ids to text."""

    def __init__(self, tokenizer: Any, settings: Mapping[str, Any] | None = None) -> None:
        self.tokenizer = tokenizer
        self.settings: Mapping[str, Any] = {**_SETTINGS, **(settings or {})}
        """What `tokenizer_config.json` holds: which token ends a text, the chat template, …"""
        self._plain = Tokenizer.from_str(tokenizer.to_str())
        self._plain.encode_special_tokens = True
        self._plain.no_truncation()
        self._plain.no_padding()

    @property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        return max(self.tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    @property
    def pad_id(self) -> int:
        """What fills the rest of a row; it is never a target."""
        found = self.special_id(END_OF_TEXT)
        return 0 if found is None else found

    def plain_ids(self, text: str) -> Sequence[int]:
        """Return the ids of a text; nothing in it is a special token."""
        ids: Sequence[int] = self._plain.encode(text, add_special_tokens=False).ids
        return ids

    def text_ids(self, text: str) -> Sequence[int]:
        """Return the ids of a rendered prompt, in which a special token's name is that token."""
        ids: Sequence[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def special_id(self, token: str) -> int | None:
        """Return a special token's id; None if there is no such token."""
        found: int | None = self.tokenizer.token_to_id(token)
        return found

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of ids, special tokens spelled out."""
        text: str = self.tokenizer.decode(list(token_ids), skip_special_tokens=False)
        return text


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PlainTokenizer:
    """Learn a byte-level BPE of at most `vocab_size` tokens, special ones included.

    The same texts in the same order give the same vocabulary. A small corpus gives fewer tokens.
    Raises `JourneymanError` if there is no room for the 256 bytes and the special tokens.
    """
    smallest = _NUM_BYTES + len(SPECIAL_TOKENS)
    if vocab_size < smallest:
        raise JourneymanError(
            f"a vocabulary of {vocab_size} has no room for bytes and special tokens",
            f"give at least {smallest}",
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_QWEN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return PlainTokenizer(tokenizer)


def load_tokenizer(folder: Path) -> PlainTokenizer:
    """Read `tokenizer.json` of a folder, or that file itself; `JourneymanError` if it is none."""
    path = folder / _FILE if folder.is_dir() else folder
    try:
        text = path.read_text(encoding="utf-8")
        beside = path.with_name(_SETTINGS_FILE)
        settings = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
        return PlainTokenizer(Tokenizer.from_str(text), settings)
    except FileNotFoundError:
        raise JourneymanError(f"no tokenizer at {path}", "give a folder that has one") from None
    except Exception as error:  # The library raises bare exceptions.
        reason = " ".join(str(error).split())
        raise JourneymanError(
            f"{path} is no tokenizer: {reason}", "give a tokenizer.json"
        ) from None


def save_tokenizer(tokenizer: PlainTokenizer, folder: Path) -> None:
    """Write the tokenizer as `transformers` reads it."""
    write_atomic(folder / _FILE, tokenizer.tokenizer.to_str())
    write_atomic(folder / _SETTINGS_FILE, json.dumps(dict(tokenizer.settings), indent=2) + "\n")
