"""Carrying proposed calls out on one state of a project, in a fresh sandbox.

outcomes = await evaluate(bench, subject, proposals, changes={"shop/prices.py": b"…"})
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from journeyman.sandbox import WORKSPACE, Limits, Mount, environment_spec, opened, with_mounts
from journeyman.tasks.functions.proposals import Proposal
from journeyman.tasks.functions.subject import Subject
from journeyman.types import Environment

__all__ = ["INSIDE", "Bench", "evaluate"]

INSIDE = Path(__file__).with_name("inside")
_PROGRAM = "/opt/journeyman-functions"
_CALL_S = 5
_START_S = 60.0
_LIMITS = Limits(num_cpus=1, memory_bytes=2 << 30)


@dataclass(frozen=True)
class Bench:
    """Where calls are carried out."""

    environment: Environment
    folder: Path
    """The environment's own folder."""
    backend: str = "namespace"


async def evaluate(
    bench: Bench,
    subject: Subject,
    proposals: Sequence[Proposal],
    *,
    changes: Mapping[str, bytes] | None = None,
    hash_seed: int = 0,
) -> list[str] | None:
    """Return what each call gives, in order; None where the module cannot even be loaded.

    `changes` are files of another solution. Raises `AttributedError` where the machine fails.
    """
    spec = environment_spec(bench.environment, bench.folder, limits=_LIMITS, owner="functions")
    spec = with_mounts(spec, [Mount(source=INSIDE, target=_PROGRAM)])
    asked = {
        "folder": f"{WORKSPACE}/{subject.folder}",
        "module": subject.module,
        "calls": [[it.setup, it.call] for it in proposals],
    }
    async with opened(spec, backend=bench.backend) as sandbox:
        for path, data in (changes or {}).items():
            await sandbox.write(f"{WORKSPACE}/{path}", data)
        done = await sandbox.execute(
            f"cd {WORKSPACE} && python {_PROGRAM}/journeyman_evaluate.py",
            timeout_s=_START_S + _CALL_S * len(proposals),
            stdin=json.dumps(asked).encode(),
            env={"PYTHONHASHSEED": str(hash_seed), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    return _read(done.stdout, len(proposals)) if done.exit_code == 0 else None


def _read(stdout: bytes, num_calls: int) -> list[str] | None:
    try:
        found = json.loads(stdout.rstrip().rpartition(b"\n")[2])
    except ValueError:
        return None
    is_right = isinstance(found, list) and len(found) == num_calls
    return [str(it) for it in found] if is_right else None
