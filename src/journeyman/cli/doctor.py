"""`journeyman doctor`: what this machine can do, and the command that fixes what it can't."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from journeyman.cli.output import print_json, print_lines, print_table
from journeyman.config import cache_folder
from journeyman.types import Check

__all__ = ["doctor"]

GIBIBYTE = 1 << 30


def doctor(*, json: bool = False) -> int:
    """Look at this machine and say what is missing. Exits 1 if something required is.

    Parameters
    ----------
    json
        Print the checks as JSON.
    """
    checks = _all_checks()
    missing = [check for check in checks if check.is_required and not check.is_ok]
    if json:
        print_json({"is_ready": not missing, "checks": checks})
        return 1 if missing else 0
    print_table(
        ("", "check", "found", "fix"),
        [(_mark(check), check.name, check.detail, check.fix) for check in checks],
    )
    verdict = f"not ready: {len(missing)} required missing" if missing else "ready"
    print_lines(["", verdict])
    return 1 if missing else 0


def _mark(check: Check) -> str:
    if check.is_ok:
        return "ok"
    return "MISSING" if check.is_required else "optional"


def _all_checks() -> list[Check]:
    from journeyman import models, sandbox, scaffolds
    from journeyman.tasks import languages

    checks = [*_machine_checks(), *sandbox.diagnose(), *scaffolds.diagnose()]
    return [*checks, *models.diagnose(), *languages.diagnose()]


def _machine_checks() -> list[Check]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cache = cache_folder()
    free = shutil.disk_usage(cache).free
    return [
        Check(
            name="python",
            is_ok=sys.version_info >= (3, 11),
            detail=platform.python_version(),
            fix="" if sys.version_info >= (3, 11) else "apt-get install python3.11",
        ),
        _program("git", "apt-get install git"),
        Check(
            name="cores and memory",
            is_ok=memory >= 2 * GIBIBYTE,
            detail=f"{os.cpu_count()} cores, {memory / GIBIBYTE:.0f} GiB",
            is_required=False,
        ),
        Check(
            name="disk for caches",
            is_ok=free >= 2 * GIBIBYTE,
            detail=f"{free / GIBIBYTE:.0f} GiB free at {_short(cache)}",
            fix="" if free >= 2 * GIBIBYTE else "export JOURNEYMAN_CACHE=/a/larger/disk",
        ),
    ]


def _program(name: str, fix: str) -> Check:
    path = shutil.which(name)
    return Check(name=name, is_ok=path is not None, detail=path or "", fix="" if path else fix)


def _short(path: Path) -> str:
    home = str(Path.home())
    text = str(path)
    return f"~{text[len(home) :]}" if text.startswith(home) else text
