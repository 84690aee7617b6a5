"""Running a verifier: one command in a sandbox, its whole log, and the outcome of each test.

Not a judge: what the outcomes mean for a task is `grade`'s business.

    run = await run_verifier(sandbox, VerifierSpec(command="python -m pytest -v -rap"))
"""

from __future__ import annotations

import secrets

from pydantic import Field

from journeyman.sandbox import Executed, Sandbox
from journeyman.types import Data, TestStatus, VerifierSpec
from journeyman.verify.log import parse_log

__all__ = ["VerifierRun", "run_verifier"]

_LOG_BYTES = 32 << 20
_PRINTED_BYTES = 256 << 10
"""A log up to this size is printed by the script that runs the verifier: one command less."""
_KILLED_BY = 128
"""A shell's exit code for a command that a signal ended is this and the signal's number."""


class VerifierRun(Data):
    """What one run of a verifier printed and did."""

    statuses: dict[str, TestStatus] = Field(default_factory=dict)
    log: bytes = b""
    is_timed_out: bool = False
    exit_code: int = 0
    duration_s: float = 0.0


async def run_verifier(sandbox: Sandbox, verifier: VerifierSpec) -> VerifierRun:
    """Run the command and read its log; a time-out is part of the result.

    Raises `AttributedError("sandbox_died")` as the sandbox does.
    """
    # A file, not the pipe, because the pipe keeps only the ends of what is printed; an unguessable
    # name, because a test that wrote there could forge the outcome of others.
    place = f"/tmp/.{secrets.token_hex(16)}"  # noqa: S108
    done = await sandbox.execute(_script(verifier.command, place), timeout_s=verifier.timeout_s)
    log = await _read_log(sandbox, place, done)
    return VerifierRun(
        statuses=parse_log(verifier.log_parser, log.decode(errors="replace")),
        log=log,
        is_timed_out=done.is_timed_out,
        exit_code=done.exit_code,
        duration_s=done.duration_s,
    )


async def _read_log(sandbox: Sandbox, place: str, done: Executed) -> bytes:
    is_whole = not done.is_timed_out and not done.is_truncated and done.exit_code <= _KILLED_BY
    if is_whole and done.stdout:
        return done.stdout
    try:
        return await sandbox.read(place)
    except OSError:
        return done.stdout + done.stderr


def _script(command: str, place: str) -> str:
    half = _LOG_BYTES // 2
    return f"""\
(
{command}
) > {place} 2>&1 < /dev/null
code=$?
size=$(stat -c %s {place})
if [ "$size" -le {_PRINTED_BYTES} ]; then
    cat {place}
elif [ "$size" -gt {_LOG_BYTES} ]; then
    head -c {half} {place} > {place}.cut
    printf '\\n[the middle of this log is left out]\\n' >> {place}.cut
    tail -c {half} {place} >> {place}.cut
    mv {place}.cut {place}
fi
exit $code"""
