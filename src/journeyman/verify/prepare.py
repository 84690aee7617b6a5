"""Preparing a fresh copy of an environment for its verifier: bug in, patch in, tests as they were.

One command in the sandbox does it all, because each command costs more than most of these steps. It
says which step it is at, so that whatever ends it is blamed on the right one.

    complaint = await prepare(sandbox, task, patch)  # None, or why the patch does not apply
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from journeyman.errors import AttributedError
from journeyman.sandbox import Executed, Sandbox
from journeyman.types import Task
from journeyman.verify.blame import DETAIL_CHARACTERS, succeeded
from journeyman.verify.touched import touched_paths

__all__ = ["prepare"]

_PREPARE_S = 240.0
_STAGE = "/tmp/.journeyman-grade"  # noqa: S108 - a path inside the sandbox

_STEPS = {
    "stage": "bringing the patches into the sandbox",
    "bug": "the bug's patch",
    "hide": "the hidden files",
    "patch": "the patch",
    "show": "the hidden files",
    "tests": "the tests' patch",
    "clean": "cleaning up in the sandbox",
}
_OURS = ("stage", "clean")
"""Steps in which nothing of a task or a model takes part."""

# Git sees no repository's or user's settings; the workspace is not a repository here. A hidden file's
# folder may be a link of the tree's own: the file's real place is noted while it is known to be true.
# Afterwards a folder may be a link of the patch's making, which leads elsewhere. Starting a program
# costs more than what most of them do here, so the shell does itself what it can.
_FUNCTIONS = f"""\
set -e
export LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CEILING_DIRECTORIES=/
stage={_STAGE} root=$(pwd -P)
at() {{ printf '@%s\\n' "$1"; printf '@%s\\n' "$1" >&2; }}
complete() {{
    if [ $(wc -c < "$stage/$1") -ne "$2" ]; then echo "$1 was cut short" >&2; exit 2; fi
}}
apply() {{ git -c core.autocrlf=false apply --whitespace=nowarn "$stage/$1"; }}
hide() {{
    case $1 in */*) folder=./${{1%/*}} ;; *) folder=. ;; esac
    folder=$(cd -- "$folder" && pwd -P)/
    case $folder in "$root"/*) ;; *) echo "$1 leads out of the tree" >&2; exit 1 ;; esac
    path=${{folder#"$root"/}}${{1##*/}}
    eval "path_$2=\\$path"
    mv -- "$path" "$stage/hidden/$2"
}}
keep() {{
    eval "path_$2=\\$1"
    if [ -e "$1" ] || [ -L "$1" ]; then cp -a -- "./$1" "$stage/hidden/$2"; fi
}}
restore() {{
    eval "path=\\$path_$1"
    rest=$path place=.
    while [ "$rest" != "${{rest#*/}}" ]; do
        place=$place/${{rest%%/*}} rest=${{rest#*/}}
        if [ -L "$place" ] || [ -f "$place" ]; then rm -f -- "$place"; fi
    done
    if [ -e "./$path" ] || [ -L "./$path" ]; then rm -rf -- "./$path"; fi
    if [ -e "$stage/hidden/$1" ] || [ -L "$stage/hidden/$1" ]; then
        [ -d "$place" ] || mkdir -p -- "$place"
        cp -a -- "$stage/hidden/$1" "./$path"
    fi
}}"""


async def prepare(sandbox: Sandbox, task: Task, patch: str) -> str | None:
    """Bring the workspace to what is to be tested; return why `patch` does not apply, if so.

    Raises `AttributedError("task_broken")` where the task's own patches or hidden files do not fit,
    and as `succeeded` does for what is the machine's doing.
    """
    given = {"bug": task.bug_patch, "patch": patch, "tests": task.test_patch}
    patches = {name: _encode(text) for name, text in given.items() if text.strip()}
    script = "\n".join(_script(task, patches))
    done = await sandbox.execute(script, timeout_s=_PREPARE_S, stdin=b"".join(patches.values()))
    step, done = _last_step(done)
    if succeeded(done, _STEPS[step]):
        return None
    said = done.stderr.decode(errors="replace").strip() or f"exit code {done.exit_code}"
    if step == "patch":
        return said
    cause = "sandbox_died" if step in _OURS else "task_broken"
    raise AttributedError(cause, f"{_STEPS[step]}: {said[:DETAIL_CHARACTERS]}")


def _encode(patch: str) -> bytes:
    """Give a patch back the end that agents often strip and without which Git calls it corrupt.

    Beside the line's end that may be an empty line: the last of a binary change, or of a hunk.
    """
    whole = patch if patch.endswith("\n") else f"{patch}\n\n"
    return whole.encode("utf-8", "surrogateescape")


def _script(task: Task, patches: Mapping[str, bytes]) -> Iterator[str]:
    yield _FUNCTIONS
    yield "at stage; [ ! -e $stage ] || rm -rf $stage; mkdir -p $stage/hidden"
    # The length of the last one tells of all: what one had too much or too little, it lacks.
    yield from (f"head -c {len(data)} > $stage/{name}" for name, data in patches.items())
    yield from (f"complete {name} {len(data)}" for name, data in list(patches.items())[-1:])
    if "bug" in patches:
        yield "at bug; apply bug"
    yield "at hide"
    hidden = [f"hide {shlex.quote(path)}" for path in task.hidden_paths]
    kept = [f"keep {shlex.quote(path)}" for path in _tests_own_files(task)]
    aside = [*hidden, *kept]
    yield from (f"{command} {index}" for index, command in enumerate(aside))
    if "patch" in patches:
        yield "at patch; apply patch"
    yield "at show"
    yield from (f"restore {index}" for index in reversed(range(len(aside))))
    if "tests" in patches:
        yield "at tests; apply tests"
    yield "at clean; rm -rf $stage"


def _tests_own_files(task: Task) -> list[str]:
    """Name the files that the tests' patch makes or changes, and the gold patch does not."""
    fixed = touched_paths([task.patch])
    return [path for path in touched_paths([task.test_patch]) if path not in fixed]


def _last_step(done: Executed) -> tuple[str, Executed]:
    """Return the step that the script had come to, and its outcome with what was said since."""
    names = [line[1:] for line in done.stdout.decode(errors="replace").splitlines()]
    step = names[-1] if names else "stage"
    said = done.stderr.rpartition(f"@{step}\n".encode())[2]
    return step, done.model_copy(update={"stderr": said})
