"""Every page by its address, for the server and the static export alike.

Addresses are relative files (`run/first/rollout/toolz-1.oracle.bash.0.html`), so a link that holds on
the server holds in an exported folder. A page is made when it is asked for, of what is on disk then.

    page = Site(Library(Path("runs"))).page("index.html")
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from journeyman import __version__
from journeyman.web.pages.compare_page import compare_context
from journeyman.web.pages.group_page import group_context
from journeyman.web.pages.rollout_page import rollout_context, rollout_texts
from journeyman.web.pages.run_page import run_context, summary_of
from journeyman.web.pages.task_page import task_context, task_texts
from journeyman.web.pages.template_page import template_context
from journeyman.web.pages.training_page import training_context
from journeyman.web.reading import Library, RunReader, visible
from journeyman.web.reading.run import page_key
from journeyman.web.words import FILTERS

__all__ = ["POLICY", "STATIC", "Page", "Site"]

STATIC = Path(__file__).parent / "static"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'"
)
"""The content security policy: nothing from elsewhere, nothing inline."""

_EVENTS_S = 0.06
"""Of events, before a page is shown; what is left comes with the news."""
_FIRST_ROWS = 300
"""Of a run's rollouts, in its page; the others come with the news."""
_MOST_RUNS = 300
_MOST_COMPARED = 12
"""An export compares so many runs with one another, the newest."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: HTML, or plain text where `is_text` is set."""

    body: str
    status: int = 200
    is_text: bool = False

    @property
    def data(self) -> bytes:
        """The bytes that are sent or written."""
        return self.body.encode("utf-8", "replace")


class Site:
    """The pages of a library of runs."""

    def __init__(self, library: Library, *, is_static: bool = False) -> None:
        self.library = library
        self.is_static = is_static

    def page(self, address: str, query: Mapping[str, str] | None = None) -> Page:
        """Return the page at an address; one that says what to do where there is none."""
        parts = address.strip("/").split("/")
        if parts in ([""], ["index.html"]):
            return self._runs()
        if parts == ["templates.html"]:
            return self._render("templates.html", 0, "Templates", self._templates)
        if parts == ["compare.html"]:
            return self._compare(query or {})
        if parts[0] == "compare" and len(parts) == 3:
            sides = {"a": parts[1], "b": parts[2].removesuffix(".html")}
            return self._compare(sides, depth=2)
        if parts[0] == "run" and len(parts) > 2 and (run := self.library.run(parts[1])):
            return self._run_page(run, parts[2:])
        return self.missing("There is no page at this address.", 0)

    def missing(self, text: str, depth: int, *, status: int = 404) -> Page:
        """Return a page that says what is wrong and where to go on."""
        return self._render("missing.html", depth, "Not here", {"text": text}, status=status)

    def _run_page(self, run: RunReader, rest: list[str]) -> Page:
        run.refresh(events_s=None if self.is_static else _EVENTS_S)
        if rest == ["index.html"]:
            most = None if self.is_static else _FIRST_ROWS
            return self._render("run.html", 2, run.name, run_context(run, most_rows=most))
        if rest == ["training.html"]:
            return self._render("training.html", 2, run.name, training_context(run))
        if len(rest) == 4 and rest[2] == "text":
            return self._text(run, rest[0], rest[1], rest[3].removesuffix(".txt"))
        makers: dict[str, Callable[[RunReader, str], dict[str, Any] | None]] = {
            "rollout": rollout_context,
            "group": group_context,
            "task": task_context,
        }
        kind, key = rest[0], rest[-1].removesuffix(".html")
        context = makers[kind](run, key) if len(rest) == 2 and kind in makers else None
        if context is None:
            return self.missing(
                f"The run {visible(run.name)} has no such {visible(kind)}.", len(rest) + 1
            )
        return self._render(f"{kind}.html", 3, key, {"run": run, "key": key, **context})

    def _runs(self) -> Page:
        entries = []
        for run in self.library.runs()[:_MOST_RUNS]:
            run.refresh(events_s=None if self.is_static else _EVENTS_S / 4)
            entries.append({"run": run, "state": run.state, **summary_of(run)})
        root_name = str(self.library.root)
        return self._render("runs.html", 0, "Runs", {"entries": entries, "root_name": root_name})

    def pairs(self) -> list[tuple[RunReader, RunReader]]:
        """Return the pairs of runs that an export compares, of each pair the older one first."""
        runs = self.library.runs()[:_MOST_COMPARED]
        return [(older, newer) for newer, older in itertools.combinations(runs, 2)]

    def _compare(self, query: Mapping[str, str], depth: int = 0) -> Page:
        found = [self.library.run(query.get(side, "")) for side in ("a", "b")]
        left, right = found
        if left is None or right is None:
            given = {"runs": self.library.runs(), "query": query, "pairs": self.pairs()}
            return self._render("compare_choose.html", depth, "Compare", given)
        for run in (left, right):
            run.refresh(events_s=_EVENTS_S)
        return self._render("compare.html", depth, "Compare", compare_context(left, right))

    def _text(self, run: RunReader, kind: str, key: str, name: str) -> Page:
        texts = {"rollout": rollout_texts, "task": task_texts}
        found = texts[kind](run, key) if kind in texts else {}
        if name not in found:
            return Page("There is no such text.\n", 404, is_text=True)
        return Page(visible(found[name]), is_text=True)

    @cached_property
    def _templates(self) -> dict[str, Any]:
        return template_context()

    def _render(
        self, name: str, depth: int, title: str, context: Mapping[str, Any], *, status: int = 200
    ) -> Page:
        data = context.get("data")
        common = {
            "root": "../" * depth,
            "kind": name.removesuffix(".html").removesuffix("_choose"),
            "title": visible(title),
            "policy": POLICY,
            "version": __version__,
            "is_static": self.is_static,
            "is_single": self.library.is_single,
            "data": None if data is None else Markup(_json(data)),  # noqa: S704 - escaped in _json
        }
        return Page(self._environment.get_template(name).render({**context, **common}), status)

    @cached_property
    def _environment(self) -> Environment:
        loader = FileSystemLoader(Path(__file__).parent / "html")
        made = Environment(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters |= FILTERS
        made.filters["page"] = page_key
        return made


def _json(value: Any) -> str:
    """Return JSON that no browser can take for markup, whatever it holds."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
