"""Plots as SVG text, without a library: shares with intervals, resolved against turns, curves.

They use the page's own colours (`currentColor`), so that they are readable by day and by night.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["plot_curves", "plot_shares"]

Point = tuple[float, float, float, float]
"""A place on the x axis, a share, and the two ends of its interval."""

_WIDTH = 760
_LEFT = 230
_RIGHT = 110
_ROW = 34
_COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#0891b2")


def plot_shares(rows: Sequence[tuple[str, float, tuple[float, float], str]], title: str) -> str:
    """Draw one bar with its interval a row: name, share, interval and what stands at its end."""
    height = _ROW * len(rows) + 50
    inner = _WIDTH - _LEFT - _RIGHT
    parts = [_open(_WIDTH, height, title), *_grid(inner, height - 30)]
    for index, (name, rate, (low, high), text) in enumerate(rows):
        middle = 12 + _ROW * index + _ROW / 2
        parts += [
            f'<text x="{_LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{middle - 8:.1f}" width="{max(1.0, inner * rate):.1f}" height="16" '
            f'rx="2" fill="{_COLOURS[0]}" opacity="0.75"/>',
            f'<path d="M{_LEFT + inner * low:.1f} {middle:.1f}H{_LEFT + inner * high:.1f}'
            f"M{_LEFT + inner * low:.1f} {middle - 5:.1f}v10M{_LEFT + inner * high:.1f} "
            f'{middle - 5:.1f}v10" stroke="currentColor" stroke-width="1.5" fill="none"/>',
            f'<text x="{_WIDTH - _RIGHT + 10}" y="{middle + 4:.1f}">{escape(text)}</text>',
        ]
    return "".join([*parts, "</svg>"])


def _grid(inner: int, bottom: float) -> list[str]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _LEFT + inner * share
        parts.append(
            f'<path d="M{x:.1f} 8V{bottom:.1f}" stroke="currentColor" opacity="0.15"/>'
            f'<text x="{x:.1f}" y="{bottom + 16:.1f}" text-anchor="middle" opacity="0.7">'
            f"{share:.0%}</text>"
        )
    return parts


def plot_curves(
    curves: Sequence[tuple[str, Sequence[Point]]], title: str, x_title: str, *, height: int = 300
) -> str:
    """Draw shares with their intervals over a number, one curve a name."""
    points = [point for _, found in curves for point in found]
    if not points:
        return ""
    least, most = min(p[0] for p in points), max(p[0] for p in points)
    left, bottom, top = 50, height - 50, 12
    inner = _WIDTH - left - 190

    def x_of(value: float) -> float:
        return left + inner * ((value - least) / (most - least) if most > least else 0.5)

    def y_of(share: float) -> float:
        return bottom - (bottom - top) * share

    parts = [_open(_WIDTH, height, title)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = y_of(share)
        parts.append(
            f'<path d="M{left} {y:.1f}H{left + inner}" stroke="currentColor" opacity="0.15"/>'
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" opacity="0.7">{share:.0%}</text>'
        )
    for value in sorted({p[0] for p in points}):
        parts.append(
            f'<text x="{x_of(value):.1f}" y="{bottom + 18}" text-anchor="middle" opacity="0.7">'
            f"{value:g}</text>"
        )
    parts.append(
        f'<text x="{left + inner / 2:.1f}" y="{height - 8}" text-anchor="middle">'
        f"{escape(x_title)}</text>"
    )
    for index, (name, found) in enumerate(curves):
        colour = _COLOURS[index % len(_COLOURS)]
        line = "L".join(f"{x_of(x):.1f} {y_of(rate):.1f}" for x, rate, _, _ in found)
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, rate, low, high in found:
            parts.append(
                f'<path d="M{x_of(x):.1f} {y_of(low):.1f}V{y_of(high):.1f}" stroke="{colour}" '
                f'opacity="0.5"/><circle cx="{x_of(x):.1f}" cy="{y_of(rate):.1f}" r="3.5" '
                f'fill="{colour}"/>'
            )
        parts.append(
            f'<text x="{left + inner + 14}" y="{top + 16 + 18 * index}" fill="{colour}">'
            f"{escape(name)}</text>"
        )
    return "".join([*parts, "</svg>"])


def _open(width: int, height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
    )
