"""Encoded documents on disk: those in memory, whole after a kill, refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.errors import JourneymanError
from journeyman.train.documents import Encoded, SourceFile
from journeyman.train.documents.token_store import TokenStore, TokenStoreWriter
from journeyman.train.stages import encoded_corpus
from journeyman.train.stages.corpus_documents import gather
from journeyman.train.stages.encoded_corpus import encode_corpus, find_documents, read_encoded
from journeyman.train.stages.midtrain import MidtrainSettings
from journeyman.train.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from journeyman.train.trainer.rows import RowSource

ENCODED = st.builds(
    lambda ids, source: Encoded.of(ids, [it % 2 for it in ids], source),
    st.lists(st.integers(0, 2**31 - 1), max_size=6),
    st.sampled_from(["repository", "fill"]),
)


@hypothesis.settings(max_examples=20)  # each part is synced to the disk
@given(st.lists(st.lists(ENCODED, max_size=4), max_size=4))
def test_what_was_written_is_read(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("store")
    with TokenStoreWriter(folder) as writer:
        for part in parts:
            writer.add(part, name="a")
    documents = [it for part in parts for it in part]
    if not parts:
        with pytest.raises(JourneymanError, match="no encoded documents"):
            TokenStore(folder)
        return
    found = TokenStore(folder)
    assert list(found) == documents
    assert found[:] == documents
    assert found.lengths == [len(it) for it in documents]
    assert found.num_tokens == sum(found.lengths)
    assert found.highest_id == max((max(it.token_ids, default=0) for it in documents), default=0)
    assert sum(found.sources().values()) == len(documents)


def test_a_part_that_was_not_finished_is_written_again(tmp_path):
    first, second = Encoded.of([1, 2], [1, 0], "a"), Encoded.of([3, 4, 5], [1, 1, 1], "b")

    def killed():
        yield second
        raise KeyboardInterrupt

    with TokenStoreWriter(tmp_path) as writer:
        writer.add([first])
        with pytest.raises(KeyboardInterrupt):
            writer.add(killed())
    assert list(TokenStore(tmp_path)) == [first]
    with TokenStoreWriter(tmp_path) as writer:
        assert writer.num_parts == 1
        writer.add([second])
    assert list(TokenStore(tmp_path)) == [first, second]


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    with TokenStoreWriter(tmp_path) as writer:
        writer.add([Encoded.of([1, 2], [1, 0], "a")])
    (tmp_path / "tokens.bin").write_bytes(b"1234")
    with pytest.raises(JourneymanError, match=r"tokens.bin is shorter"):
        TokenStore(tmp_path)
    with pytest.raises(JourneymanError, match=r"tokens.bin is shorter"):
        TokenStoreWriter(tmp_path)


def test_figures_beside_tokens_have_no_place(tmp_path):
    with TokenStoreWriter(tmp_path) as writer, pytest.raises(ValueError, match="weight"):
        writer.add([Encoded.of([1], [1], "a", weight=[0.5])])


@pytest.fixture
def settings(tmp_path) -> MidtrainSettings:
    """Two small repositories and a model's folder with a tokenizer of their own."""
    roots = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        for number in range(12):
            lines = [f"def {name}_{number}_{it}(x):\n    return x + {it}\n" for it in range(5)]
            (root / f"m{number}.py").write_text("\n\n".join(lines))
        (root / "same.py").write_text("SHARED = ['by', 'both', 'of', 'them']\n" * 3)
        roots.append(root)
    save_tokenizer(train_tokenizer([it.read_text() for it in roots[0].glob("*.py")], 300), tmp_path)
    return MidtrainSettings(
        model=tmp_path, corpus=tuple(roots), held_out_share=0.2, fill_share=0.5, row_length=128
    )


def test_documents_on_disk_are_those_in_memory(settings, tmp_path):
    tokenizer = load_tokenizer(settings.model)
    here = gather(settings, tokenizer)
    folder = tmp_path / "encoded"
    told: list[str] = []
    encode_corpus(settings, folder, on_progress=told.append)
    assert [it.split()[0] for it in told] == ["1/2", "2/2"]
    chosen = settings.model_copy(update={"corpus": (), "encoded": folder})
    there = find_documents(chosen, tokenizer)
    assert list(there.train) == here.train
    assert list(there.held_out) == here.held_out
    assert there.held_out_files == here.held_out_files
    assert there.held_out_files
    assert there.dropped == here.dropped == {"duplicate": 1}
    assert there.describe() == here.describe()
    rows = [
        RowSource(it, capacity=128, pad_id=tokenizer.pad_id, seed=0)
        for it in (here.train, there.train)
    ]
    assert rows[0].digest() == rows[1].digest()
    assert rows[0].of_step(3, rows_per_step=4) == rows[1].of_step(3, rows_per_step=4)


@pytest.mark.parametrize("where", ["held_out", "train"])
def test_a_killed_one_goes_on(settings, tmp_path, monkeypatch, where):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    encode_corpus(settings, whole)
    add = TokenStoreWriter.add

    def killed(self: TokenStoreWriter, documents, **about):
        if self.num_parts == 1 and self._folder.name == where:
            raise KeyboardInterrupt
        add(self, documents, **about)

    with monkeypatch.context() as patch:
        patch.setattr(TokenStoreWriter, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            encode_corpus(settings, torn)
    tokenizer = load_tokenizer(settings.model)
    chosen = settings.model_copy(update={"corpus": (), "encoded": torn})
    with pytest.raises(JourneymanError, match="1 of 2 parts"):
        read_encoded(chosen, tokenizer)
    written: list[Path] = []
    make = encoded_corpus.gather_parts

    def noted(*given, num_done):
        written.append(Path(str(num_done)))
        return make(*given, num_done=num_done)

    monkeypatch.setattr(encoded_corpus, "gather_parts", noted)
    encode_corpus(settings, torn)
    assert written == [Path("1")]
    for name in ("train/tokens.bin", "train/ends.bin", "held_out/tokens.bin"):
        assert (torn / name).read_bytes() == (whole / name).read_bytes()
    assert read_encoded(chosen, tokenizer).held_out_files == _opened(whole, chosen).held_out_files


def _opened(folder: Path, settings: MidtrainSettings) -> encoded_corpus.EncodedCorpus:
    chosen = settings.model_copy(update={"encoded": folder})
    return read_encoded(chosen, load_tokenizer(settings.model))


def test_what_does_not_fit_is_refused(settings, tmp_path):
    folder = tmp_path / "encoded"
    tokenizer = load_tokenizer(settings.model)
    chosen = settings.model_copy(update={"encoded": folder})
    with pytest.raises(JourneymanError, match="and more were named"):
        read_encoded(chosen, tokenizer)
    chosen = chosen.model_copy(update={"corpus": ()})
    with pytest.raises(JourneymanError, match="no encoded documents"):
        read_encoded(chosen, tokenizer)
    encode_corpus(settings, folder)
    with pytest.raises(JourneymanError, match="other settings"):
        encode_corpus(settings.model_copy(update={"fill_share": 0.1}), folder)
    other = train_tokenizer(["something else entirely"], 280)
    with pytest.raises(JourneymanError, match="another tokenizer"):
        read_encoded(chosen, other)
    with pytest.raises(JourneymanError, match="is in use"):
        encode_corpus(settings, tmp_path)


def test_files_set_aside_are_kept_whole(settings, tmp_path):
    found = encode_corpus(settings, tmp_path / "encoded")
    assert all(isinstance(it, SourceFile) and "def " in it.text for it in found.held_out_files)
