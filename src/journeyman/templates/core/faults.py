"""The one list of format error kinds, with what each means.

>>> FAULTS["unknown_tool"]
'the call names a tool that was not declared'
"""

from __future__ import annotations

__all__ = ["FAULTS"]

FAULTS: dict[str, str] = {
    "unknown_tool": "the call names a tool that was not declared",
    "missing_argument": "a required argument is absent",
    "extra_argument": "an argument is not among the tool's parameters",
    "duplicate_argument": "an argument is given twice; the last one counts",
    "wrong_type": "an argument's value does not fit its schema",
    "unclosed_call": "the text ends, or another part begins, before the call was closed",
    "unclosed_argument": "an argument was not closed before the next part began",
    "unclosed_reasoning": "the text ends inside the reasoning",
    "unopened_call": "a call lacks its opening delimiter",
    "bad_syntax": "part of a call is not in the template's syntax",
    "bad_json": "a JSON text in a call is malformed",
    "missing_name": "a call names no tool",
    "text_in_call": "stray text stands between the parts of a call",
    "text_after_call": "text follows the calls, where the template allows none",
    "text_after_end": "text follows the end of the turn",
    "too_deep": "values are nested too deeply",
}
