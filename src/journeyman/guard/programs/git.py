"""`git`: what reaches another repository, what looks past the base commit, what hides tests."""

from __future__ import annotations

import posixpath
import re
import shlex

from journeyman.guard.holes import UNKNOWN, is_opaque, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.files import judge_patch
from journeyman.guard.programs.history import judge_history
from journeyman.guard.programs.options import Given, split
from journeyman.guard.rules.reach import is_loopback
from journeyman.guard.rules.startup import FileKind, kind_of
from journeyman.guard.shell.machine import Invocation, Machine

__all__ = ["run_git"]

_GLOBAL_VALUES = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"})
_VALUES = frozenset(
    {
        "-o",
        "-b",
        "--branch",
        "-u",
        "--depth",
        "-j",
        "--jobs",
        "--reference",
        "--origin",
        "--format",
        "--prefix",
    }
    | {
        "--remote",
        "--output",
        "-m",
        "--message",
        "-F",
        "--file",
        "-t",
        "-n",
        "--filter",
        "--template",
        "--config",
        "-c",
    }
    | {
        "--shallow-since",
        "--shallow-exclude",
        "--upload-pack",
        "--separate-git-dir",
        "--name",
        "-e",
        "--exec",
    }
)
_ALWAYS_REMOTE: tuple[str, ...] = (
    "ls-remote",
    "fetch-pack",
    "http-fetch",
    "svn",
    "p4",
    "cvsimport",
    "remote-https",
    "remote-http",
)
_ALWAYS_REMOTE += (
    "request-pull",
    "send-email",
    "imap-send",
    "lfs",
    "annex",
    "send-pack",
    "http-push",
    "remote-ssh",
)
_DANGEROUS_CONFIG = re.compile(
    r"core\.(?:sshcommand|gitproxy|fsmonitor|editor|pager|hookspath)|credential\.helper|diff\.\w+\.command",
    re.I,
)


def run_git(machine: Machine, call: Invocation) -> str:
    """Follow one call of `git`."""
    given = split(call.args, with_value=_GLOBAL_VALUES, stops_early=True)
    with machine.child():
        for folder in given.values("-C"):
            machine.cwd = machine.world.resolve(folder, machine.cwd)
        for setting in given.values("-c"):
            _configure(machine, *setting.partition("=")[::2])
        if given.has("--version", "--help", "-h", "--html-path", "-v") or not given.operands:
            return UNKNOWN
        command, *args = given.operands
        command = without_holes(command)
        if "-h" in args or "--help" in args or command == "help":
            return UNKNOWN
        _environment(machine, call)
        _run_hooks(machine, command)
        return _subcommand(machine, call, command, args)


def _environment(machine: Machine, call: Invocation) -> None:
    for name in (
        "GIT_SSH_COMMAND",
        "GIT_PROXY_COMMAND",
        "GIT_EDITOR",
        "GIT_PAGER",
        "GIT_EXTERNAL_DIFF",
        "GIT_ASKPASS",
    ):
        if value := call.env.get(name):
            machine.run(value)
    if call.env.get("GIT_CONFIG_KEY_0"):
        _configure(machine, call.env["GIT_CONFIG_KEY_0"], call.env.get("GIT_CONFIG_VALUE_0", ""))
    if path := call.env.get("GIT_ALTERNATE_OBJECT_DIRECTORIES"):
        machine.read(path)
        machine.report(Label.LATER_HISTORY, call.text)


