"""Training sequences hold the tokens that were drawn, each trained on once, behind its own prompt."""

import pytest

from journeyman.errors import JourneymanError
from journeyman.train.documents import sequences_of
from journeyman.types import Completion, FormatError, Message, Trajectory, Turn


def turn(prompt, drawn, *, is_rewritten=False, is_malformed=False):
    error = FormatError(kind="unclosed_call", message="", start=0, end=1)
    return Turn(
        prompt_token_ids=tuple(prompt),
        prompt_tokens_are_rewritten=is_rewritten,
        completion=Completion(token_ids=tuple(drawn)),
        message=Message(role="assistant"),
        format_errors=(error,) if is_malformed else (),
    )


def trajectory(*turns):
    return Trajectory(scaffold="bash", model="smollm2", turns=turns)


def as_pairs(sequence):
    return list(zip(sequence.token_ids, sequence.is_trained, strict=True))


def test_prompts_are_context_and_completions_are_trained_on():
    (only,) = sequences_of(trajectory(turn([1, 2], [3]), turn([4], [5, 6])))
    assert as_pairs(only) == [(1, 0), (2, 0), (3, 1), (4, 0), (5, 1), (6, 1)]


def test_a_rewritten_prompt_begins_a_sequence_and_trains_on_nothing_twice():
    first, second = sequences_of(
        trajectory(
            turn([1, 2], [3, 4]),
            turn([1, 2, 4, 5], [6], is_rewritten=True),
            turn([7], [8]),
        )
    )
    assert as_pairs(first) == [(1, 0), (2, 0), (3, 1), (4, 1)]
    assert as_pairs(second) == [(1, 0), (2, 0), (4, 0), (5, 0), (6, 1), (7, 0), (8, 1)]


def test_malformed_turns_stay_as_context():
    (only,) = sequences_of(trajectory(turn([1], [2], is_malformed=True), turn([3], [4])))
    assert as_pairs(only) == [(1, 0), (2, 0), (3, 0), (4, 1)]
    (kept,) = sequences_of(trajectory(turn([1], [2], is_malformed=True)), drops_malformed=False)
    assert as_pairs(kept) == [(1, 0), (2, 1)]
    assert sequences_of(trajectory(turn([1], [2], is_malformed=True))) == []


@pytest.mark.parametrize("bad", [turn([1], []), turn([], [2]), turn([], [2], is_rewritten=True)])
def test_a_turn_without_tokens_is_refused_not_tokenised_again(bad):
    with pytest.raises(JourneymanError, match="no token ids"):
        sequences_of(trajectory(bad))
