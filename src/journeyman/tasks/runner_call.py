"""One call of a test runner: its command, the variables and the processor time that it gets.

The same call is a shell's script for a fresh sandbox, and words for a process that is warm.

    >>> call = RunnerCall(VerifierSpec(command="python -m pytest -v tests"), {"CI": "1"}, cpu_s=6)
    >>> print(call.script().command)
    ulimit -S -t 6
    export CI=1
    python -m pytest -v tests
    >>> call.pytest_words()
    ['-v', 'tests']
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from journeyman.types import VerifierSpec

__all__ = ["RunnerCall"]

_PYTEST = ["python", "-m", "pytest"]


@dataclass(frozen=True, slots=True)
class RunnerCall:
    """A call of a test runner in a workspace."""

    verifier: VerifierSpec
    variables: Mapping[str, str] = field(default_factory=dict)
    """Set for this call alone."""
    cpu_s: int = 0
    """Processor seconds after which a process of it is ended; 0 for no end."""

    def script(self) -> VerifierSpec:
        """Return the call as the verifier that a shell runs."""
        lines = [f"ulimit -S -t {self.cpu_s}"] if self.cpu_s else []
        lines += [f"export {name}={shlex.quote(it)}" for name, it in self.variables.items()]
        return self.verifier.model_copy(
            update={"command": "\n".join([*lines, self.verifier.command])}
        )

    def pytest_words(self) -> list[str] | None:
        """Return the arguments of pytest; None where the command is more than a call of it."""
        command = self.verifier.command
        if self.verifier.log_parser != "pytest" or "\n" in command:
            return None
        words = shlex.split(command)
        # What does not come back the same holds something that a shell would see to.
        is_plain = words[: len(_PYTEST)] == _PYTEST and shlex.join(words) == command
        return words[len(_PYTEST) :] if is_plain else None
