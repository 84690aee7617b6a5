"""The tools of a building agent, as SWE-Universe gives them: run, write the verifier, switch the tree.

Nothing here decides whether a verifier is good: `agent` does, when it is handed in.
"""

from __future__ import annotations

from journeyman.types import ToolSpec

__all__ = ["TOOLS", "shortened"]

_KEPT_CHARACTERS = 6000


def _spec(name: str, description: str, **properties: str) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": {
                key: {"type": "string", "description": text} for key, text in properties.items()
            },
            "required": list(properties),
        },
    )


TOOLS = (
    _spec(
        "run",
        "Run a shell command in /testbed. Every call starts a fresh shell. What is installed into"
        " /opt/environment stays; the network is open.",
        command="The command.",
    ),
    _spec(
        "write_verifier",
        "Write the verifier: a Bash script that is run in /testbed and must print the outcome of every"
        " test by name, e.g. `python -m pytest -v -rap tests/test_x.py`, and exit with 0 if they pass.",
        script="The whole script.",
    ),
    _spec("switch_to_buggy", "Bring the tree to the state before the fix."),
    _spec("switch_to_fixed", "Bring the tree to the state after the fix."),
    _spec(
        "submit",
        "Hand the verifier in. It is run on both states; if it does not tell them apart you are told"
        " why and go on.",
    ),
)


def shortened(text: str) -> str:
    """Return a text with its middle left out where it is long."""
    if len(text) <= _KEPT_CHARACTERS:
        return text
    half = _KEPT_CHARACTERS // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"
