"""A learned tokenizer loses nothing, forges no special token and is the same for the same corpus."""

from pathlib import Path

import pytest

pytest.importorskip("tokenizers")

from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.errors import JourneymanError
from journeyman.train.documents.document import SPECIAL_TOKENS
from journeyman.train.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer

CORPUS = [Path(__file__).read_text(), Path(pytest.__file__).read_text()]
LEARNED = train_tokenizer(CORPUS, 600)


@given(st.text(max_size=80))
@settings(deadline=None)
def test_every_text_comes_back_exactly(text):
    assert LEARNED.decode(LEARNED.plain_ids(text)) == text


def test_special_tokens_are_last_and_are_never_read_from_text():
    ids = [LEARNED.special_id(token) for token in SPECIAL_TOKENS]
    assert ids == list(range(600 - len(SPECIAL_TOKENS), 600))
    assert LEARNED.vocab_size == 600
    for token in SPECIAL_TOKENS:
        assert not set(LEARNED.plain_ids(f"a{token}b")) & set(ids)
        assert LEARNED.decode(LEARNED.plain_ids(token)) == token
    assert LEARNED.special_id("<|nowhere|>") is None


def test_the_same_corpus_gives_the_same_vocabulary_and_compresses():
    again = train_tokenizer(CORPUS, 600)
    assert again.tokenizer.to_str() == LEARNED.tokenizer.to_str()
    assert len(LEARNED.plain_ids(CORPUS[0])) < len(CORPUS[0].encode()) / 1.5


def test_a_saved_tokenizer_is_the_same_and_transformers_reads_it(tmp_path):
    transformers = pytest.importorskip("transformers")
    save_tokenizer(LEARNED, tmp_path)
    assert load_tokenizer(tmp_path).plain_ids(CORPUS[0]) == LEARNED.plain_ids(CORPUS[0])
    theirs = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    assert theirs(CORPUS[1])["input_ids"] == list(LEARNED.plain_ids(CORPUS[1]))
    assert theirs.eos_token_id == LEARNED.pad_id


def test_bad_input_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(JourneymanError, match="no room"):
        train_tokenizer(CORPUS, 100)
    with pytest.raises(JourneymanError, match="no tokenizer at"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(JourneymanError, match="is no tokenizer"):
        load_tokenizer(tmp_path)
