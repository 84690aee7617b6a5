"""From a command line's flags and TOML files to a resolved config.

A verb takes its config class as one keyword parameter named `*`: every field becomes a flag, nested
ones dotted, and the documentation of the fields becomes the help. What was given on the line is laid
over the files of `--config`; later wins.

    Given = Annotated[RolloutConfig, Parameter(name="*")]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from journeyman.cli.output import print_lines
from journeyman.config import Config, resolve, to_toml

__all__ = ["command_line", "given_settings", "resolve_settings", "show_config"]

ConfigT = TypeVar("ConfigT", bound=Config)


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
