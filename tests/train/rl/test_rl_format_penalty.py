"""The penalty on malformed calls: which tokens, and how much."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from journeyman.train.rl.format_penalty import malformed_tokens, penalise
from journeyman.types import FormatError

# Ten characters in five tokens.
OFFSETS = [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]


def error(start: int, end: int, kind: str = "bad_json") -> FormatError:
    return FormatError(kind=kind, message="", start=start, end=end)


def marks(*errors: FormatError, was_cut: bool = False) -> list[int]:
    found = malformed_tokens(errors, OFFSETS, was_cut=was_cut)
    return [at for at, marked in enumerate(found) if marked]


def test_tokens_that_touch_the_span_are_marked_and_no_other() -> None:
    assert marks(error(3, 5)) == [1, 2]
    assert marks(error(4, 6)) == [2]
    assert marks(error(0, 1), error(8, 9)) == [0, 4]
    assert marks() == []


def test_an_error_without_extent_marks_where_it_stands() -> None:
    assert marks(error(4, 4)) == [2]
    assert marks(error(10, 10)) == [4]


def test_what_the_limit_cut_off_is_no_mistake_but_earlier_ones_are() -> None:
    assert marks(error(6, 10, "unclosed_call"), was_cut=True) == []
    assert marks(error(10, 10, "cut_off"), error(2, 4), was_cut=True) == [1]


def test_a_malformed_token_never_keeps_a_positive_advantage() -> None:
    found = penalise(torch.tensor([2.0, 2.0, 2.0]), torch.tensor([False, True, True]), weight=1.0)
    assert found.tolist() == [2.0, -0.5, -0.5]


def test_a_negative_advantage_gets_worse_by_the_penalty() -> None:
    found = penalise(torch.tensor([-1.0, -1.0]), torch.tensor([True, False]), weight=1.0)
    assert found.tolist() == [-2.0, -1.0]


@pytest.mark.parametrize("num", [1, 7, 1000])
def test_long_garbage_costs_no_more_than_short(num: int) -> None:
    found = penalise(torch.zeros(num), torch.ones(num, dtype=torch.bool), weight=1.0)
    assert float(found.sum()) == pytest.approx(-1.0)


def test_a_weight_of_zero_changes_nothing() -> None:
    given = torch.tensor([1.0])
    assert penalise(given, torch.tensor([True]), weight=0.0) is given
