"""Pairs become rankings, a judge who looks at the order is not believed, DPO's loss is the paper's."""

import math

import pytest

torch = pytest.importorskip("torch")

from journeyman.train.documents.conversation import Conversation
from journeyman.train.preferences import (
    Comparison,
    compare_all,
    rank,
    read_verdict,
    select,
)
from journeyman.train.preferences.draw import DrawSettings, draw_preferences
from journeyman.train.preferences.loss import preference_losses
from journeyman.types import Completion, Message


def test_strengths_follow_wins_and_bear_circles():
    won = [Comparison(0, 1, 1.0), Comparison(0, 2, 1.0), Comparison(1, 2, 1.0)]
    strengths = rank(3, won)
    assert strengths[0] > strengths[1] > strengths[2] > 0
    assert select(strengths) == (0, 2)
    circle = rank(3, [Comparison(0, 1, 1.0), Comparison(1, 2, 1.0), Comparison(2, 0, 1.0)])
    assert circle == pytest.approx([1.0] * 3)
    assert select(circle) is None
    assert rank(2, [Comparison(0, 1, 0.5)]) == pytest.approx([1.0, 1.0])
    with pytest.raises(ValueError, match="no pair"):
        rank(2, [Comparison(0, 2, 1.0)])


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Verdict: A", "A"),
        ("1. A is better.\n**Verdict:** B", "B"),
        ("Verdict: A\nNo, verdict: tie.", "tie"),
        ("I like A", "tie"),
    ],
)
def test_the_last_verdict_counts(text, verdict):
    assert read_verdict(text) == verdict


class Judge:
    """Speaks a chat protocol; prefers the longer answer, or whatever stands first."""

    name = "judge"
    reads_text = False

    def __init__(self, looks_at_order):
        self.looks_at_order = looks_at_order

    async def complete(self, prompt, sampling):
        text = prompt.messages[0].content
        first = text.split("Answer A:\n")[1].split("\n\nAnswer B:")[0]
        second = text.split("Answer B:\n")[1].split("\n\nGo through")[0]
        better = "A" if self.looks_at_order or len(first) > len(second) else "B"
        return Completion(message=Message(role="assistant", content=f"1. yes\nVerdict: {better}"))

    async def close(self):
        pass


async def test_every_pair_is_judged_in_both_orders():
    answers = ["xx", "xxxx", "x"]
    found = await compare_all(Judge(False), "hermes", "why?", answers, ["is long"])
    assert found == [Comparison(0, 1, 0.0), Comparison(0, 2, 1.0), Comparison(1, 2, 1.0)]
    assert select(rank(3, found)) == (1, 2)
    unsure = await compare_all(Judge(True), "hermes", "why?", answers, ["is long"])
    assert {it.share for it in unsure} == {0.5}


def test_the_loss_is_ln_2_at_the_reference_and_falls_with_the_chosen():
    chosen = torch.tensor([-5.0, -4.0], requires_grad=True)
    rejected = torch.tensor([-6.0, -9.0], requires_grad=True)
    reference = torch.tensor([-5.0, -5.0]), torch.tensor([-6.0, -6.0])
    losses = preference_losses(chosen, rejected, *reference, beta=0.5)
    assert losses.tolist() == pytest.approx([math.log(2), math.log(1 + math.exp(-2.0))])
    losses.sum().backward()
    assert (chosen.grad < 0).all()
    assert (rejected.grad > 0).all()


def test_the_losses_gradient_is_that_of_the_paper():
    """Equation 7's gradient: beta times the chance that the reward is wrong, up and down."""
    given = [torch.tensor(it, dtype=torch.float64) for it in ([-5.0, -4.5], [-6.0, -9.0])]
    for it in given:
        it.requires_grad_()
    reference = [torch.tensor(it, dtype=torch.float64) for it in ([-5.5, -4.0], [-7.0, -8.0])]
    assert torch.autograd.gradcheck(lambda c, r: preference_losses(c, r, *reference), given)
    preference_losses(*given, *reference, beta=0.3).sum().backward()
    # Gained: (0.5 - 1.0) and (-0.5 - -1.0); the first pair is wrong, the second right.
    wrong = [1 / (1 + math.exp(0.3 * -0.5)), 1 / (1 + math.exp(0.3 * 0.5))]
    assert given[0].grad.tolist() == pytest.approx([-0.3 * it for it in wrong])
    assert given[1].grad.tolist() == pytest.approx([0.3 * it for it in wrong])


class Writer:
    """Speaks a chat protocol; the seed decides how long its answer is, and whether it is one."""

    name = "writer"
    reads_text = False

    async def complete(self, prompt, sampling):
        number = sampling.seed % 1000
        text = "<tool_call>" if number == 3 else "x" * (1 + number % 3)
        is_cut = number == 5
        reason = "length" if is_cut else "stop"
        return Completion(message=Message(role="assistant", content=text), finish_reason=reason)

    async def close(self):
        pass


def asked(text, key=""):
    messages = (Message(role="user", content=text), Message(role="assistant", content="old"))
    return Conversation(messages=messages if text else messages[1:], id=key)


async def test_answers_are_drawn_compared_ranked_and_the_best_is_selected():
    settings = DrawSettings(checklist=("is long",), num_candidates=7, margin=1.0)
    requests = [asked("how?", "a"), asked(""), asked("why?")]
    drawn = await draw_preferences(Writer(), Judge(False), requests, settings)
    assert [it.id for it in drawn.preferences] == ["a", "request:2"]
    first = drawn.preferences[0]
    assert [it.content for it in first.messages] == ["how?"]
    assert (first.chosen.content, first.rejected.content) == ("xxx", "x")
    # Seven answers: one malformed, one cut off, the others of three lengths; three pairs of those.
    assert drawn.num_comparisons == 2 * 3
    assert drawn.num_ties == 0
    assert drawn.dropped == {"that end without a request": 1}
    assert [it.messages[-1].content for it in drawn.best] == ["xxx", "xxx"]

    unsure = await draw_preferences(Writer(), Judge(True), requests[:1], settings)
    assert unsure.dropped == {"without a winner": 1}
    assert unsure.num_ties == 3
    alone = DrawSettings(checklist=("is long",), num_candidates=1)
    few = await draw_preferences(Writer(), Judge(False), requests[:1], alone)
    assert few.dropped == {"with fewer than two answers": 1}
