"""Finds what a program's name means to the guard."""

from __future__ import annotations

import re

from journeyman.guard.foreign import compile_foreign
from journeyman.guard.holes import OPAQUE, UNKNOWN, is_known
from journeyman.guard.programs.builtins import BUILTINS
from journeyman.guard.programs.files import FILE_PROGRAMS
from journeyman.guard.programs.git import run_git
from journeyman.guard.programs.interpreters import INTERPRETERS, run_file
from journeyman.guard.programs.network import NETWORK_PROGRAMS, unknown_program
from journeyman.guard.programs.packages import PACKAGE_PROGRAMS
from journeyman.guard.programs.search import SEARCH_PROGRAMS
from journeyman.guard.programs.system import SYSTEM_PROGRAMS
from journeyman.guard.programs.text import TEXT_PROGRAMS
from journeyman.guard.shell.machine import Invocation, Machine, Program
from journeyman.guard.shell.quoting import glob_pattern

__all__ = ["find_program"]

_PROGRAMS: dict[str, Program] = {
    **SYSTEM_PROGRAMS,
    **NETWORK_PROGRAMS,
    **INTERPRETERS,
    **PACKAGE_PROGRAMS,
    **FILE_PROGRAMS,
    **SEARCH_PROGRAMS,
    **TEXT_PROGRAMS,
    **BUILTINS,
    "git": run_git,
}
_VERSIONED = re.compile(
    r"^(python|pypy|pip|node|ruby|perl|php|lua|gcc|clang|git|pytest|nc)[-\d.]+$"
)
_FIRST_GUESSES = ("git", "curl", "wget", "bash", "sh", "python3", "pip")


def find_program(path: str) -> Program:
    """Return what follows a call of the program at `path`, also where the name is a pattern."""
    name = path.rpartition("/")[2]
    if re.search(r"[*?\[]", name):
        pattern = compile_foreign(glob_pattern(name))
        guesses = (*_FIRST_GUESSES, *_PROGRAMS) if pattern is not None else ()
        name = next((it for it in guesses if pattern and pattern.fullmatch(it)), name)
    if found := _PROGRAMS.get(name):
        return found
    if match := _VERSIONED.match(name):
        return _PROGRAMS.get(match[1], _unknown)
    return _unknown


def _unknown(machine: Machine, call: Invocation) -> str:
    if "/" in call.path or machine.world.resolve(call.path, machine.cwd) in machine.world.files:
        output = run_file(machine, call)
    else:
        output = UNKNOWN
    unknown_program(machine, call)
    if is_known(call.stdin) and call.stdin.strip() and output == UNKNOWN:
        return OPAQUE
    return output
