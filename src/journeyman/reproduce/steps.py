"""What a stage is made of: commands of our own, and small acts of this process, each done once.

A step is done when what it makes is there. A command whose run was begun goes on with `--resume`.

    step = Command(("train", "sft", "models/empty", …), product=Path("runs/sft/model"),
    run=Path("runs/sft"))
    run_step(step, log=None)
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.runs import write_atomic

__all__ = [
    "Act",
    "Command",
    "Cost",
    "Step",
    "command",
    "repeated",
    "run_step",
    "training",
    "write_file",
]

_PROGRAM = """\
import ctypes, os, signal, sys
parent = int(sys.argv.pop(1))
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != parent:
    sys.exit(1)
from journeyman.cli import main
main(sys.argv[1:])
"""
"""Dies with this process, whatever ends it: else a second try would meet the first one's command."""
_LAST_LINES = 12
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step is made of, for an estimate."""

    tokens: float = 0
    """Tokens that are trained on."""
    rollouts: float = 0
    """Rollouts with their gradings, or answers."""
    tasks: float = 0
    """Tasks that go through the gate."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of ours."""

    words: tuple[str, ...]
    """Without the program's name and `--resume`."""
    product: Path
    """What is there once it is done."""
    run: Path | None = None
    """Its run folder, which it goes on with where that is there."""
    cost: Cost = Cost()

    @property
    def is_done(self) -> bool:
        """Whether it need not be run."""
        return self.product.exists()

    @property
    def resumed(self) -> tuple[str, ...]:
        """The words as they are to be given now."""
        is_begun = self.run is not None and (self.run / "config.toml").is_file()
        return (*self.words, "--resume") if is_begun else self.words

    def __str__(self) -> str:
        return shlex.join(("journeyman", *self.words))


@dataclass(frozen=True, slots=True)
class Act:
    """Something small that this process does: it writes `product`, whole or not at all."""

    what: str
    product: Path
    work: Callable[[], object] = field(compare=False)
    cost: Cost = Cost()

    @property
    def is_done(self) -> bool:
        """Whether it need not be done."""
        return self.product.exists()

    def __str__(self) -> str:
        return f"(here) {self.what}"


Step = Command | Act


def command(*words: object, product: Path, run: Path | None = None, cost: Cost = Cost()) -> Command:
    """Make a command of words of any kind."""
    return Command(tuple(map(str, words)), product, run, cost)


def training(
    *words: object,
    run: Path,
    cost: Cost = Cost(),
    product: str = "model",
) -> Command:
    """Make a command that leaves a run folder; it is done when `product` lies in it."""
    place = ("--runs", run.parent, "--name", run.name)
    return command(*words, *place, product=run / product, run=run, cost=cost)


def repeated(flag: str, values: Iterable[object]) -> list[object]:
    """Return a flag once for each value."""
    return [part for value in values for part in (flag, value)]


def write_file(path: Path, text: str) -> None:
    """Write a small file and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)


def run_step(
    step: Step, *, log: Path | None = None, settings: Mapping[str, str] | None = None
) -> None:
    """Do a step; nothing where it is done.

    What a command prints goes into `log`, or where this process prints. Raises `JourneymanError`
    with what
    the command said where it fails, `KeyboardInterrupt` where it was interrupted.
    """
    if step.is_done:
        return
    if isinstance(step, Act):
        step.work()
        return
    if step.run is None:
        step.product.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-c", _PROGRAM, str(os.getpid()), *step.resumed]
    given: dict[str, Any] = {"env": {**os.environ, **(settings or {})}}
    if log is None:
        code = _wait(subprocess.Popen(words, **given))
    else:
        with log.open("ab") as file:
            file.write(f"$ {shlex.join(('journeyman', *step.resumed))}\n".encode())
            file.flush()
            code = _wait(subprocess.Popen(words, stdout=file, stderr=file, **given))
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise JourneymanError(
            f"journeyman {' '.join(step.words[:2])} ended with code {code}: {_said(log)}",
            f"see {log}, then the same with --resume" if log else "see above",
        )


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    except KeyboardInterrupt:  # the terminal sent it to the command as well, which ends by itself
        process.wait()
        raise


def _said(log: Path | None) -> str:
    """Return the last error in a log, or its last line."""
    if log is None:
        return "see above"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().split("\n")[-_LAST_LINES:]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines)[-1]
