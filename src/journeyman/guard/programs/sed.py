"""`sed`: what its substitutions print, what it does to files in place, and the commands it runs."""

from __future__ import annotations

import re

from journeyman.guard.foreign import compile_foreign
from journeyman.guard.holes import UNKNOWN, WEAKENED, is_known
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import split
from journeyman.guard.rules.content import is_weakening
from journeyman.guard.rules.startup import FileKind, kind_of
from journeyman.guard.shell.machine import Invocation, Machine
from journeyman.guard.shell.quoting import ansi_c

__all__ = ["run_sed"]

_SUBSTITUTION = re.compile(
    r"(?:^|[;\n{}\d$/]|\s)s([|#/,@!:%~+_^&=])((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1(\w*)", re.S
)
_MOST_WORK = 1 << 24
_MOST_SCRIPT = 8_000
_DELETION = re.compile(r"(?:/(?:\\.|[^/])*/I?|[\d,$+~]+|^)\s*!?\s*d\b")


def run_sed(machine: Machine, call: Invocation) -> str:
    """Follow one call of `sed`."""
    given = split(call.args, with_value={"-e", "-f", "--expression", "--file", "-l"})
    scripts = given.values("-e", "--expression") + [
        machine.read(it) for it in given.values("-f", "--file")
    ]
    operands = list(given.operands)
    if not scripts and operands:
        scripts = [operands.pop(0)]
    script = "\n".join(scripts)[:_MOST_SCRIPT]
    if given.has("-i", "--in-place") or "-i.bak" in call.args:
        for path in operands:
            _edit(machine, call, path, script)
        return ""
    text = "".join(machine.read(it) for it in operands) if operands else call.stdin
    are_tests = any(
        kind_of(machine.world.resolve(it, machine.cwd)) is FileKind.TEST for it in operands
    )
    if are_tests and not is_known(text) and _weakens(script):
        _applied(machine, text, script, is_quiet=True)
        return WEAKENED
    return _applied(machine, text, script, is_quiet=given.has("-n"))


def _applied(machine: Machine, text: str, script: str, *, is_quiet: bool) -> str:
    for match in _SUBSTITUTION.finditer(script):
        _, pattern, new, flags = match.groups()
        if "e" in flags:
            machine.run(_substituted(text, pattern, new, flags) if text else new)
        text = _substituted(text, pattern, new, flags)
    for command in re.findall(r"(?:^|[;\n\d$])\s*(?:/[^/]*/)?e\s+([^\n;]+)", script):
        machine.run(command)
    if is_quiet and not _SUBSTITUTION.search(script):
        if lines := re.fullmatch(r"(\d+)(?:,(\d+))?p", script.strip()):
            first, last = int(lines[1]), int(lines[2] or lines[1])
            return "".join(text.splitlines(keepends=True)[first - 1 : last])
        if not is_known(text):
            return UNKNOWN
    return text


def _substituted(text: str, pattern: str, new: str, flags: str) -> str:
    pattern = re.sub(r"\\([(){}|+?])", "\x00\\1", pattern) if "E" not in flags else pattern
    pattern = re.sub(r"(?<!\x00)(?<!\\)([(){}|+?])", r"\\\1", pattern).replace("\x00", "")
    replacement = (
        re.sub(r"(?<!\\)&", lambda _: r"\g<0>", new).replace("\\/", "/").replace("\\&", "&")
    )
    replacement = re.sub(
        r"\\(\d)", r"\\g<\1>", ansi_c(replacement) if "\\x" in replacement else replacement
    )
    regex = compile_foreign(pattern)
    if regex is None or len(text) * (len(new) + 1) > _MOST_WORK:
        return UNKNOWN
    count = 0 if "g" in flags else 1
    try:
        return "\n".join(regex.sub(replacement, it, count=count) for it in text.split("\n"))
    except (re.error, IndexError):
        return UNKNOWN


def _edit(machine: Machine, call: Invocation, path: str, script: str) -> None:
    """Judge an edit in place: renaming is fine everywhere, weakening is not in what tests."""
    resolved = machine.world.resolve(path, machine.cwd)
    added = _added(script)
    known = machine.world.files.get(resolved)
    if known is not None:
        machine.write(path, _applied(machine, known, script, is_quiet=False) + added)
        return
    machine.write(path, added or UNKNOWN, is_appended=True)
    kind = kind_of(resolved)
    if kind is FileKind.TEST and resolved not in machine.world.created and _weakens(script):
        machine.report(Label.EDITED_TESTS, call.text)
    if kind is FileKind.STARTUP and re.search(
        r"\btest(?:s|paths)?\b|addopts|pytest|skipTests|\bcheck\b|[|/#,](?:true|:|exit 0|"
        r"echo\b[^/|]*)\"?[|/#,]",
        script,
    ):
        machine.report(Label.TAMPERED_RUNNER, call.text)


def _added(script: str) -> str:
    """Return the lines that a script adds."""
    return "\n".join(re.findall(r"(?:^|[;\d$/\n])\s*[aic]\\?\s*([^\n]+)", script))


def _weakens(script: str) -> bool:
    for match in _SUBSTITUTION.finditer(script):
        if is_weakening(match[2]) or is_weakening(match[3]):
            return True
    return _DELETION.search(script) is not None
