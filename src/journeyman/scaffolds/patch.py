"""Captures what an agent changed, as one patch against the task's base commit.

The agent owns its sandbox: it may have committed, rewritten history or changed Git's configuration.
So the patch is made by a Git directory of our own outside the workspace, which borrows only the
objects of the agent's: no configuration, hooks, filters or attributes of the agent's take part.

    patch = await capture_patch(sandbox, view.base_commit)
"""

from __future__ import annotations

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

_SCRIPT = r"""
set -e
for name in $(env | sed -n 's/^\(GIT_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 LC_ALL=C
work={workspace}
objects="$work/.git/objects"
base={base}
own=$(mktemp -d /tmp/journeyman-patch.XXXXXX)
[ -d "$objects" ] || {{ echo "the workspace has no Git objects any more" >&2; exit 65; }}
[ -n "$base" ] || base=$(git --git-dir="$work/.git" rev-list --max-parents=0 HEAD | tail -n 1)
git init -q --template= --bare "$own/git"
printf '%s\n' "$objects" > "$own/git/objects/info/alternates"
mkdir -p "$own/git/info"
printf '%s\n' {by_products} > "$own/git/info/exclude"
printf '%s\n' {attributes} > "$own/git/info/attributes"
export GIT_DIR="$own/git" GIT_WORK_TREE="$work"
git config core.bare false
git config core.fileMode true
git config core.autocrlf false
git config core.safecrlf false
git config core.hooksPath /nonexistent
git cat-file -e "$base^{{commit}}" 2>/dev/null || {{ echo "the base commit is gone" >&2; exit 65; }}
git read-tree "$base"
find "$work" -mindepth 2 -name .git -prune -exec rm -rf {{}} +
cd "$work"
git -c advice.addIgnoredFile=false add -A . >/dev/null
# What the agent forced into its index in spite of an ignore rule is a part of its change.
GIT_INDEX_FILE="$work/.git/index" git ls-files -z -i -c --exclude-per-directory=.gitignore \
    2>/dev/null > "$own/forced" || : > "$own/forced"
xargs -0 -r sh -c 'for path; do [ ! -e "$path" ] || printf "%s\0" "$path"; done' sh \
    < "$own/forced" > "$own/existing"
git --literal-pathspecs add -f --pathspec-from-file="$own/existing" --pathspec-file-nul
compare() {{
    git diff --cached --binary --no-color --no-ext-diff --no-textconv --no-renames --full-index \
        --src-prefix=a/ --dst-prefix=b/ "$base" -- . > "$own/patch"
}}
compare
# A patch is text: where some file is not UTF-8, every change is written as a binary one.
if ! iconv -f UTF-8 -t UTF-8 "$own/patch" > /dev/null 2>&1; then
    printf '%s -diff\n' {attributes} > "$own/git/info/attributes"
    compare
fi
wc -c < "$own/patch"
echo "$own"
"""


async def capture_patch(sandbox: Sandbox, base_commit: str = "") -> str:
    """Return everything in the workspace that differs from `base_commit`, as a binary-safe Git patch.

    Without `base_commit` the root commit of `HEAD` is taken. New files and the agent's own commits
    are included; ignored files are not, unless the agent forced them into its index; Git directories
    nested in the workspace are removed, so that their files count. Raises
    `AttributedError("patch_invalid")` if the agent destroyed its repository or the patch is larger
    than `MOST_PATCH_BYTES`.
    """
    script = _SCRIPT.format(
        workspace=shlex.quote(WORKSPACE),
        base=shlex.quote(base_commit),
        by_products=" ".join(map(shlex.quote, _BY_PRODUCTS)),
        attributes=shlex.quote(_ATTRIBUTES),
    )
    done = await sandbox.execute(script, timeout_s=_TIMEOUT_S)
    if done.exit_code == _KILLED:
        # Once may be the machine's doing; an agent that goes on killing it has no patch.
        done = await sandbox.execute(script, timeout_s=_TIMEOUT_S)
    if done.is_timed_out or done.exit_code != 0:
        raise AttributedError("patch_invalid", _reason(done))
    size, folder = done.stdout.decode().split()
    if int(size) > MOST_PATCH_BYTES:
        raise AttributedError("patch_invalid", f"the patch has {int(size):,} bytes")
    patch = await sandbox.read(f"{folder}/patch")
    await sandbox.execute(f"rm -rf {shlex.quote(folder)}", timeout_s=60)
    return patch.decode("utf-8")


def _reason(done: Executed) -> str:
    if done.is_timed_out:
        return "making the patch took too long"
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"git exited with {done.exit_code}"
