"""Packing: every token is placed, no document that fits is ever cut, best-fit is best-fit."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.train.packing import Plan, cut, measure, plan_rows
from journeyman.train.packing.spaces import Spaces

CAPACITIES = st.integers(1, 40)
LENGTHS = st.lists(st.integers(0, 100), max_size=60)
METHODS = ("best_fit", "concat", "restart_last", "pad_last")


def covered(plan: Plan) -> Counter[tuple[int, int]]:
    """How often each (document, token) lies in a row."""
    pieces = plan.pieces
    return Counter(
        (pieces.documents[piece], pieces.starts[piece] + offset)
        for row in plan.rows
        for piece in row
        for offset in range(pieces.lengths[piece])
    )


def every_token(lengths: list[int]) -> set[tuple[int, int]]:
    return {(number, token) for number, length in enumerate(lengths) for token in range(length)}


@pytest.mark.parametrize("method", METHODS)
@given(lengths=LENGTHS, capacity=CAPACITIES)
def test_every_token_is_placed_and_no_row_overflows(method, lengths, capacity):
    plan = plan_rows(lengths, capacity, method=method)
    found = covered(plan)
    assert set(found) == every_token(lengths)
    if method != "restart_last":
        assert all(times == 1 for times in found.values())
    for row in plan.rows:
        assert 0 < sum(plan.pieces.lengths[piece] for piece in row) <= capacity
    placed = sorted(piece for row in plan.rows for piece in row)
    assert placed == list(range(len(plan.pieces)))


@pytest.mark.parametrize("method", ["best_fit", "pad_last"])
@given(lengths=LENGTHS, capacity=CAPACITIES)
def test_a_document_that_fits_is_never_cut(method, lengths, capacity):
    plan = plan_rows(lengths, capacity, method=method)
    pieces = plan.pieces
    for document, start, length in zip(
        pieces.documents, pieces.starts, pieces.lengths, strict=True
    ):
        if lengths[document] <= capacity:
            assert (start, length) == (0, lengths[document])


@given(lengths=LENGTHS, capacity=CAPACITIES)
def test_restart_last_has_every_document_that_fits_whole_in_some_row(lengths, capacity):
    plan = plan_rows(lengths, capacity, method="restart_last")
    rates = measure(plan, [length if length <= capacity else 0 for length in lengths])
    fits = sum(0 < length <= capacity for length in lengths)
    pieces = zip(plan.pieces.documents, plan.pieces.lengths, strict=True)
    whole = {document for document, length in pieces if length == lengths[document]}
    assert len(whole) == fits
    assert rates.num_rows == len(plan.rows)
    # A row is full unless the piece after it began it anew, so only the last one may have room.
    for row in plan.rows[:-1]:
        assert sum(plan.pieces.lengths[piece] for piece in row) == capacity


def best_fit_by_search(lengths: list[int], capacity: int) -> list[int]:
    """What best-fit decreasing leaves in each row, by looking at all of them every time."""
    spaces: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [space for space in spaces if space >= length]
        if fitting:
            spaces[spaces.index(min(fitting))] -= length
        else:
            spaces.append(capacity - length)
    return sorted(spaces)


@given(st.lists(st.integers(1, 40), max_size=80))
def test_best_fit_agrees_with_a_search_through_all_rows(lengths):
    plan = plan_rows(lengths, 40)
    left = sorted(40 - sum(plan.pieces.lengths[piece] for piece in row) for row in plan.rows)
    assert left == best_fit_by_search(lengths, 40)


@given(lengths=LENGTHS, capacity=CAPACITIES, data=st.data())
def test_windows_overlap_as_asked_and_train_on_every_token_once(lengths, capacity, data):
    overlap = data.draw(st.integers(0, capacity - 1))
    pieces = cut(lengths, capacity, long="slide", overlap=overlap)
    trained: Counter[tuple[int, int]] = Counter()
    columns = zip(pieces.documents, pieces.starts, pieces.lengths, pieces.overlaps, strict=True)
    for document, start, length, shared in columns:
        assert shared == (overlap if start else 0)
        assert shared < length <= capacity
        trained.update((document, start + offset) for offset in range(shared, length))
    assert set(trained) == every_token(lengths)
    assert all(times == 1 for times in trained.values())


@given(lengths=LENGTHS, capacity=CAPACITIES)
def test_dropping_leaves_out_long_documents_and_nothing_else(lengths, capacity):
    rates = measure(plan_rows(lengths, capacity, long="drop"), lengths)
    assert rates.fragmented == rates.headless == rates.repeated == 0
    long = sum(length for length in lengths if length > capacity)
    assert rates.dropped == pytest.approx(long / max(1, sum(lengths)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=80))
def test_the_least_space_is_that_of_a_plain_search(steps):
    spaces, plain = Spaces(3000), []
    for number, (is_push, value) in enumerate(steps):
        least = spaces.least(value)
        assert least == min((space for space in plain if space >= value), default=None)
        if is_push or least is None:
            spaces.push(value, number)
            plain.append(value)
        else:
            spaces.pop(least)
            plain.remove(least)


def test_rates_say_what_each_method_pays():
    lengths = [6, 6, 4]
    rates = {method: measure(plan_rows(lengths, 8, method=method), lengths) for method in METHODS}
    assert [rates[method].num_rows for method in METHODS] == [3, 2, 3, 3]
    assert rates["concat"].fragmented == pytest.approx(1 / 3)
    assert rates["concat"].padding == 0
    assert rates["best_fit"].padding == rates["pad_last"].padding == pytest.approx(8 / 24)
    assert rates["restart_last"].repeated == pytest.approx(4 / 20)
    assert rates["best_fit"].utilisation == pytest.approx(16 / 24)


def test_the_same_lengths_give_the_same_plan_with_pieces_of_one_length_in_order():
    plan = plan_rows([3] * 7, 9)
    assert plan.rows == plan_rows([3] * 7, 9).rows
    assert all(left < right for row in plan.rows for left, right in pairwise(row))


@pytest.mark.parametrize(
    ("lengths", "capacity", "overlap"), [([1], 0, 0), ([-1], 4, 0), ([1], 4, 4), ([1], 4, -1)]
)
def test_what_makes_no_sense_is_refused(lengths, capacity, overlap):
    with pytest.raises(ValueError, match=r"capacity|length|overlap"):
        plan_rows(lengths, capacity, long="slide", overlap=overlap)
