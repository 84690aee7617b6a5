"""Where a new taskset goes: the flags of the verbs that make one, and a folder whole or absent."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.config import cache_folder
from journeyman.errors import JourneymanError
from journeyman.tasks import load_taskset

__all__ = ["TasksetOptions", "made_beside", "refuse_or_remove"]


@Parameter(name="*")
@dataclass(frozen=True)
class TasksetOptions:
    """The flags that every verb takes which makes a taskset."""

    out: Path | None = None
    """Folder of the new taskset; where none is given, one in `tasksets/` named after its source."""
    config: tuple[Path, ...] = ()
    """A TOML file of settings; flags win over it. Again for more, the later wins."""
    is_clean: Annotated[bool, Parameter(name="--clean")] = False
    """Throw an old taskset of the same folder away first, and what was begun there."""
    is_dry_run: Annotated[bool, Parameter(name="--dry-run")] = False
    """Print the resolved config and stop."""
    is_json: Annotated[bool, Parameter(name="--json")] = False
    """Print what was made as JSON."""

    def folder(self, name: str) -> Path:
        """Return where the taskset goes; `name` is its own where no folder was given."""
        return (self.out or Path("tasksets", name)).absolute()


@contextlib.contextmanager
def made_beside(folder: Path) -> Iterator[Path]:
    """Yield a folder that takes the name `folder` once all went well, and is gone if not."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise JourneymanError(
            f"cannot write to {folder.parent}: {error.strerror}", "choose another folder"
        ) from None
    try:
        yield scratch
        scratch.chmod(0o755)
        scratch.rename(folder)
    except JourneymanError as error:
        raise type(error)(error.message, _kept_logs(scratch, error.hint)) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _kept_logs(scratch: Path, hint: str) -> str:
    """Keep the logs of a build that failed, and return the hint with the place where they are."""
    for log in scratch.glob("environments/*.build.log"):
        kept = cache_folder("builds") / log.name
        shutil.copyfile(log, kept)
        hint = hint.replace(str(log), str(kept))
    return hint


def refuse_or_remove(folder: Path, *, is_clean: bool) -> None:
    """Make room for a new taskset: an old one is thrown away where that was asked for, else refused."""
    if not folder.exists():
        return
    if not is_clean:
        raise JourneymanError(
            f"{folder} exists already", "add --clean to make it anew, or give another --out"
        )
    load_taskset(folder)
    shutil.rmtree(folder)
