"""Interpreters of other languages: the code they are given, from the line, a file or their input."""

from __future__ import annotations

import posixpath
import re

from journeyman.guard.code.python import judge_python
from journeyman.guard.code.scripts import judge_script
from journeyman.guard.holes import UNKNOWN, is_opaque, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import split
from journeyman.guard.rules.startup import FileKind, kind_of
from journeyman.guard.shell.machine import Invocation, Machine, Program

__all__ = ["INTERPRETERS", "run_file", "run_tests"]

_PYTHON_PROGRAMS = {"pip": "pip", "pip3": "pip", "httpie": "http", "http": "http", "wget": "wget"}
_PYTHON_PROGRAMS |= {
    "pytest": "pytest",
    "unittest": "pytest",
    "tox": "tox",
    "nox": "nox",
    "uv": "uv",
}
_PYTHON_PROGRAMS |= {
    "pipx": "pipx",
    "poetry": "poetry",
    "easy_install": "easy_install",
    "conda": "conda",
}
_PYTHON_PROGRAMS |= {"git": "git", "pdm": "pdm", "hatch": "hatch", "build": "true", "venv": "true"}
_PYTHON_VALUES = frozenset({"-W", "-X", "--check-hash-based-pycs"})


def _python(machine: Machine, call: Invocation) -> str:
    with machine.child():
        for name, value in call.env.items():
            machine.parameters.set(name, value)
        return _python_words(machine, call)


def _python_words(machine: Machine, call: Invocation) -> str:
    args = list(call.args)
    while args and args[0].startswith("-") and args[0] != "-":
        word = args.pop(0)
        if word in ("-V", "--version", "-h", "--help"):
            return UNKNOWN
        if word in _PYTHON_VALUES:
            args = args[1:]
        elif match := re.match(r"^-[a-zA-Z]*?c(.*)$", word, re.S):
            text = match[1] or (args.pop(0) if args else "")
            return _run_python(machine, call, text, ("-c", *args))
        elif match := re.match(r"^-[a-zA-Z]*?m(.*)$", word):
            module = match[1] or (args.pop(0) if args else "")
            return _run_module(machine, call, module, args)
    if not args or args[0] in ("-", "/dev/stdin"):
        return _run_python(machine, call, call.stdin, tuple(args))
    text = machine.read(args[0])
    if posixpath.basename(args[0]) == "setup.py" and args[1:2] == ["easy_install"]:
        return machine.call(call.but(args[1:]))
    if posixpath.basename(args[0]) == "setup.py" and not without_holes(text):
        return UNKNOWN
    return _run_python(machine, call, text, tuple(args))


def _run_python(machine: Machine, call: Invocation, text: str, argv: tuple[str, ...]) -> str:
    if is_opaque(text):
        machine.report(Label.HIDDEN_COMMAND, call.text)
        return UNKNOWN
    if not without_holes(text).strip():
        return UNKNOWN
    return judge_python(machine, text, argv=argv, stdin=call.stdin) or UNKNOWN


