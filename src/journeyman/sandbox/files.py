"""Reading and writing a sandbox's files by commands run inside it: no link leads out."""

from __future__ import annotations

from journeyman.sandbox.base import Executed

__all__ = ["FILE_LIMIT_BYTES", "FILE_TIMEOUT_S", "READ", "WRITE", "raise_refusal"]

FILE_TIMEOUT_S = 120.0
FILE_LIMIT_BYTES = 1 << 30

READ = (
    'cd /testbed; [ -d "$0" ] && exit 45; [ -e "$0" ] || exit 44; [ -f "$0" ] || exit 46; '
    'exec /bin/cat -- "$0"'
)
"""Shell script that prints the file named by its `$0`."""

WRITE = (
    'cd /testbed; [ -d "$0" ] && exit 45; parent=$(/usr/bin/dirname -- "$0") && '
    '/bin/mkdir -p -- "$parent" && exec /bin/cat > "$0"'
)
"""Shell script that writes its standard input to the file named by its `$0`."""

_REFUSALS: dict[int, type[OSError]] = {44: FileNotFoundError, 45: IsADirectoryError}


def raise_refusal(done: Executed, path: str) -> None:
    """Raise what `open` would where one of the scripts failed."""
    if done.exit_code in _REFUSALS:
        number = _REFUSALS[done.exit_code]
        raise number(f"{number.__name__}: {path} in the sandbox")
    if done.exit_code:
        detail = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(f"cannot use {path} in the sandbox: {detail[-1] if detail else 'refused'}")
