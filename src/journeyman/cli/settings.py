"""From a command line's flags and TOML files to a resolved config.

A verb takes its config class as one keyword parameter named `*`: every field becomes a flag, nested
ones dotted, and the documentation of the fields becomes the help. What was given on the line is laid
over the files of `--config`; later wins.

    Given = Annotated[RolloutConfig, Parameter(name="*")]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from journeyman.cli.output import print_lines
from journeyman.config import Config, resolve, to_toml
from journeyman.runs import RunFolder

__all__ = ["RunOptions", "command_line", "given_settings", "resolve_settings", "show_config"]

ConfigT = TypeVar("ConfigT", bound=Config)


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions:
    """The flags that every verb takes which leaves a run folder."""

    config: tuple[Path, ...] = ()
    """A TOML file of settings; flags win over it. Again for more, the later wins."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    name: str | None = None
    """Name of the run; made up where none is given."""
    is_resumed: Annotated[bool, Parameter(name="--resume")] = False
    """Go on with the named run, or with the newest of the same command and subject."""
    is_clean: Annotated[bool, Parameter(name="--clean")] = False
    """Throw an old run of the same name away first."""
    is_dry_run: Annotated[bool, Parameter(name="--dry-run")] = False
    """Print the resolved config and stop."""
    is_json: Annotated[bool, Parameter(name="--json")] = False
    """Print the outcome as JSON."""

    def create(self, kind: str, what: str, settings: Config) -> RunFolder:
        """Make or reopen the folder of a run of this command. Raises `JourneymanError`."""
        return RunFolder.create(
            self.runs,
            kind,
            what,
            config=settings,
            argv=command_line(),
            name=self.name,
            resume=self.is_resumed,
            clean=self.is_clean,
        )


def resolve_settings(
    kind: type[ConfigT], files: Sequence[Path], given: Config | None, **fixed: Any
) -> ConfigT:
    """Lay what was given, and then `fixed`, over the files. Raises `JourneymanError`."""
    overrides = given_settings(given) if given is not None else {}
    return resolve(kind, files, {**overrides, **fixed})


def given_settings(given: Config) -> dict[str, Any]:
    """Return the dotted settings that a person wrote, without defaults."""
    return _flatten(given.model_dump(exclude_unset=True))


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def show_config(config: Config) -> int:
    """Print a resolved config as TOML, for `--dry-run`."""
    print_lines(to_toml(config).rstrip("\n").split("\n"))
    return 0


def command_line() -> list[str]:
    """Return the words of this process's command, as a run folder keeps them."""
    return ["journeyman", *sys.argv[1:]]
