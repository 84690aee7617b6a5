"""The Python interpreter and the `uv` program that an environment is built with.

>>> satisfies(">=3.11,<4", (3, 11, 7))
True
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.programs import find_uv as find_program
from journeyman.types import Data

__all__ = ["Interpreter", "find_interpreter", "find_uv", "satisfies"]


class Interpreter(Data):
    """A Python installation of this machine."""

    executable: Path
    prefix: Path
    version: str


def find_interpreter(requires: str) -> Interpreter:
    """Prefer the Python that runs Journeyman; else whichever installed one `uv` finds to fit."""
    if satisfies(requires, tuple(sys.version_info[:3])):
        return _inspect(_base_executable())
    command = [
        find_program() or "uv",
        "python",
        "find",
        "--no-project",
        "--system",
        "--no-python-downloads",
        requires,
    ]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    found = done.stdout.strip()
    if done.returncode != 0 or not found:
        raise JourneymanError(
            f"the project needs Python {requires}, which is not installed",
            f'uv python install "{requires}"',
        )
    return _inspect(Path(found))


def _base_executable() -> Path:
    folder = Path(sys.base_prefix, "bin")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for name in (f"python{version}", "python3", "python"):
        if (folder / name).exists():
            return folder / name
    return Path(sys.executable)


def _inspect(executable: Path) -> Interpreter:
    code = "import sys; print(sys.base_prefix); print('%d.%d.%d' % sys.version_info[:3])"
    done = subprocess.run(
        [str(executable), "-I", "-c", code], capture_output=True, text=True, check=False
    )
    lines = done.stdout.split("\n")
    if done.returncode != 0 or len(lines) < 2:
        raise JourneymanError(f"{executable} does not run", "uv python install")
    return Interpreter(executable=executable, prefix=Path(lines[0]), version=lines[1])


def find_uv() -> Path:
    """Return the `uv` program itself, behind whatever shim or link leads to it."""
    found = find_program()
    if found is None:
        raise JourneymanError("uv is not installed", "journeyman doctor")
    real = Path(os.path.realpath(found))
    with real.open("rb") as stream:
        if stream.read(4) == b"\x7fELF":
            return real
    command = [found, "run", "--no-project", "--python", sys.executable, "printenv", "UV"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise JourneymanError(f"{found} does not lead to uv", "journeyman doctor")
    return Path(os.path.realpath(done.stdout.strip()))


def satisfies(requires: str, version: tuple[int, ...]) -> bool:
    """Tell whether a version meets a `requires-python`; what cannot be read counts as met."""
    return all(_clause(part.strip(), version) for part in requires.split(",") if part.strip())


def _clause(clause: str, version: tuple[int, ...]) -> bool:
    match = re.match(r"^(~=|==|!=|<=|>=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?$", clause)
    if match is None:
        return True
    bound = tuple(int(part) for part in match[2].split("."))
    width = max(len(bound), len(version))
    left = version + (0,) * (width - len(version))
    right = bound + (0,) * (width - len(bound))
    is_same = left[: len(bound)] == bound if match[3] else left == right
    return {
        "~=": left >= right and left[: len(bound) - 1] == bound[:-1],
        "==": is_same,
        "!=": not is_same,
        "<=": left <= right,
        ">=": left >= right,
        "<": left < right,
        ">": left > right,
    }[match[1]]
