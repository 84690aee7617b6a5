"""The vocabulary of a GGUF file as a tokenizer, and a tokenizer as what a GGUF file holds.

Only byte-level BPE, the kind that the models here have. How text is split before merging is not in the
file, only its name; the splits below were compared with llama.cpp's, token by token.

    tokenizer = read_vocabulary(gguf.GGUFReader(path))
    write_vocabulary(tokenizer, writer)
"""

from __future__ import annotations

import json
from typing import Any

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from journeyman.errors import JourneymanError
from journeyman.train.tokenizer import SPLIT_QWEN, PlainTokenizer

__all__ = ["read_vocabulary", "write_vocabulary"]

_SMOLLM, _QWEN, _GPT = "smollm", "qwen2", "gpt-2"


def read_vocabulary(reader: Any) -> PlainTokenizer:
    """Make the tokenizer of an open GGUF file; `JourneymanError` for a kind that is not known."""
    kind = _field(reader, "tokenizer.ggml.model")
    split = _field(reader, "tokenizer.ggml.pre")
    tokens = _field(reader, "tokenizer.ggml.tokens")
    if kind != "gpt2" or split not in (_SMOLLM, _QWEN, _GPT) or tokens is None:
        raise JourneymanError(
            f"the file's tokenizer is {kind!r} with the split {split!r}, which is not known here",
            "give the model as a Hugging Face folder, with its own tokenizer.json",
        )
    merges = [tuple(it.split(" ", 1)) for it in _field(reader, "tokenizer.ggml.merges")]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = _splitter(split)
    if split == _QWEN:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    types = _field(reader, "tokenizer.ggml.token_type")
    named = list(zip(tokens, types, strict=True))
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token, it in named if it == gguf.TokenType.CONTROL]
    )
    tokenizer.add_tokens([token for token, it in named if it == gguf.TokenType.USER_DEFINED])
    return PlainTokenizer(tokenizer, _settings(reader, tokens))


def write_vocabulary(tokenizer: PlainTokenizer, writer: Any, *, size: int) -> None:
    """Give a GGUF writer a tokenizer, filled up with unused tokens to the model's `size`."""
    described = json.loads(tokenizer.tokenizer.to_str())
    if described["model"]["type"] != "BPE":
        kind = described["model"]["type"]
        raise JourneymanError(f"a {kind} tokenizer has no form in GGUF here", "export a BPE model")
    by_id = {number: token for token, number in tokenizer.tokenizer.get_vocab().items()}
    added = {it["id"]: it["special"] for it in described["added_tokens"]}
    tokens = [by_id.get(number, f"[PAD{number}]") for number in range(size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_name_of_split(described))
    writer.add_token_list(tokens)
    writer.add_token_types([_type(number, by_id, added) for number in range(size)])
    merges = described["model"]["merges"]
    writer.add_token_merges([it if isinstance(it, str) else " ".join(it) for it in merges])
    for key, add in (
        ("bos_token", writer.add_bos_token_id),
        ("eos_token", writer.add_eos_token_id),
        ("pad_token", writer.add_pad_token_id),
    ):
        token = tokenizer.settings.get(key)
        number = tokenizer.special_id(token) if token else None
        if number is not None:
            add(number)
    writer.add_add_bos_token(False)
    if tokenizer.settings.get("chat_template"):
        writer.add_chat_template(tokenizer.settings["chat_template"])


def _type(number: int, by_id: dict[int, str], added: dict[int, bool]) -> int:
    if number not in by_id:
        return int(gguf.TokenType.UNUSED)
    if number not in added:
        return int(gguf.TokenType.NORMAL)
    return int(gguf.TokenType.CONTROL if added[number] else gguf.TokenType.USER_DEFINED)


def _splitter(name: str) -> Any:
    if name == _QWEN:
        split = pre_tokenizers.Split(Regex(SPLIT_QWEN), behavior="isolated")
        bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return pre_tokenizers.Sequence([split, bytewise])
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name == _GPT:
        return bytewise
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bytewise])


def _name_of_split(described: dict[str, Any]) -> str:
    """Return llama.cpp's name of how a tokenizer splits text."""
    given = json.dumps(described["pre_tokenizer"] or {})
    if '"Digits"' in given:
        return _SMOLLM
    return _QWEN if '"Split"' in given else _GPT


def _settings(reader: Any, tokens: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, name in (("bos", "bos_token"), ("eos", "eos_token"), ("padding", "pad_token")):
        number = _field(reader, f"tokenizer.ggml.{key}_token_id")
        if number is not None:
            settings[name] = tokens[number]
    template = _field(reader, "tokenizer.chat_template")
    return settings | ({"chat_template": template} if template else {})


def _field(reader: Any, name: str) -> Any:
    found = reader.get_field(name)
    return None if found is None else found.contents()