def _subcommand(machine: Machine, call: Invocation, command: str, args: list[str]) -> str:
    world = machine.world
    if command in world.git_aliases:
        text = world.git_aliases.pop(command)
        rest = " ".join(args)
        output = machine.run(f"{text[1:]} {rest}" if text.startswith("!") else f"git {text} {rest}")
        world.git_aliases[command] = text
        return output
    given = split(args, with_value=_VALUES)
    if command in ("clone", "fetch", "pull"):
        _transport(machine, call, command, given)
    elif command in _ALWAYS_REMOTE or command.startswith("remote-"):
        _remote_helper(machine, call, command, given)
    elif command in (
        "remote",
        "submodule",
        "subtree",
        "archive",
        "push",
        "bundle",
        "config",
        "maintenance",
    ):
        _sometimes_remote(machine, call, command, given)
    elif command in ("apply", "am"):
        files = [it for it in given.operands if it]
        judge_patch(machine, "".join(machine.read(it) for it in files) or call.stdin)
    elif command in ("rm", "mv"):
        for path in given.operands[: 1 if command == "mv" else None]:
            machine.remove(path)
    elif command == "sparse-checkout":
        if given.operands[:1] in (["set"], ["init"], ["reapply"]):
            machine.report(Label.EDITED_TESTS, call.text)
    elif command == "update-index":
        if given.has("--assume-unchanged", "--skip-worktree", "--force-remove"):
            machine.report(Label.EDITED_TESTS, call.text)
    elif command == "diff" and given.has("--no-index"):
        for path in given.operands:
            machine.read(path)
    elif command == "rebase" or command == "bisect":
        exec_values = split(args, with_value={"-x", "--exec", "--onto"}).values("-x", "--exec")
        for text in [*exec_values, *_after(args, "run")]:
            machine.run(text)
    else:
        judge_history(machine, call, command, args)
    if command in (
        "show",
        "log",
        "diff",
        "checkout",
        "restore",
        "cherry-pick",
        "merge",
        "rebase",
        "reset",
    ):
        judge_history(machine, call, command, args)
    return UNKNOWN


def _run_hooks(machine: Machine, command: str) -> None:
    """Hooks that the agent wrote run with the commands that change something."""
    if command not in (
        "commit",
        "checkout",
        "switch",
        "merge",
        "rebase",
        "am",
        "push",
        "pull",
        "gc",
    ):
        return
    for path, text in list(machine.world.files.items()):
        if "/.git/hooks/" in path:
            machine.run(text)


def _after(args: list[str], word: str) -> list[str]:
    return [shlex.join(args[args.index(word) + 1 :])] if word in args else []


def _configure(machine: Machine, key: str, value: str) -> None:
    lower = key.lower()
    if lower.startswith("alias."):
        machine.world.git_aliases[lower[6:]] = value
    elif match := re.match(r"url\.(.*)\.(?:push)?insteadof$", key, re.I | re.S):
        machine.world.url_aliases[value] = match[1]
    elif _DANGEROUS_CONFIG.match(lower):
        machine.run(value.removeprefix("!"))
        if lower == "core.hookspath" and value in ("/dev/null",):
            return
    elif re.match(r"remote\..*\.(?:push)?url$", lower) and not _is_local(machine, value):
        machine.connect(_spelled_out(machine, value))
    elif lower == "include.path":
        machine.read(value)


def _spelled_out(machine: Machine, target: str) -> str:
    for alias, real in machine.world.url_aliases.items():
        if alias and target.startswith(alias):
            return real + target[len(alias) :]
    return target


def _is_local(machine: Machine, target: str) -> bool:
    target = _spelled_out(machine, target)
    if target.startswith("file://") or (is_loopback(target) and "://" in target):
        return True
    if (
        "://" in target
        or re.match(r"[\w.-]+(?:@[\w.-]+)?:", target)
        or target.startswith(("ext::", "git@"))
    ):
        return False
    return target.startswith(("/", ".", "~")) or target.endswith(".bundle") or "/" in target


def _transport(machine: Machine, call: Invocation, command: str, given: Given) -> None:
    if given.values("-u", "--upload-pack"):
        for value in given.values("-u", "--upload-pack"):
            machine.run(value)
    for setting in given.values("-c", "--config"):
        _configure(machine, *setting.partition("=")[::2])
    targets = given.operands
    if command == "clone":
        targets = targets[:1]
    elif given.has("--all", "--multiple", "--unshallow") or not targets:
        machine.report(Label.UPSTREAM_FETCH, call.text)
        return
    for target in targets[:1]:
        _reach(machine, call, target, is_clone=command == "clone")


