"""Judge an answer to an exercise: is it a well-formed call, of the right tool, with the right values?

The three are nested. *Well-formed* is Table 2's measure: exactly one call that its template's parser
reads without an error and that fits the tool's declaration. *Exact* asks in addition for every value
as it was given, types included.
"""

from __future__ import annotations

import json
from typing import Any

from journeyman.templates.core.validation import validate
from journeyman.templates.exercises.exercise import Exercise
from journeyman.types import Data, ParsedTurn

__all__ = ["JUDGES", "Judgement", "judge"]


class Judgement(Data):
    """What an answer came to."""

    is_well_formed: bool
    is_right_tool: bool
    """Well-formed, and the call names the tool that was asked for."""
    is_exact: bool
    """The right tool with exactly the expected arguments."""
    errors: tuple[str, ...] = ()
    """Kinds of what is wrong, each once: those of `FAULTS`, and `no_call`, `several_calls`,
    `other_tool`, `other_value`, `left_out`, `added`, `cut_off`."""
    wrong_arguments: tuple[str, ...] = ()
    """Expected arguments whose value differs or is absent, where the right tool was called."""


def judge(exercise: Exercise, turn: ParsedTurn, *, is_cut_off: bool = False) -> Judgement:
    """Judge a parsed turn; `is_cut_off` says that the token limit ended it."""
    errors = [error.kind for error in validate(turn, exercise.tools)]
    if is_cut_off:
        errors.append("cut_off")
    if len(turn.calls) != 1:
        errors.append("no_call" if not turn.calls else "several_calls")
        return Judgement(
            is_well_formed=False, is_right_tool=False, is_exact=False, errors=_once(errors)
        )
    call, expected = turn.calls[0], exercise.expected
    is_well_formed = not errors
    if call.name != expected.name:
        errors.append("other_tool")
        return Judgement(
            is_well_formed=is_well_formed, is_right_tool=False, is_exact=False, errors=_once(errors)
        )
    wrong = _differing(expected.arguments, call.arguments)
    errors += ["left_out" if name not in call.arguments else "other_value" for name in wrong]
    errors += ["added" for name in call.arguments if name not in expected.arguments]
    return Judgement(
        is_well_formed=is_well_formed,
        is_right_tool=is_well_formed,
        is_exact=not errors,
        errors=_once(errors),
        wrong_arguments=wrong,
    )


def _differing(expected: dict[str, Any], given: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        name
        for name, value in expected.items()
        if name not in given or _canonical(given[name]) != _canonical(value)
    )


def _canonical(value: Any) -> str:
    """Return JSON in which 2 and 2.0 are one number but true is none."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _once(errors: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(errors))


JUDGES = (_differing, _canonical, _plain)
"""What compares values, for whoever judges by their text elsewhere: they need `json` alone."""
