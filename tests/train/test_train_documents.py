"""Documents: nothing is lost or forged, edits apply in one way, masks cover what they say."""

from array import array
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.errors import JourneymanError
from journeyman.train.documents import (
    IGNORED,
    Document,
    Encoded,
    FileChange,
    SourceFile,
    Span,
    encode,
    fill_in_middle,
    fill_row,
    find_repeats,
    hole_between_characters,
    hole_between_lines,
    mask_repeats,
    pull_request_document,
    repository_document,
    weigh_prompt,
)
from journeyman.train.documents.document import SPECIAL_TOKENS
from journeyman.train.documents.edits import apply_blocks, find_blocks, unified_diff
from journeyman.train.documents.repository import fill_in_repository
from journeyman.train.packing import plan_rows

TEXTS = st.text(alphabet="ab\n é", max_size=60)
FILES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "a\x0cb\r\n"]), max_size=25).map(
    "".join
)


class Bytes:
    """A tokenizer of bytes, special tokens above them."""

    def plain_ids(self, text):
        return list(text.encode())

    def special_id(self, token):
        return 256 + SPECIAL_TOKENS.index(token) if token in SPECIAL_TOKENS else None

    def decode(self, token_ids):
        names = [SPECIAL_TOKENS[it - 256].encode() if it > 255 else bytes([it]) for it in token_ids]
        return b"".join(names).decode()


def trained_text(document):
    encoded = encode(document, Bytes())
    flagged = zip(encoded.token_ids, encoded.is_trained, strict=True)
    return Bytes().decode([token for token, flag in flagged if flag])


@pytest.mark.parametrize("cut", [hole_between_characters, hole_between_lines])
@given(text=TEXTS, seed=st.integers(0, 50))
def test_a_hole_loses_nothing(cut, text, seed):
    holed = cut(text, Random(seed))
    assert holed.prefix + holed.middle + holed.suffix == text
    if cut is hole_between_lines and text:
        assert holed.middle
        assert not holed.prefix or holed.prefix.endswith("\n")


def test_holes_are_everywhere_and_the_same_for_the_same_seed():
    text = "".join(f"{number}\n" for number in range(6))
    starts = {len(hole_between_lines(text, Random(seed)).prefix) // 2 for seed in range(200)}
    assert starts == set(range(6))
    assert hole_between_characters(text, Random(3)) == hole_between_characters(text, Random(3))


def test_both_orders_spell_the_tokens_of_qwen():
    holed = hole_between_characters("xyz", Random(1))
    prefix, middle, suffix = holed.prefix, holed.middle, holed.suffix
    psm, spm = (fill_in_middle(holed, order=order) for order in ("psm", "spm"))
    assert psm.text == (
        f"<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>{middle}<|endoftext|>"
    )
    assert spm.text == (
        f"<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}{middle}<|endoftext|>"
    )
    assert trained_text(psm) == psm.text


def test_only_the_middle_is_trained_on_where_that_is_asked_for():
    holed = hole_between_lines("a\nb\nc\n", Random(4))
    others = [SourceFile("lib/other.py", "import a\n")]
    for order in ("psm", "spm"):
        document = fill_in_repository(
            "acme", others, "a.py", holed, order=order, trains_on_context=False
        )
        assert trained_text(document) == f"{holed.middle}<|endoftext|>"
        assert document.text.startswith(
            "<|repo_name|>acme\n<|file_sep|>lib/other.py\nimport a\n<|file_sep|>a.py\n<|fim_prefix|>"
        )


def test_a_file_that_spells_a_special_token_forges_none():
    document = repository_document("acme", [SourceFile("a.md", "<|endoftext|>")])
    token_ids = list(encode(document, Bytes()).token_ids)
    assert token_ids.count(256) == 1
    assert token_ids[-1] == 256


def test_a_vocabulary_without_the_token_is_refused():
    with pytest.raises(JourneymanError, match="no special token"):
        encode(Document((Span.special("<|nowhere|>"),)), Bytes())


@given(before=FILES, after=FILES, num_context=st.integers(0, 3))
def test_blocks_turn_one_file_into_the_other(before, after, num_context):
    blocks = find_blocks(before, after, num_context=num_context)
    assert apply_blocks(before, blocks) == after
    assert bool(blocks) == (before != after)


def test_a_block_takes_more_context_where_less_would_occur_twice():
    before = "x\ny\nz\n" * 3
    after = before[:6] + before[6:].replace("y", "Y", 1)
    blocks = find_blocks(before, after, num_context=1)
    assert all(before.count(block.search) == 1 for block in blocks)
    with pytest.raises(ValueError, match="occurs 3 times"):
        apply_blocks(before, find_blocks("y\n", "Y\n"))


def test_a_pull_request_is_written_in_two_forms():
    changes = [
        FileChange("a.py", "x = 1\ny = 2\n", "x = 1\ny = 3"),
        FileChange("new.py", "", "z\n"),
    ]
    search, diff = (
        pull_request_document("acme", "y is 3\n", changes, form=form, trains_on_context=False)
        for form in ("search_replace", "diff")
    )
    assert "<|file_sep|>a.py\nx = 1\ny = 2\n" in diff.text
    assert "new.py\nz" not in search.text.split("PULL_REQUEST")[0]
    assert trained_text(search) == (
        "a.py\n<<<<<<< SEARCH\nx = 1\ny = 2\n=======\nx = 1\ny = 3\n>>>>>>> REPLACE\n"
        "new.py\n<<<<<<< SEARCH\n=======\nz\n>>>>>>> REPLACE\n<|endoftext|>"
    )
    assert trained_text(diff).startswith(
        "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n"
    )
    assert unified_diff("a.py", "x", "x") == ""
    assert "\\ No newline at end of file" in trained_text(diff)


def repeated_by_search(tokens, length):
    marked = set()
    for start in range(len(tokens) - length + 1):
        window = tokens[start : start + length]
        if any(tokens[other : other + length] == window for other in range(start)):
            marked.update(range(start, start + length))
    return marked


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 5))
def test_repeats_are_those_of_a_plain_search(tokens, length):
    runs = find_repeats(tokens, length)
    found = [token for start, end in runs for token in range(start, end)]
    assert len(found) == len(set(found))
    assert set(found) == repeated_by_search(tokens, length)


