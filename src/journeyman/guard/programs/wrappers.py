"""Programs that run the command they are given: `env`, `sudo`, `xargs`, `timeout`, `tmux`."""

from __future__ import annotations

import re

from journeyman.guard.holes import UNKNOWN, is_opaque
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import split
from journeyman.guard.programs.search import ENVIRONMENT
from journeyman.guard.shell.machine import Invocation, Machine, Program
from journeyman.guard.shell.quoting import ansi_c

__all__ = ["WRAPPERS", "run_code"]


def run_code(machine: Machine, text: str, evidence: str, *, is_here: bool = False) -> str:
    """Run shell text that a command was given; what came out of a decoder is refused."""
    if is_opaque(text):
        machine.report(Label.HIDDEN_COMMAND, evidence)
        return UNKNOWN
    return (
        machine.here(text, stdin=machine.stdin)
        if is_here
        else machine.run(text, stdin=machine.stdin)
    )


def _env(machine: Machine, call: Invocation) -> str:
    args = list(call.args)
    env = dict(call.env)
    while args:
        word = args[0]
        if word in ("-u", "-C", "--unset", "--chdir"):
            args = args[2:]
        elif word in ("-S", "--split-string") or word.startswith(("-S", "--split-string=")):
            text = (
                word[2:].lstrip("=")
                if word.startswith("-S") and len(word) > 2
                else "".join(args[1:2])
            )
            rest = args[1:] if len(word) > 2 else args[2:]
            return machine.here(" ".join((text, *rest)), stdin=call.stdin)
        elif word.startswith("-"):
            args = args[1:]
        elif re.match(r"\w+=", word):
            name, _, env[name] = word.partition("=")
            args = args[1:]
        else:
            return machine.call(Invocation(args[0], tuple(args[1:]), call.stdin, env))
    return ENVIRONMENT


def _wrapper(*with_value: str, num_operands: int = 0) -> Program:
    """A program that runs its operands after its options and `num_operands` words of its own."""

    def program(machine: Machine, call: Invocation) -> str:
        given = split(call.args, with_value=with_value, stops_early=True)
        command = given.operands[num_operands:]
        while command and re.match(r"\w+=", command[0]):
            command = command[1:]
        return machine.call(call.but(command)) if command else UNKNOWN

    return program


def _command(machine: Machine, call: Invocation) -> str:
    args = list(call.args)
    if args and re.fullmatch(r"-[vV]+", args[0]):
        return "".join(f"/usr/bin/{it}\n" for it in args[1:])
    args = args[1:] if args and args[0] in ("-p", "--", "-a") else args
    args = args[2:] if args and args[0] == "-a" else args
    args = args[1:] if args and re.fullmatch(r"-[cl]+", args[0]) else args
    return machine.call(call.but(args)) if args else ""


def _xargs(machine: Machine, call: Invocation) -> str:
    with_value = {
        "-I",
        "-n",
        "-P",
        "-d",
        "-L",
        "-a",
        "-s",
        "-E",
        "--max-args",
        "--max-procs",
        "--replace",
    }
    given = split(call.args, with_value=with_value, stops_early=True)
    text = "".join(machine.read(it) for it in given.values("-a", "--arg-file")) or call.stdin
    command = given.operands or ["echo"]
    marks = given.values("-I", "--replace") + (["{}"] if given.has("-i") else [])
    delimiter = (given.values("-d") or [""])[0]
    is_null = given.has("-0", "--null")
    if marks:
        items = text.split("\x00") if is_null else text.splitlines()
        output = ""
        for item in [it for it in items if it.strip()][:24]:
            words = [it.replace(marks[0] or "{}", item.strip()) for it in command]
            output += machine.call(call.but(words, stdin=""))
        return output
    words = (
        text.split("\x00")
        if is_null
        else (text.split(ansi_c(delimiter)) if delimiter else text.split())
    )
    size = (given.values("-n", "--max-args", "-L") or [""])[0]
    chunk = int(size) if size.isdigit() and int(size) else max(1, len(words))
    starts = range(0, max(1, len(words)), chunk)
    return "".join(
        machine.call(
            call.but([*command, *(it.strip("'\"") for it in words[i : i + chunk])], stdin="")
        )
        for i in list(starts)[:24]
    )


def _code_operand(*options: str) -> Program:
    """A program whose option or first operand is shell text."""

    def program(machine: Machine, call: Invocation) -> str:
        given = split(call.args, with_value=options)
        texts = given.values(*options) if options else given.operands
        for text in texts:
            run_code(machine, text, call.text)
        return UNKNOWN

    return program


def _sudo(machine: Machine, call: Invocation) -> str:
    if call.args[:1] in (("-i",), ("-s",)) and len(call.args) == 1:
        machine.report(Label.OUTSIDE_READ, call.text)
    return _wrapper("-u", "-g", "-C", "-h", "-p", "-U")(machine, call)


