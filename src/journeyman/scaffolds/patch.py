"""Captures what an agent changed, as one patch against the task's base commit.

The agent owns its sandbox: it may have committed, rewritten history or changed Git's configuration.
So the patch is made by a Git directory of our own outside the workspace, which borrows only the
objects of the agent's: no configuration, hooks, filters or attributes of the agent's take part.

    patch = await capture_patch(sandbox, view.base_commit)
"""

from __future__ import annotations

import secrets
import shlex

from journeyman.errors import AttributedError
from journeyman.sandbox.base import WORKSPACE, Executed, Sandbox

__all__ = ["MOST_PATCH_BYTES", "capture_patch"]

MOST_PATCH_BYTES = 8 << 20
_TIMEOUT_S = 300.0
_KILLED = 128 + 9

# By-products of running tests: never a part of a change, even where a project forgot to ignore them.
_BY_PRODUCTS = (
    "__pycache__/",
    "*.py[cod]",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".coverage",
    ".tox/",
    ".venv/",
    "node_modules/",
    "*.egg-info/",
)
# The highest level of attributes: content is compared byte by byte, whatever the tree says.
_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding -export-subst"

_INLINE_BYTES = 64 << 10
"""A patch up to this size is printed by the script that makes it: one command less."""

_SETTINGS = """\
[core]
repositoryformatversion = 0
bare = false
fileMode = true
autocrlf = false
safecrlf = false
hooksPath = /nonexistent
"""

# Each program that it starts costs more than what most of them do, so what the shell can do itself it
# does: the Git directory is written by hand, and a step without work is left out.
_SCRIPT = r"""
set -e
if [ -n "$BASH_VERSION" ]; then eval 'names=${{!GIT_@}}'
else names=$(env | sed -n 's/^\(GIT_[A-Z_]*\)=.*/\1/p'); fi
for name in $names; do unset "$name"; done
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 LC_ALL=C
work={workspace}
objects="$work/.git/objects"
base={base}
own={own}
[ -d "$objects" ] || {{ echo "the workspace has no Git objects any more" >&2; exit 65; }}
[ -n "$base" ] || base=$(git --git-dir="$work/.git" rev-list --max-parents=0 HEAD | tail -n 1)
umask 077
mkdir "$own" "$own/git" "$own/git/objects" "$own/git/objects/info" "$own/git/refs" "$own/git/info"
echo 'ref: refs/heads/own' > "$own/git/HEAD"
printf '%s' {settings} > "$own/git/config"
printf '%s\n' "$objects" > "$own/git/objects/info/alternates"
printf '%s\n' {by_products} > "$own/git/info/exclude"
printf '%s\n' {attributes} > "$own/git/info/attributes"
export GIT_DIR="$own/git" GIT_WORK_TREE="$work"
git read-tree "$base^{{commit}}" 2>/dev/null || {{ echo "the base commit is gone" >&2; exit 65; }}
find "$work" -mindepth 2 -name .git -prune -exec rm -rf {{}} +
cd "$work"
git -c advice.addIgnoredFile=false add -A . >/dev/null
# What the agent forced into its index in spite of an ignore rule is a part of its change.
GIT_INDEX_FILE="$work/.git/index" git ls-files -z -i -c --exclude-per-directory=.gitignore \
    2>/dev/null > "$own/forced" || : > "$own/forced"
if [ -s "$own/forced" ]; then
    xargs -0 -r sh -c 'for path; do [ ! -e "$path" ] || printf "%s\0" "$path"; done' sh \
        < "$own/forced" > "$own/existing"
    git --literal-pathspecs add -f --pathspec-from-file="$own/existing" --pathspec-file-nul
fi
compare() {{
    git diff --cached --binary --no-color --no-ext-diff --no-textconv --no-renames --full-index \
        --src-prefix=a/ --dst-prefix=b/ "$base" -- . > "$own/patch"
}}
compare
# A patch is text: where some file is not UTF-8, every change is written as a binary one.
if [ -s "$own/patch" ] && ! iconv -f UTF-8 -t UTF-8 "$own/patch" > /dev/null 2>&1; then
    printf '%s -diff\n' {attributes} > "$own/git/info/attributes"
    compare
fi
size=0
[ ! -s "$own/patch" ] || size=$(wc -c < "$own/patch")
echo "$size"
if [ "$size" -le {inline} ]; then
    [ "$size" -eq 0 ] || cat "$own/patch"
    rm -rf "$own"
fi
"""


async def capture_patch(sandbox: Sandbox, base_commit: str = "") -> str:
    """Return everything in the workspace that differs from `base_commit`, as a binary-safe Git patch.

    Without `base_commit` the root commit of `HEAD` is taken. New files and the agent's own commits
    are included; ignored files are not, unless the agent forced them into its index; Git directories
    nested in the workspace are removed, so that their files count. Raises
    `AttributedError("patch_invalid")` if the agent destroyed its repository or the patch is larger
    than `MOST_PATCH_BYTES`.
    """
    place, done = await _make(sandbox, base_commit, _INLINE_BYTES)
    is_printed = not done.is_truncated
    if not is_printed:  # a sandbox that keeps less of what is printed
        place, done = await _make(sandbox, base_commit, -1)
    number, _, patch = done.stdout.partition(b"\n")
    size = int(number)
    if size > MOST_PATCH_BYTES:
        raise AttributedError("patch_invalid", f"the patch has {size:,} bytes")
    if size > _INLINE_BYTES or not is_printed:
        patch = await sandbox.read(f"{place}/patch")
        await sandbox.execute(f"rm -rf {place}", timeout_s=60)
    return patch.decode("utf-8")


async def _make(sandbox: Sandbox, base_commit: str, inline: int) -> tuple[str, Executed]:
    """Make the patch; return the folder that it lies in where it has more than `inline` bytes."""
    for is_last in (False, True):
        place = f"/tmp/journeyman-patch.{secrets.token_hex(8)}"  # noqa: S108
        script = _SCRIPT.format(
            workspace=shlex.quote(WORKSPACE),
            base=shlex.quote(base_commit),
            own=place,
            settings=shlex.quote(_SETTINGS),
            by_products=" ".join(map(shlex.quote, _BY_PRODUCTS)),
            attributes=shlex.quote(_ATTRIBUTES),
            inline=inline,
        )
        done = await sandbox.execute(script, timeout_s=_TIMEOUT_S)
        # Killed once may be the machine's doing; an agent that goes on killing it has no patch.
        if done.exit_code != _KILLED or is_last:
            break
    if done.is_timed_out or done.exit_code != 0:
        raise AttributedError("patch_invalid", _reason(done))
    return place, done


def _reason(done: Executed) -> str:
    if done.is_timed_out:
        return "making the patch took too long"
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"git exited with {done.exit_code}"
