"""Digests of prompts: what counts in them, and how a run keeps them."""

import pytest

from journeyman.errors import JourneymanError
from journeyman.train.prompts import prompt_digest, read_prompts, write_prompts
from journeyman.types import Message


def said(*words):
    roles = ("system", "user", "assistant", "user")
    return [Message(role=role, content=it) for role, it in zip(roles, words, strict=False)]


def test_what_comes_before_the_assistant_counts_and_blanks_do_not():
    one = prompt_digest(said("Be brief.", "Fix  add.\n"))
    assert one == prompt_digest(said("Be brief.", "Fix add.", "Done.", "Thanks."))
    assert one != prompt_digest(said("Be brief.", "Fix sub."))
    assert one != prompt_digest(said("Be brief. Fix add."))
    assert prompt_digest([]) == prompt_digest([Message(role="assistant", content="Hello.")])


def test_a_run_keeps_them_once_and_in_order(tmp_path):
    assert read_prompts(tmp_path) == frozenset()
    digests = [prompt_digest(said(word)) for word in "abc"]
    write_prompts(tmp_path, digests[:2])
    write_prompts(tmp_path, digests[1:])
    assert read_prompts(tmp_path) == frozenset(digests)
    assert (tmp_path / "prompts.txt").read_text().split() == sorted(digests)
    with pytest.raises(JourneymanError, match="no run"):
        read_prompts(tmp_path / "none")
