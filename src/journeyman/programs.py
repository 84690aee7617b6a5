"""Finds the programs that set-up may have put beside the path. Not a list of what is needed.

>>> find_uv() is None or find_uv().endswith("uv")
True
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["find_uv", "tools_folder"]


def tools_folder() -> Path:
    """Return where `scripts/setup` puts programs that the system lacks; it need not exist."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data, "journeyman", "tools", "bin")


def find_uv() -> str | None:
    """Return the command that runs `uv`: from the path, else where set-up puts it, else None."""
    return shutil.which("uv") or shutil.which("uv", path=str(tools_folder()))
