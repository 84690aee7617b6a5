"""Try an answer: its code taken out of the text, run with the problem's tests in a fresh sandbox.

outcome = await try_answer(problem, "```python\\ndef f(): …\\n```")
"""

from __future__ import annotations

import re

from journeyman.evals.code.problem import Problem
from journeyman.sandbox import Limits, SandboxSpec, opened
from journeyman.sandbox.python import python_mounts
from journeyman.types import Data

__all__ = ["Outcome", "program_of", "try_answer"]

_FENCE = re.compile(r"```(?:python|py|Python)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_TIMEOUT_S = 20.0
_LIMITS = Limits(num_cpus=1, memory_bytes=1 << 30, num_processes=64, disk_bytes=64 << 20)


class Outcome(Data):
    """How an answer fared."""

    is_passed: bool
    reason: str = ""
    """Why not: `no code`, `timed out`, or the last line that it printed."""


async def try_answer(problem: Problem, text: str, *, backend: str = "namespace") -> Outcome:
    """Run an answer; raises `AttributedError` for what is the machine's doing."""
    program = program_of(problem, text)
    if not program.strip():
        return Outcome(is_passed=False, reason="no code")
    prefix, mounts = python_mounts()
    python = f"{prefix}/bin/python3"
    spec = SandboxSpec(mounts=mounts, limits=_LIMITS, network="none", owner="code")
    async with opened(spec, backend=backend) as sandbox:
        await sandbox.write("/tmp/answer.py", program.encode("utf-8", "replace"))  # noqa: S108
        runs: list[tuple[str, str | None]] = [(it.stdin, it.stdout) for it in problem.cases]
        for stdin, wanted in runs or [("", None)]:
            done = await sandbox.execute(
                f"{python} -I /tmp/answer.py", timeout_s=_TIMEOUT_S, stdin=stdin.encode()
            )
            if done.is_timed_out:
                return Outcome(is_passed=False, reason="timed out")
            if done.exit_code != 0:
                return Outcome(is_passed=False, reason=_last_line(done.stderr, done.exit_code))
            if wanted is not None and not _is_same(done.stdout.decode(errors="replace"), wanted):
                return Outcome(is_passed=False, reason="printed something else")
    return Outcome(is_passed=True)


def program_of(problem: Problem, text: str) -> str:
    """Return the program that an answer makes: the last whole block of code, or the text itself."""
    blocks = [block for block in _FENCE.findall(text) if block.strip()]
    defining = [it for it in blocks if problem.entry_point and f"def {problem.entry_point}" in it]
    code = (defining or blocks)[-1] if blocks else text
    if problem.entry_point and problem.head and f"def {problem.entry_point}" not in code:
        code = problem.head + code  # a completion: what follows the signature
    elif problem.head:
        code = f"{_imports(problem.head)}\n{code}"
    return f"{code}\n\n{problem.tests}" if code.strip() else ""


def _imports(head: str) -> str:
    lines = [line for line in head.split("\n") if line.startswith(("import ", "from "))]
    return "\n".join(lines)


def _is_same(printed: str, wanted: str) -> bool:
    """Compare line by line, blanks at the ends aside, as judges of programming contests do."""
    left, right = (
        [line.strip() for line in text.strip().split("\n")] for text in (printed, wanted)
    )
    return left == right


def _last_line(stderr: bytes, exit_code: int) -> str:
    lines = stderr.decode(errors="replace").strip().split("\n")
    return lines[-1][:200] or f"exit code {exit_code}"
