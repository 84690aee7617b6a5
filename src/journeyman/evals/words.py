"""How reports spell numbers, intervals and tables.

>>> share(0.5), span((0.25, 0.75))
('50.0 %', '25.0 to 75.0 %')
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["chance", "money", "share", "span", "table"]


def share(value: float | None) -> str:
    """Spell a share as per cent; nothing for None."""
    return "" if value is None else f"{100 * value:.1f} %"


def span(interval: tuple[float, float]) -> str:
    """Spell an interval of shares."""
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def chance(p_value: float) -> str:
    """Spell a p-value."""
    return "under 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def money(value: float) -> str:
    """Spell dollars, with as many digits as a small sum needs."""
    return f"${value:.2f}" if value >= 0.01 or value == 0 else f"${value:.4f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table: the first column to the left, the others to the right."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[index]) for row in cells)) for index in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(cells)} |"