def _reach(machine: Machine, call: Invocation, target: str, *, is_clone: bool) -> None:
    target = _spelled_out(machine, target)
    if target.startswith("ext::"):
        machine.run(re.sub(r"%.", "", target[5:]))
        return
    if not without_holes(target).strip() or is_opaque(target):
        # No name can be read: a remote of this repository, or a hidden address.
        if is_opaque(target):
            machine.report(Label.HIDDEN_COMMAND, call.text)
        elif not is_clone:
            machine.report(Label.UPSTREAM_FETCH, call.text)
        return
    if _is_local(machine, target):
        path = re.sub(r"^file://", "", target)
        if not target.startswith("http"):
            machine.read(path)
        return
    if not is_clone and not re.search(r"[:/]", target):
        machine.report(Label.UPSTREAM_FETCH, call.text)
        return
    machine.connect(target, call.text)


def _remote_helper(machine: Machine, call: Invocation, command: str, given: Given) -> None:
    if command == "lfs":
        if given.operands[:1] and given.operands[0] in ("pull", "fetch", "clone"):
            machine.report(Label.UPSTREAM_FETCH, call.text)
        return
    addresses = [it for it in given.operands if re.search(r"://|@.*:|^\.{0,2}/|^\.{1,2}$", it)]
    if not addresses:
        machine.report(Label.UPSTREAM_FETCH, call.text)
    for target in addresses[:1]:
        _reach(machine, call, target, is_clone=False)


def _sometimes_remote(machine: Machine, call: Invocation, command: str, given: Given) -> None:
    verb = given.operands[0] if given.operands else ""
    rest = given.operands[1:]
    if command == "remote":
        _remote(machine, call, verb, rest, given)
    elif command == "submodule":
        if verb == "add":
            for target in rest[:1]:
                _reach(machine, call, target, is_clone=True)
        elif verb == "foreach":
            machine.run(" ".join(rest))
        elif verb == "update" and given.has("--remote"):
            machine.report(Label.UPSTREAM_FETCH, call.text)
    elif command == "subtree":
        if verb in ("add", "pull", "merge"):
            targets = [it for it in rest if re.search(r"://|@.*:", it)]
            for target in targets or ["origin"]:
                _reach(machine, call, target, is_clone=False)
    elif command == "archive":
        for target in given.values("--remote"):
            _reach(machine, call, target, is_clone=False)
        judge_history(machine, call, "archive", given.operands)
    elif command == "push":
        for target in [it for it in given.operands[:1] if re.search(r"://|@.*:", it)]:
            _reach(machine, call, target, is_clone=False)
        if not given.operands or not re.search(r"[/.]", given.operands[0]):
            machine.report(Label.UPSTREAM_FETCH, call.text)
    elif command == "bundle":
        judge_history(machine, call, "bundle", list(call.args))
        for path in rest[:1] if verb != "create" else []:
            machine.read(path)
    elif command == "config":
        _config(machine, call, given)
    elif command == "maintenance" and "prefetch" in call.text:
        machine.report(Label.UPSTREAM_FETCH, call.text)


def _remote(machine: Machine, call: Invocation, verb: str, rest: list[str], given: Given) -> None:
    if verb in ("add", "set-url"):
        for target in rest[1:2]:
            if not _is_local(machine, target):
                machine.connect(_spelled_out(machine, target), call.text)
        if given.has("-f", "--fetch") and not machine.offences:
            _reach(machine, call, rest[-1] if rest else "", is_clone=True)
    elif (
        verb in ("update", "prune")
        or (verb == "show" and rest and not given.has("-n"))
        or (verb == "set-head" and given.has("-a", "--auto"))
    ):
        machine.report(Label.UPSTREAM_FETCH, call.text)


def _config(machine: Machine, call: Invocation, given: Given) -> None:
    words = [it for it in given.operands if it not in ("set", "get", "list", "unset", "edit")]
    if given.has("--get", "--get-all", "--get-regexp", "-l", "--list", "--unset", "-e"):
        return
    if len(words) >= 2:
        _configure(machine, words[0], words[1])
        if kind_of(posixpath.basename(words[1])) is FileKind.RUNNER:
            machine.report(Label.TAMPERED_RUNNER, call.text)