def _run_module(machine: Machine, call: Invocation, module: str, args: list[str]) -> str:
    root = module.partition(".")[0]
    if module in ("timeit", "cProfile", "profile", "pdb", "trace", "coverage", "debugpy"):
        rest = split(args, with_value={"-s", "-n", "-o", "-r", "-c"}, stops_early=True).operands
        rest = [it for it in rest if it not in ("run", "--")]
        if module == "timeit" and rest:
            return _run_python(machine, call, "\n".join(rest), ())
        if rest[:1] == ["-m"]:
            return _run_module(machine, call, rest[1] if len(rest) > 1 else "", rest[2:])
        return machine.call(call.but(["python", *rest])) if rest else UNKNOWN
    if root in _PYTHON_PROGRAMS:
        return machine.call(call.but([_PYTHON_PROGRAMS[root], *args]))
    if module in ("base64", "gzip", "zipfile", "tarfile", "webbrowser", "urllib.request", "ftplib"):
        if module == "base64":
            return machine.call(call.but(["base64", *args]))
        if module in ("webbrowser", "urllib.request"):
            for word in args:
                machine.connect(word)
        return UNKNOWN
    for path in (f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__main__.py"):
        known = machine.world.files.get(machine.world.resolve(path, machine.cwd))
        if known is not None:
            return _run_python(machine, call, known, (path, *args))
    return UNKNOWN


def _script(language: str, *code_options: str, with_value: tuple[str, ...] = ()) -> Program:
    """An interpreter whose `code_options` take code and whose first operand is a file of it."""

    def program(machine: Machine, call: Invocation) -> str:
        given = split(call.args, with_value={*code_options, *with_value}, stops_early=True)
        modules = "".join(f"use {it};\n" for it in given.values("-M", "-r", "--require"))
        texts = [f"{modules}{it}" for it in given.values(*code_options)]
        if language == "node" and given.has("-p", "--print"):
            texts = [f"console.log({it})" for it in texts]
        if texts:
            if language in ("perl", "ruby") and given.has("-i", "-p"):
                _edit_in_place(machine, call, given.operands, "\n".join(texts))
            files = "".join(machine.read(it) for it in given.operands if not it.startswith("-"))
            return _judge(machine, call, language, "\n".join(texts), files or call.stdin)
        if given.operands and given.operands[0] not in ("-", "/dev/stdin"):
            operands = [it for it in given.operands if it not in ("run", "eval", "script")]
            if given.operands[0] == "eval" and operands:
                return _judge(machine, call, language, operands[0], call.stdin)
            if operands and "://" in operands[0]:
                machine.connect(operands[0])
            return (
                _judge(machine, call, language, machine.read(operands[0]), call.stdin)
                if operands
                else UNKNOWN
            )
        return _judge(machine, call, language, call.stdin, "")

    return program


def _judge(machine: Machine, call: Invocation, language: str, text: str, stdin: str) -> str:
    if not without_holes(text).strip() and not is_opaque(text):
        return UNKNOWN
    return judge_script(machine, language, text, stdin=stdin, argv=call.args)


def _edit_in_place(machine: Machine, call: Invocation, paths: list[str], script: str) -> None:
    machine.call(Invocation("sed", ("-i", script.strip().rstrip(";"), *paths)))


def run_file(machine: Machine, call: Invocation) -> str:
    """Run a file by its path: what the agent wrote is read, by its first line or its name."""
    text = machine.read(call.path)
    if not without_holes(text).strip():
        return UNKNOWN
    first = text.splitlines()[0] if text.startswith("#!") else ""
    interpreter = re.search(
        r"(?:/|\s)(python[\d.]*|node|perl|ruby|php|bash|sh|zsh|awk|deno|lua)\b", first
    )
    by_name = {
        ".py": "python",
        ".js": "node",
        ".pl": "perl",
        ".rb": "ruby",
        ".php": "php",
        ".lua": "lua",
    }
    name = interpreter[1] if interpreter else by_name.get(posixpath.splitext(call.path)[1], "bash")
    return machine.call(Invocation(name, (call.path, *call.args), call.stdin, call.env))


def run_tests(machine: Machine, call: Invocation) -> str:
    """Run a test runner: every test and start-up file that the agent wrote is run by it."""
    for path, text in list(machine.world.files.items()):
        kind = kind_of(path)
        if kind not in (FileKind.TEST, FileKind.STARTUP) and not path.endswith("sitecustomize.py"):
            continue
        if path.endswith(".py") and without_holes(text):
            judge_python(machine, text)
        elif re.search(r"\.[cm]?[jt]sx?$", path) and without_holes(text):
            judge_script(machine, "node", text)
        elif path.endswith((".rb", ".go", ".rs", ".php")) and without_holes(text):
            judge_script(machine, {".rb": "ruby", ".php": "php"}.get(path[-3:], "go"), text)
    return UNKNOWN


def _make(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-f", "-C", "-j", "--file", "--eval"})
    files = given.values("-f", "--file") or ["Makefile", "GNUmakefile", "makefile", "justfile"]
    folder = (given.values("-C") or [""])[0]
    text = "\n".join(given.values("--eval"))
    for path in files:
        resolved = machine.world.resolve(posixpath.join(folder, path), machine.cwd)
        text += call.stdin if path == "-" else machine.world.files.get(resolved, "")
    for name, value in re.findall(r"^(\w+)\s*[:?]?=\s*(.*)$", text, re.M):
        text = text.replace(f"$({name})", value).replace(f"${{{name}}}", value)
    for line in re.findall(r"^(?:\t| {2,})\s*[@+-]*(.*)$", text, re.M):
        machine.run(line.replace("$$", "$"))
    for body in re.findall(r"\$\(shell ([^)]*)\)", text):
        machine.run(body)
    return run_tests(machine, call)


def _go(machine: Machine, call: Invocation) -> str:
    if call.args[:1] == ("run",):
        for path in call.args[1:]:
            text = machine.read(path) if path.endswith(".go") else ""
            if without_holes(text).strip():
                judge_script(machine, "go", text)
    return UNKNOWN


def _powershell(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-c", "-Command", "-File"}, stops_early=True)
    words = [
        it for it in call.args if it not in ("-c", "-Command", "-NoProfile", "-NonInteractive")
    ]
    return machine.run(" ".join(words) if not given.values("-File") else machine.read(words[-1]))


def _compile(machine: Machine, call: Invocation) -> str:
    """Compiling is harmless, but nothing reads a program of ours after it: its source is read now."""
    for path in split(call.args, with_value={"-o", "-I", "-L", "-l", "-D", "-x"}).operands:
        text = call.stdin if path == "-" else machine.read(path)
        if without_holes(text).strip():
            judge_script(machine, "c", text)
    return UNKNOWN


def _database(machine: Machine, call: Invocation) -> str:
    for text in (*call.args, *call.stdin.splitlines()):
        if match := re.match(r"\s*\.(?:(?:shell|system)\s|(?:once|output)\s+\|)(.*)", text, re.S):
            machine.run(match[1])
    return UNKNOWN


INTERPRETERS: dict[str, Program] = {
    "python": _python,
    "pypy": _python,
    "node": _script(
        "node", "-e", "--eval", "-p", "--print", with_value=("-r", "--require", "--import")
    ),
    "nodejs": _script("node", "-e", "--eval", "-p", with_value=("-r",)),
    "deno": _script("node", "-e"),
    "bun": _script("node", "-e", "--eval"),
    "tsx": _script("node", "-e"),
    "ts-node": _script("node", "-e"),
    "perl": _script("perl", "-e", "-E", with_value=("-I", "-M")),
    "ruby": _script("ruby", "-e", with_value=("-r", "-I")),
    "irb": _script("ruby"),
    "php": _script("php", "-r"),
    "lua": _script("lua", "-e"),
    "luajit": _script("lua", "-e"),
    "Rscript": _script("r", "-e"),
    "R": _script("r", "-e"),
    "julia": _script("julia", "-e", "-E"),
    "tclsh": _script("tcl"),
    "expect": _script("tcl", "-c"),
    **dict.fromkeys(
        ("erl", "ocaml", "clojure", "clj", "bb", "nim", "crystal", "raku"),
        _script("ruby", "-e", "-eval"),
    ),
    "groovy": _script("java", "-e"),
    "jshell": _script("java"),
    "java": _script("java", with_value=("-cp", "-jar")),
    "scala": _script("java", "-e"),
    "kotlin": _script("java", "-e"),
    "elixir": _script("ruby", "-e", "--eval"),
    "guile": _script("lisp", "-c"),
    "racket": _script("lisp", "-e"),
    "sbcl": _script("lisp", "--eval"),
    "emacs": _script("lisp", "--eval"),
    "ghci": _script("haskell", "-e"),
    "swift": _script("java", "-e"),
    "pwsh": _powershell,
    "powershell": _powershell,
    **dict.fromkeys(("gcc", "cc", "g++", "c++", "clang", "tcc", "rustc", "javac", "ghc"), _compile),
    "osascript": _script("php", "-e"),
    "sqlite3": _database,
    "ipython": _python,
    "make": _make,
    "gmake": _make,
    "just": _make,
    "go-run": _go,
    **dict.fromkeys(
        (
            "pytest",
            "py.test",
            "tox",
            "nox",
            "nosetests",
            "jest",
            "vitest",
            "mocha",
            "rspec",
            "phpunit",
            "ctest",
        ),
        run_tests,
    ),
}
