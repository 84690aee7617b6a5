"""Git commands that read history: HEAD and its ancestors are fine, everything else is not."""

from __future__ import annotations

import re

from journeyman.guard.holes import without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import split
from journeyman.guard.rules.startup import FileKind, kind_of
from journeyman.guard.shell.machine import Invocation, Machine
from journeyman.guard.texts import words

__all__ = ["judge_history"]

_EVERYTHING: tuple[str, ...] = (
    "--all",
    "--reflog",
    "-g",
    "--walk-reflogs",
    "--remotes",
    "--branches",
    "--tags",
    "--glob",
)
_EVERYTHING += (
    "--batch-all-objects",
    "--unreachable",
    "--lost-found",
    "--alternate-refs",
    "--dangling",
)
_READS_HISTORY = words(
    "log show diff rev-list rev-parse shortlog whatchanged checkout switch restore "
    "cherry-pick merge rebase reset blame archive bundle cat-file ls-tree describe name-rev "
    "for-each-ref show-ref show-branch grep worktree format-patch difftool diff-tree cherry "
    "range-diff merge-base read-tree checkout-index annotate bisect branch tag notes"
)
_STORE: tuple[str, ...] = (
    "fsck",
    "verify-pack",
    "unpack-objects",
    "show-index",
    "index-pack",
    "lost-found",
    "prune-packed",
    "multi-pack-index",
)
_STORE += ("fast-export", "unpack-file", "rev-list--all", "count-objects", "repack", "replace")
_ELSEWHERE = re.compile(
    r"(?:^|\.\.\.?|\^)(?:refs/(?:remotes|pull|tags|stash|notes|original|merge-requests|changes|pr)\b|remotes?/|origin\b|upstream\b|"
    r"up(?:stream)?/|fork/|FETCH_HEAD|ORIG_HEAD|MERGE_HEAD|stash\b|pr[-/]\d+|pull/\d+|"
    r"(?:main|master|develop|dev|trunk|next|release[-/][\w.]+)@\{)|@\{(?:u|upstream|push|\d+|-\d+|yesterday|now|.*ago)\}"
)
_BRANCH = re.compile(
    r"^(?:main|master|develop|trunk|next|HEAD\.\.(?:main|master|develop|trunk|next)|release[-/].*)$"
)
_VERSION = re.compile(r"^(?:refs/tags/|tags/)?(?:[a-z]+-)?v?(\d+\.\d+(?:[\w.]*))$", re.I)
_VALUES = frozenset(
    {
        "-n",
        "-S",
        "-G",
        "-L",
        "--grep",
        "--author",
        "--format",
        "--pretty",
        "--since",
        "--until",
        "-m",
        "-C",
        "-b",
        "-B",
    }
    | {
        "-o",
        "--output",
        "--max-count",
        "-e",
        "-U",
        "--date",
        "-F",
        "--diff-filter",
        "--skip",
    }
)


def judge_history(machine: Machine, call: Invocation, command: str, args: list[str]) -> None:
    """Report a Git command that looks past HEAD and its ancestors."""
    if command == "stash":
        _stash(machine, call, args)
    elif (
        command == "reflog"
        or (
            command in _STORE
            and (command != "count-objects" or any(it.startswith("-v") for it in args))
        )
        or command in ("for-each-ref", "show-ref", "show-branch", "name-rev", "notes")
    ):
        machine.report(Label.LATER_HISTORY, call.text)
    elif command == "branch":
        _branch(machine, call, args)
    elif command == "tag":
        _tag(machine, call, args)
    elif command in _READS_HISTORY:
        _revisions(machine, call, command, args)


def _stash(machine: Machine, call: Invocation, args: list[str]) -> None:
    verb = next((it for it in args if not it.startswith("-")), "push")
    if verb in ("push", "save", "create"):
        machine.world.has_stashed = True
    elif verb in ("list", "show", "branch") and not machine.world.has_stashed:
        machine.report(Label.LATER_HISTORY, call.text)