def _su(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-c", "--command", "-s", "-g"})
    for text in given.values("-c", "--command"):
        run_code(machine, text, call.text)
    if not given.values("-c", "--command") and call.name == "su":
        machine.report(Label.OUTSIDE_READ, call.text)
    return UNKNOWN


def _parallel(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-j", "-P", "-n", "-I"}, stops_early=True)
    words = given.operands
    cut = words.index(":::") if ":::" in words else len(words)
    items = words[cut + 1 :] or call.stdin.splitlines()
    template = " ".join(words[:cut])
    for item in items[:24]:
        text = template.replace("{}", item) if "{}" in template else f"{template} {item}"
        run_code(machine, text, call.text)
    return UNKNOWN


def _stdin_code(machine: Machine, call: Invocation) -> str:
    return run_code(machine, call.stdin, call.text)


def _crontab(machine: Machine, call: Invocation) -> str:
    if "-u" in call.args:
        machine.report(Label.OUTSIDE_READ, call.text)
    if any(it in ("-l", "-r", "-e") for it in call.args):
        return UNKNOWN
    operands = [it for it in call.args if not it.startswith("-") or it == "-"]
    texts = [call.stdin if it == "-" else machine.read(it) for it in operands] or [call.stdin]
    for line in "".join(texts).splitlines():
        run_code(machine, re.sub(r"^(?:@\w+|(?:\S+\s+){5})", "", line), call.text)
    return ""


def _multiplexer(machine: Machine, call: Invocation) -> str:
    words = [it for it in call.args if not it.startswith("-")]
    if "send-keys" in words:
        keys = [it for it in words[1:] if it not in ("Enter", "C-m", "C-c")]
        run_code(
            machine, " ".join(keys[1:] if len(keys) > 1 and " " not in keys[0] else keys), call.text
        )
        return UNKNOWN
    for word in words:
        if " " in word:
            run_code(machine, word, call.text)
    if "--" in call.args:
        machine.call(call.but(call.args[call.args.index("--") + 1 :] or ("true",)))
    elif call.name == "screen":
        rest = split(call.args, with_value={"-S", "-L"}, stops_early=True).operands
        if rest:
            machine.call(call.but(rest))
    return UNKNOWN


def _busybox(machine: Machine, call: Invocation) -> str:
    return machine.call(call.but(call.args)) if call.args else UNKNOWN


def _watch_hidden(machine: Machine, call: Invocation) -> str:
    text = " ".join(split(call.args, with_value={"-n", "--interval"}, stops_early=True).operands)
    return run_code(machine, text, call.text)


WRAPPERS: dict[str, Program] = {
    **dict.fromkeys(
        ("nohup", "setsid", "exec", "builtin", "coproc", "then", "do", "else"), _wrapper()
    ),
    **dict.fromkeys(("busybox", "toybox"), _busybox),
    **dict.fromkeys(("watch", "hyperfine", "entr"), _watch_hidden),
    **dict.fromkeys(("at", "batch"), _stdin_code),
    **dict.fromkeys(("tmux", "screen"), _multiplexer),
    "exec": _wrapper("-a"),
    "env": _env,
    "command": _command,
    "xargs": _xargs,
    "parallel": _parallel,
    "sudo": _sudo,
    "doas": _wrapper("-u", "-C"),
    "time": _wrapper("-f", "-o"),
    "timeout": _wrapper("-s", "-k", "--signal", "--kill-after", num_operands=1),
    "gtimeout": _wrapper("-s", "-k", num_operands=1),
    "nice": _wrapper("-n", "--adjustment"),
    "ionice": _wrapper("-c", "-n", "-p"),
    "chrt": _wrapper(num_operands=1),
    "taskset": _wrapper(num_operands=1),
    "stdbuf": _wrapper("-i", "-o", "-e"),
    "unbuffer": _wrapper(),
    "valgrind": _wrapper(),
    "heaptrack": _wrapper(),
    "flock": _wrapper("-w", num_operands=1),
    "faketime": _wrapper(num_operands=1),
    "proxychains": _wrapper("-f"),
    "proxychains4": _wrapper("-f"),
    "torify": _wrapper(),
    "torsocks": _wrapper(),
    "xvfb-run": _wrapper("-s", "-n", "--server-args"),
    "rlwrap": _wrapper(),
    "catchsegv": _wrapper(),
    "fakeroot": _wrapper(),
    "systemd-run": _wrapper("-u", "-p"),
    "daemonize": _wrapper("-o", "-e"),
    "runuser": _su,
    "su": _su,
    "script": _code_operand("-c", "--command"),
    "crontab": _crontab,
}
