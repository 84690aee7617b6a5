"""Programs that look for files and words: `grep`, `find`, `ls`, `locate`."""

from __future__ import annotations

import posixpath
import re

from journeyman.guard.foreign import compile_foreign
from journeyman.guard.holes import UNKNOWN, WEAKENED, is_known, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import split
from journeyman.guard.rules.content import is_weakening
from journeyman.guard.rules.read import is_hidden_name, is_wide, judge_search
from journeyman.guard.shell.machine import Invocation, Machine, Program

__all__ = ["ENVIRONMENT", "SEARCH_PROGRAMS", "judge_grep"]

ENVIRONMENT = f"{UNKNOWN}environment{UNKNOWN}"
"""What the programs that print all variables print."""
_GREP_VALUES = frozenset(
    {
        "-e",
        "-f",
        "-A",
        "-B",
        "-C",
        "-m",
        "-g",
        "-t",
        "-T",
        "--include",
        "--exclude",
        "--exclude-dir",
    }
    | {"--glob", "--type", "--max-count", "--color", "--regexp", "--max-depth", "-d", "--iglob"}
)
_SECRET = re.compile(r"token|secret|passw|api_?key|credential|\bkey\b", re.I)


def judge_grep(machine: Machine, call: Invocation) -> str:
    """Follow one call of `grep`, `rg`, …: lines of known text that match, else nothing known."""
    given = split(call.args, with_value=_GREP_VALUES)
    operands = list(given.operands)
    patterns = given.values("-e", "--regexp")
    if not patterns and operands and not given.has("--files", "-f"):
        patterns = [operands.pop(0)]
    is_recursive = given.has("-r", "-R", "--recursive") or call.name in ("rg", "ag", "ack")
    for path in operands:
        resolved = machine.world.resolve(path, machine.cwd)
        machine.read(path)
        if is_recursive:
            _search(
                machine, call, resolved, [*patterns, *given.values("--include", "-g", "--glob")]
            )
    if is_recursive and not operands:
        _search(machine, call, machine.cwd, patterns)
    if operands or is_recursive:
        texts = [machine.world.read(machine.world.resolve(it, machine.cwd)) for it in operands]
        return _matching("".join(texts), patterns, given.has("-o"), given.has("-v"))
    if ENVIRONMENT in call.stdin and any(map(is_secret_pattern, patterns)):
        machine.report(Label.OUTSIDE_READ, call.text)
    return _matching(call.stdin, patterns, given.has("-o"), given.has("-v"))


def _search(machine: Machine, call: Invocation, root: str, patterns: list[str]) -> None:
    found = judge_search(machine.world, root, patterns, call.text)
    for offence in found:
        machine.report(offence.label, offence.evidence)


def _matching(text: str, patterns: list[str], is_part: bool, is_inverse: bool) -> str:
    if not is_known(text):
        return WEAKENED if is_inverse and any(map(is_weakening, patterns)) else UNKNOWN
    regex = compile_foreign("|".join(patterns).replace(r"\|", "|"))
    if regex is None:
        return text
    if is_part:
        return "".join(f"{it[0]}\n" for it in regex.finditer(text) if it[0])
    return "".join(f"{it}\n" for it in text.splitlines() if bool(regex.search(it)) != is_inverse)