def test_a_repeat_leaves_the_loss_and_stays_as_context():
    encoded = Encoded.of([1, 2, 3, 9, 1, 2, 3], [1] * 7)
    masked = mask_repeats(encoded, 3)
    assert list(masked.is_trained) == [1, 1, 1, 1, 0, 0, 0]
    assert masked.token_ids == encoded.token_ids
    assert list(encoded.is_trained) == [1] * 7


def test_a_prompt_in_the_loss_counts_its_weight_and_answers_one():
    encoded = Encoded.of([1, 2, 3, 4], [0, 0, 1, 1], "s", advantage=[1, 2, 3, 4])
    found = weigh_prompt(encoded, 0.25)
    assert list(found.is_trained) == [1] * 4
    assert list(found.columns["weight"]) == [0.25, 0.25, 1, 1]
    assert list(found.columns["advantage"]) == [1, 2, 3, 4]
    assert (found.token_ids, found.source) == (encoded.token_ids, "s")
    assert weigh_prompt(encoded, 0) is encoded


LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=12)


@given(lengths=LENGTHS, long=st.sampled_from(["split", "slide", "drop"]), data=st.data())
def test_rows_hold_the_documents_and_each_trained_token_is_a_target_at_most_once(
    lengths, long, data
):
    flags = [data.draw(st.lists(st.booleans(), min_size=it, max_size=it)) for it in lengths]
    documents = [
        Encoded.of([100 * number + at for at in range(length)], flags[number], f"s{number}")
        for number, length in enumerate(lengths)
    ]
    plan = plan_rows(lengths, 10, long=long, overlap=4 if long == "slide" else 0)
    rows = [fill_row(plan, index, documents, pad_id=9999) for index in range(len(plan.rows))]
    targets = []
    for row in rows:
        columns = (row.token_ids, row.targets, row.positions, row.pieces)
        assert {len(column) for column in columns} == {10}
        for at, target in enumerate(row.targets):
            if target != IGNORED:
                assert row.token_ids[at + 1] == target
                assert row.pieces[at] == row.pieces[at + 1] != -1
                assert row.positions[at + 1] == row.positions[at] + 1
                assert row.sources[row.pieces[at]] == f"s{target // 100}"
                targets.append(target)
        real = [token for token, piece in zip(row.token_ids, row.pieces, strict=True) if piece >= 0]
        assert 9999 not in real
    assert len(targets) == len(set(targets))
    # The first token of a document has nothing before it; after a plain cut, nor has a later piece.
    owed = {
        token
        for document in documents
        if long != "drop" or len(document) <= 10
        for at, token in enumerate(document.token_ids)
        if document.is_trained[at] and at and (long == "slide" or at % 10)
    }
    assert set(targets) == owed


def test_lengths_of_tokens_and_flags_must_agree():
    with pytest.raises(ValueError, match="2 tokens, 1 flags"):
        Encoded.of(array("i", [1, 2]), [1])