def _branch(machine: Machine, call: Invocation, args: list[str]) -> None:
    given = split(args, with_value={"-u", "--set-upstream-to", "--format", "--sort"})
    if given.has("-a", "-r", "--all", "--remotes", "--contains", "--no-merged"):
        machine.report(Label.LATER_HISTORY, call.text)
    for word in given.operands[1:]:
        _revision(machine, call, word)


def _tag(machine: Machine, call: Invocation, args: list[str]) -> None:
    given = split(args, with_value={"-m", "-F", "--sort", "--format", "-n"})
    if given.has("--contains", "--no-merged", "--no-contains"):
        machine.report(Label.LATER_HISTORY, call.text)
    is_listed = given.has("-l", "--list", "--sort") or not given.operands
    if is_listed and not given.has("--merged", "-d", "-m"):
        machine.report(Label.LATER_HISTORY, call.text)


def _revisions(machine: Machine, call: Invocation, command: str, args: list[str]) -> None:
    words, _, paths = _parts(args)
    given = split(
        words, with_value=_VALUES | ({"-s", "--source"} if command == "restore" else set())
    )
    names = {name for name, _ in given.options}
    if names & set(_EVERYTHING) and not (
        command in ("grep", "describe", "checkout") and names & {"--all", "--tags"}
    ):
        machine.report(Label.LATER_HISTORY, call.text)
        return
    if command == "describe" and given.has("--contains", "--all"):
        machine.report(Label.LATER_HISTORY, call.text)
    if command in ("checkout", "switch") and given.has("-b", "-B", "-c", "-C", "--orphan"):
        return
    for word in given.operands:
        _revision(machine, call, word)
    if command in ("checkout", "restore"):
        sources = given.values("-s", "--source")
        if command == "checkout":
            sources = [*given.operands, *sources]
        else:
            paths = [*given.operands, *paths]
        for source in sources:
            _revision(machine, call, source)
        _old_tests(machine, call, sources, paths)


def _parts(args: list[str]) -> tuple[list[str], str, list[str]]:
    cut = args.index("--") if "--" in args else len(args)
    return args[:cut], "--", args[cut + 1 :]


def _old_tests(machine: Machine, call: Invocation, sources: list[str], paths: list[str]) -> None:
    """An older version of a test file takes newer tests away."""
    older = [it for it in sources if re.search(r"[~^]", it)]
    if older and any(kind_of(it) is FileKind.TEST for it in (*paths, *sources[1:])):
        machine.report(Label.EDITED_TESTS, call.text)


def _revision(machine: Machine, call: Invocation, word: str) -> None:
    bare = without_holes(word)
    revision = bare.split(":", 1)[0] if not bare.startswith(":") else ""
    if _ELSEWHERE.search(revision) or re.match(r":/|\^\{/", bare):
        machine.report(Label.LATER_HISTORY, call.text)
        return
    first, dots, last = re.sub(r"\.\.\.", "..", revision).partition("..")
    if dots and last in ("", "HEAD", "@"):
        # What leads up to HEAD is an ancestor wherever it starts.
        return
    for part in (last,) if dots else (first,):
        base = re.sub(r"[~^].*$", "", part)
        if _BRANCH.match(base) and (
            dots or call.args[:1] not in (("checkout",), ("switch",), ("branch",))
        ):
            _branch_name(machine, call, dots)
        elif match := _VERSION.match(base):
            _version(machine, call, match[1])


def _branch_name(machine: Machine, call: Invocation, dots: str) -> None:
    """`HEAD..main` asks for what main has more; `git diff main` only compares with what is there."""
    if dots:
        machine.report(Label.LATER_HISTORY, call.text)


def _version(machine: Machine, call: Invocation, version: str) -> None:
    """A tag up to the base's release is an ancestor; where the release is not known, none is."""
    release = _numbers(machine.world.subject.release)
    if not release or _numbers(version) > release:
        machine.report(Label.LATER_HISTORY, call.text)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(it) for it in re.findall(r"\d+", version.split("rc")[0])[:4])
