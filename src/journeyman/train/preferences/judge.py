"""A judge compares candidates by a checklist, every pair in both orders.

A judge that prefers whatever stands first says so by changing its mind with the order; such a pair is a
tie. What cannot be read as a verdict is one too.

    comparisons = await compare_all(model, "hermes", request, answers, checklist)
    best, worst = select(rank(len(answers), comparisons))
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from journeyman.models import Model
from journeyman.templates import get_template
from journeyman.train.preferences.ranking import Comparison
from journeyman.types import Message, Prompt, Sampling

__all__ = ["Verdict", "compare_all", "read_verdict"]

Verdict = Literal["A", "B", "tie"]

_ASK = (
    "Two assistants answered the same request. Judge by this checklist, point by point:\n{points}\n\n"
    "Request:\n{request}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}\n\n"
    "Go through the checklist, then write a last line: `Verdict: A`, `Verdict: B` or `Verdict: tie`."
)
_VERDICT = re.compile(r"verdict\W+(A|B|tie)\b", re.IGNORECASE)


async def compare_all(
    model: Model,
    template: str,
    request: str,
    answers: Sequence[str],
    checklist: Sequence[str],
    *,
    max_tokens: int = 512,
) -> list[Comparison]:
    """Compare every pair twice, in either order; raises as `Model.complete` does."""
    found = []
    for first, second in combinations(range(len(answers)), 2):
        shares = [
            _share(
                await _ask(model, template, request, answers[a], answers[b], checklist, max_tokens)
            )
            for a, b in ((first, second), (second, first))
        ]
        agree = shares[0] == 1 - shares[1]
        found.append(Comparison(first, second, shares[0] if agree else 0.5))
    return found


def read_verdict(text: str) -> Verdict:
    """Return the last verdict that a text gives; a tie if it gives none.

    >>> read_verdict("1. both\\nVerdict: B")
    'B'
    """
    found = _VERDICT.findall(text)
    if not found or found[-1].lower() == "tie":
        return "tie"
    return "A" if found[-1].upper() == "A" else "B"


def _share(text: str) -> float:
    return {"A": 1.0, "B": 0.0, "tie": 0.5}[read_verdict(text)]


async def _ask(
    model: Model,
    template: str,
    request: str,
    first: str,
    second: str,
    checklist: Sequence[str],
    max_tokens: int,
) -> str:
    points = "\n".join(f"{number}. {it}" for number, it in enumerate(checklist, start=1))
    text = _ASK.format(points=points, request=request, first=first, second=second)
    messages = (Message(role="user", content=text),)
    chosen = get_template(template)
    prompt = Prompt(messages=messages, text=chosen.render(messages) if model.reads_text else None)
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens, stop=chosen.stop)
    done = await model.complete(prompt, sampling)
    return done.text or (done.message.content if done.message else "")
