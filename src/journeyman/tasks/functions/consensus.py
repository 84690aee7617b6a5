"""Which proposed calls become tests: those on whose outcome most solutions agree with the original.

>>> votes = [["gives 1", "gives 2"], ["gives 1", "gives 3"]]
>>> [it.outcome for it in agreed([Proposal("f(1)"), Proposal("f(2)")], votes, documentation="")]
['gives 1']
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from journeyman.tasks.functions.proposals import Proposal

__all__ = ["Case", "agreed", "chosen", "is_telling"]

_MOST_CHARACTERS = 4000
_MOST_ALIKE = 4
"""Cases with the same outcome; more of them would say little."""


class Case(NamedTuple):
    """A call and the outcome that was agreed on."""

    proposal: Proposal
    outcome: str
    """`gives` and a value's text, or `raises` and an exception's name."""


def agreed(
    proposals: Sequence[Proposal], votes: Sequence[Sequence[str]], *, documentation: str
) -> list[Case]:
    """Return the calls on which more than half of the votes agree; the first vote is the original's.

    An exception counts only where the documentation names it: any other is an accident of the code. A
    call whose documented result is another one than the original's is left out.
    """
    cases = []
    for index, proposal in enumerate(proposals):
        outcome = votes[0][index]
        num_same = sum(vote[index] == outcome for vote in votes)
        if 2 * num_same > len(votes) and _may_be_asked(proposal, outcome, documentation):
            cases.append(Case(proposal, outcome))
    return cases


def chosen(cases: Sequence[Case], most: int) -> list[Case]:
    """Return at most so many cases, each new outcome before one that was seen, in the given order."""
    by_outcome: defaultdict[str, list[Case]] = defaultdict(list)
    for case in dict.fromkeys(cases):
        if len(by_outcome[case.outcome]) < _MOST_ALIKE:
            by_outcome[case.outcome].append(case)
    picked: list[Case] = []
    while len(picked) < most and any(by_outcome.values()):
        for waiting in by_outcome.values():
            if waiting and len(picked) < most:
                picked.append(waiting.pop(0))
    return sorted(picked, key=list(cases).index)


def is_telling(cases: Sequence[Case], least: int) -> bool:
    """Tell whether there are enough cases and no constant answer passes them all."""
    values = {case.outcome for case in cases if case.outcome.startswith("gives ")}
    return len(cases) >= least and len(values) >= 2


def _may_be_asked(proposal: Proposal, outcome: str, documentation: str) -> bool:
    kind, _, what = outcome.partition(" ")
    if kind == "raises":
        return re.search(rf"\b{re.escape(what)}\b", documentation) is not None
    if kind != "gives" or len(outcome) > _MOST_CHARACTERS:
        return False
    return not _contradicts(proposal.wanted, what)


def _contradicts(wanted: str, told: str) -> bool:
    """Compare plain values alone: anything else may be printed in many ways."""
    try:
        printed: Any = ast.literal_eval(wanted)
        given: Any = ast.literal_eval(told)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    if isinstance(printed, float) and isinstance(given, float):
        return abs(printed - given) > 1e-6 * max(1.0, abs(printed))
    return bool(printed != given)
