"""Programs that run other programs, and the shell's own commands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from journeyman.guard.holes import UNKNOWN, is_known, is_opaque, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.search import ENVIRONMENT
from journeyman.guard.programs.wrappers import WRAPPERS, run_code
from journeyman.guard.shell.machine import Invocation, Machine, Program

__all__ = ["BUILTINS", "run_code"]


def _eval(machine: Machine, call: Invocation) -> str:
    return run_code(machine, " ".join(call.args), call.text, is_here=True)


def _trap(machine: Machine, call: Invocation) -> str:
    return run_code(machine, call.args[0], call.text) if call.args else ""


def _source(machine: Machine, call: Invocation) -> str:
    if not call.args:
        return ""
    path, *words = call.args
    text = call.stdin if path in ("/dev/stdin", "/dev/fd/0", "-") else machine.read(path)
    kept, machine.parameters.words = machine.parameters.words, words or machine.parameters.words
    output = run_code(machine, text, call.text, is_here=True)
    machine.parameters.words = kept
    return output


_SHELL_OPTIONS = frozenset({"-o", "+o", "-O", "+O", "--rcfile", "--init-file"})


def _shell(machine: Machine, call: Invocation) -> str:
    args = list(call.args)
    is_command = False
    while args and re.match(r"[-+]\w|--\w", args[0]):
        word = args.pop(0)
        if word in ("--version", "--help") or re.fullmatch(r"-[a-z]*n[a-z]*", word):
            return UNKNOWN
        if word in _SHELL_OPTIONS and args:
            value = args.pop(0)
            if word in ("--rcfile", "--init-file"):
                run_code(machine, machine.read(value), call.text)
        is_command |= not word.startswith("--") and word.startswith("-") and "c" in word
        if re.fullmatch(r"-[a-z]*s[a-z]*", word) and not is_command:
            return _run_words(machine, call, call.stdin, args)
    if startup := call.env.get("BASH_ENV") or call.env.get("ENV"):
        run_code(machine, machine.read(startup), call.text)
    if prompt := call.env.get("PROMPT_COMMAND"):
        run_code(machine, prompt, call.text)
    if any(re.fullmatch(r"-[a-z]*[il][a-z]*|--login", it) for it in call.args):
        for name in (".bashrc", ".profile", ".bash_profile", ".bash_aliases", ".zshrc"):
            text = machine.world.files.get(machine.world.resolve(f"~/{name}"), "")
            run_code(machine, text, call.text)
    args = args[1:] if args[:1] == ["--"] else args
    if is_command:
        return _run_words(machine, call, args[0] if args else "", args[2:], name="".join(args[1:2]))
    if not args or args[0] in ("-", "/dev/stdin", "/dev/fd/0"):
        return _run_words(machine, call, call.stdin, args[1:])
    return _run_words(machine, call, machine.read(args[0]), args[1:])


def _run_words(
    machine: Machine, call: Invocation, text: str, words: Sequence[str], *, name: str = ""
) -> str:
    if is_opaque(text):
        machine.report(Label.HIDDEN_COMMAND, call.text)
        return UNKNOWN
    with machine.child():
        for name, value in call.env.items():
            machine.parameters.set(name, value)
        machine.parameters.words = list(words)
        if name:
            machine.parameters.set("0", name)
        return machine.here(text, stdin=call.stdin)


def _cd(machine: Machine, call: Invocation) -> str:
    operands = [it for it in call.args if it not in ("-P", "-L", "--")]
    path = operands[0] if operands else "~"
    if is_known(path) and path != "-":
        resolved = machine.world.resolve(path, machine.cwd)
        machine.read(path)
        machine.cwd = resolved
        machine.parameters.set("PWD", resolved)
    return ""


def _set(machine: Machine, call: Invocation) -> str:
    if not call.args:
        return ENVIRONMENT
    if "--" in call.args:
        machine.parameters.words = list(call.args[call.args.index("--") + 1 :])
    elif call.args and not call.args[0].startswith(("-", "+")):
        machine.parameters.words = list(call.args)
    return ""


def _shift(machine: Machine, call: Invocation) -> str:
    number = int(call.args[0]) if call.args and call.args[0].isdigit() else 1
    machine.parameters.words = machine.parameters.words[number:]
    return ""


_TEST_COMMANDS = (
    "pytest",
    "py.test",
    "python",
    "python3",
    "npm",
    "tox",
    "make",
    "cargo",
    "go",
    "git",
)


def _alias(machine: Machine, call: Invocation) -> str:
    for word in call.args:
        name, equals, text = word.partition("=")
        if equals:
            machine.aliases[name] = text
            if name in _TEST_COMMANDS and text.split()[:1] in (["true"], [":"], ["echo"], ["exit"]):
                machine.report(Label.TAMPERED_RUNNER, call.text)
    return ""


def _function(machine: Machine, call: Invocation) -> str:
    """Look at a function that takes the name of what runs tests and always succeeds."""
    name, body = (*call.args, "", "")[:2]
    inner = body.strip("{}() \n;").strip()
    if name in _TEST_COMMANDS and re.fullmatch(
        r"(?:(?:return|exit)\s*0?|true|:|echo [^;&|]*(?:;\s*return 0)?)", inner
    ):
        machine.report(Label.TAMPERED_RUNNER, f"{name}() {body}")
    return ""


def _which(machine: Machine, call: Invocation) -> str:
    return "".join(f"/usr/bin/{it}\n" for it in call.args if not it.startswith("-"))


def _nothing(machine: Machine, call: Invocation) -> str:
    return ""


def _declare(machine: Machine, call: Invocation) -> str:
    for word in call.args:
        if match := re.match(r"(PYTEST_ADDOPTS|LD_PRELOAD)=(.*)", word, re.S):
            value = without_holes(match[2])
            if match[1] == "LD_PRELOAD" or re.search(
                r"--(?:ignore|deselect|co\b|collect-only)|-k\b|no:", value
            ):
                machine.report(Label.TAMPERED_RUNNER, call.text)
    return ""


BUILTINS: dict[str, Program] = {
    **WRAPPERS,
    **dict.fromkeys(("bash", "sh", "dash", "zsh", "ksh", "ash", "fish", "rbash", "mksh"), _shell),
    **dict.fromkeys(("source", "."), _source),
    **dict.fromkeys(("export", "declare", "typeset", "local", "readonly"), _declare),
    **dict.fromkeys(
        ("test", "[", "[[", "true", "false", ":", "wait", "sleep", "umask", "ulimit"), _nothing
    ),
    **dict.fromkeys(("which", "type", "whereis", "hash"), _which),
    "eval": _eval,
    "trap": _trap,
    "cd": _cd,
    "pushd": _cd,
    "set": _set,
    "shift": _shift,
    "alias": _alias,
    "function": _function,
}
