"""`report.html` of an evaluation: the report as one page that needs nothing beside itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from journeyman.evals.evaluation import Evaluation
from journeyman.evals.markdown import render_markdown
from journeyman.evals.plots import Point, plot_curves, plot_shares
from journeyman.evals.words import share

__all__ = ["page_of", "render_html"]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td { font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
tr:hover td { background: var(--soft); }
pre { background: var(--soft); padding: .7rem; overflow-x: auto; }
svg { width: 100%; height: auto; margin: .5rem 0; }
"""


def render_html(evaluation: Evaluation) -> str:
    """Return the report as a page: what `report.md` says, with plots."""
    plots = {
        "Agents": _plot_agents(evaluation),
        "Resolved against turns": _plot_turns(evaluation),
    }
    return page_of(evaluation.name, render_markdown(evaluation), plots)


def page_of(title: str, markdown: str, plots: dict[str, str]) -> str:
    """Return a page of our own reports' Markdown, each plot under the heading of its name."""
    body = "\n".join(_blocks(markdown, plots))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def _plot_agents(evaluation: Evaluation) -> str:
    rows = [
        (it.name, it.solve_rate, it.interval, share(it.solve_rate))
        for it in (*evaluation.ranked, *evaluation.references)
        if it.solve_rate is not None
    ]
    return plot_shares(rows, "Solve rates with 95 % intervals") if rows else ""


def _plot_turns(evaluation: Evaluation) -> str:
    curves: list[tuple[str, list[Point]]] = [
        (
            agent.name,
            [
                (float(band.last), band.num_resolved / band.num_rollouts, *band.interval)
                for band in agent.bands
            ],
        )
        for agent in evaluation.ranked
        if agent.bands
    ]
    return plot_curves(curves, "Resolved against turns", "turns, at most")


def _blocks(markdown: str, plots: dict[str, str]) -> Iterator[str]:
    """Turn the few kinds of block that our reports have into HTML."""
    for block in markdown.strip().split("\n\n"):
        if heading := re.match(r"(#+) (.*)", block):
            level = len(heading[1])
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
            yield plots.get(heading[2], "")
        elif block.startswith("```"):
            yield f"<pre>{escape(block.strip('`').strip())}</pre>"
        elif block.startswith("- "):
            items = "".join(f"<li>{_inline(line[2:])}</li>" for line in block.split("\n"))
            yield f"<ul>{items}</ul>"
        elif block.startswith("| "):
            yield _table(block.split("\n"))
        else:
            yield f"<p>{_inline(block)}</p>"


def _table(lines: list[str]) -> str:
    head, _, *rows = [_cells(line) for line in lines]
    top = "".join(f"<th>{_inline(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def _inline(text: str) -> str:
    safe = escape(text)
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", safe)