def _find(machine: Machine, call: Invocation) -> str:
    args = list(call.args)
    while args and args[0] in ("-L", "-H", "-P"):
        args.pop(0)
    cut = next((i for i, it in enumerate(args) if it.startswith(("-", "(", "!"))), len(args))
    roots, tests = args[:cut] or ["."], args[cut:]
    patterns = [
        tests[i + 1]
        for i, it in enumerate(tests[:-1])
        if it in ("-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex", "-lname")
        and tests[max(0, i - 1)] not in ("!", "-not")
    ]
    if "-perm" in tests and "/" in roots:
        machine.report(Label.OUTSIDE_READ, call.text)
    is_newer = any(it in ("-newer", "-mmin", "-cmin", "-newermt", "-mtime") for it in tests)
    for root in roots:
        machine.read(root)
        resolved = machine.world.resolve(root, machine.cwd)
        _search(machine, call, resolved, patterns)
        for pattern in patterns:
            is_store = (
                re.search(r"objects|pack|refs|logs", pattern)
                and posixpath.basename(resolved) == ".git"
            )
            if is_store:
                machine.read(f"{root}/objects")
            if "/.git/" in f"/{pattern}" or (
                ".git" in resolved and pattern.endswith((".pack", ".idx"))
            ):
                machine.read(
                    f"{root}/.git/objects" if "objects" in pattern or "pack" in pattern else root
                )
        if is_newer and resolved == "/":
            machine.report(Label.HIDDEN_FILES, call.text)
    _find_actions(machine, call, roots, patterns, tests)
    return "".join(f"{it}{UNKNOWN}\n" for it in _samples(roots, patterns))


def _find_actions(
    machine: Machine, call: Invocation, roots: list[str], patterns: list[str], tests: list[str]
) -> None:
    sample = _samples(roots, patterns)
    if "-delete" in tests:
        for path in sample:
            machine.remove(path)
    for i, word in enumerate(tests):
        if word in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next(
                (k for k in range(i, len(tests)) if tests[k] in (";", "+", "\\;")), len(tests)
            )
            if command := _placed(tests[i + 1 : end], sample):
                machine.call(call.but(command, stdin=""))


def _samples(roots: list[str], patterns: list[str]) -> list[str]:
    """Return a path for each root that stands for all that would be found."""
    return [f"{root.rstrip('/')}/{(patterns or [''])[0]}".rstrip("/") for root in roots]


def _placed(words: list[str], paths: list[str]) -> list[str]:
    return [
        part for it in words for part in (paths if it == "{}" else [it.replace("{}", paths[0])])
    ]


def _ls(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-L", "-I", "--exclude"} if call.name == "tree" else ())
    is_recursive = call.name == "tree" or given.has("-R", "--recursive")
    for path in given.operands:
        machine.read(path)
        if is_recursive and is_wide(machine.world.resolve(path, machine.cwd)):
            machine.report(Label.HIDDEN_FILES, call.text)
    return "".join(f"{it}{UNKNOWN}\n" for it in given.operands) or UNKNOWN


def _locate(machine: Machine, call: Invocation) -> str:
    for pattern in split(call.args, with_value={"-n", "-l", "-d"}).operands:
        _search(machine, call, "/", [pattern])
    return UNKNOWN


def _fd(machine: Machine, call: Invocation) -> str:
    given = split(
        call.args, with_value={"-e", "-t", "-d", "-E", "-x", "-X", "--type", "--extension"}
    )
    pattern, *roots = given.operands or [""]
    endings = [f"*.{it}" for it in given.values("-e", "--extension")]
    for root in roots or ["."]:
        _search(machine, call, machine.world.resolve(root, machine.cwd), [pattern, *endings])
    return UNKNOWN


def _environment(machine: Machine, call: Invocation) -> str:
    if any(map(is_secret_pattern, call.args)):
        machine.report(Label.OUTSIDE_READ, call.text)
    return ENVIRONMENT


def is_secret_pattern(text: str) -> bool:
    """Say whether a pattern looks for credentials or for what is hidden."""
    return _SECRET.search(without_holes(text)) is not None or is_hidden_name(text)


SEARCH_PROGRAMS: dict[str, Program] = {
    "find": _find,
    "gfind": _find,
    "fd": _fd,
    "fdfind": _fd,
    "ls": _ls,
    "dir": _ls,
    "tree": _ls,
    "eza": _ls,
    "exa": _ls,
    "locate": _locate,
    "plocate": _locate,
    "mlocate": _locate,
    "printenv": _environment,
}
