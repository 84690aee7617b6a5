"""What verbs print: data to stdout (a table, or JSON with `--json`), everything else to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

__all__ = ["emit", "note", "print_json", "print_lines", "print_table"]


def print_json(value: Any) -> None:
    """Print one JSON document to stdout; pydantic data is dumped as it is stored."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=_plain)
    sys.stdout.write("\n")


def emit(value: Any) -> None:
    """Print a piece of data as one compact JSON line to stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print plain lines to stdout."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def note(line: str) -> None:
    """Tell the person at the terminal something that is not data: one line on stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print a table to stdout; columns whose cells are all numbers are set right."""
    cells = [[_cell(value) for value in row] for row in rows]
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for index, name in enumerate(columns):
        numeric = all(_is_figure(row[index]) for row in cells) and bool(cells)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    _console().print(table)


def _console() -> Console:
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=160, no_color=True)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _is_figure(text: str) -> bool:
    return text.strip("+-% s").replace(".", "").replace(",", "").isdigit() or text in ("", "-")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
