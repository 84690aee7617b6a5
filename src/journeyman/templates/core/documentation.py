"""Writes a page of documentation for a template, from the template itself.

`journeyman templates check --write-docs docs/templates` writes them all; a test holds that what
is committed is what this module writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from journeyman.templates.core.samples import CONVERSATION, TOOLS, TURNS
from journeyman.templates.core.template import ToolTemplate

__all__ = ["pages", "write_index", "write_page"]

_COMMAND = "journeyman templates check --write-docs docs/templates"
_NOTICE = f"<!-- Written by `{_COMMAND}`; edit the template's module instead. -->"


def pages(templates: Iterable[ToolTemplate]) -> Iterator[tuple[str, str]]:
    """Yield the file name and the text of every page, the index first."""
    listed = list(templates)
    yield "README.md", write_index(listed)
    for template in listed:
        yield f"{template.name}.md", write_page(template)


def write_index(templates: Iterable[ToolTemplate]) -> str:
    """Write the table of all templates, as in the report's appendix A.2."""
    lines = [
        _NOTICE,
        "# Tool chat templates",
        "",
        "Definition is how tools are declared, call how they are called. A stand-in is ours, because",
        "the genuine format is not public.",
        "",
        "| template | definition | call | from |",
        "|---|---|---|---|",
    ]
    for template in templates:
        source = f"{template.source} (stand-in)" if template.is_stand_in else template.source
        row = (template.definition_format, template.call_format, source)
        lines.append(f"| [{template.name}]({template.name}.md) | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def write_page(template: ToolTemplate) -> str:
    """Write one template's page."""
    lines = [_NOTICE, f"# {template.name}", "", *_facts(template), ""]
    if template.notes:
        lines += ["## Worth knowing", "", *(f"- {note}" for note in template.notes), ""]
    lines += ["## A conversation", "", "Two tools are declared, one is called, then the other."]
    lines += ["", _fenced(template.render(CONVERSATION, TOOLS)), ""]
    lines += ["## Turns, as a model writes them", ""]
    for name, turn in TURNS.items():
        if turn.reasoning and not template.keeps_reasoning:
            continue
        lines += [f"{name[0].upper()}{name[1:]}:", "", _fenced(template.render_turn(turn)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _facts(template: ToolTemplate) -> list[str]:
    stops = ", ".join(f"`{stop}`" for stop in template.stop) or "none"
    return [
        f"- From: {template.source}" + (" (a stand-in of ours)" if template.is_stand_in else ""),
        f"- Tools are declared as: {template.definition_format}",
        f"- Calls are written as: {template.call_format}",
        f"- A turn ends with: {stops}",
        f"- Keeps text beside calls: {_yes(template.keeps_text_with_calls)}",
        f"- Keeps reasoning: {_yes(template.keeps_reasoning)}",
    ]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"
