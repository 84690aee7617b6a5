"""Find templates: every module of the package that has a `TEMPLATE`, and users' entry points.

A name `jinja:PATH` loads a Hugging Face `chat_template.jinja` as a template that only renders.

    >>> get_template("hermes").stop
    ('<|im_end|>',)
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points

from journeyman.errors import JourneymanError
from journeyman.templates.core.template import ToolTemplate

__all__ = ["ENTRY_POINTS", "get_template", "list_templates"]

ENTRY_POINTS = "journeyman.templates"
_PACKAGE = "journeyman.templates"


@cache
def _templates() -> dict[str, ToolTemplate]:
    found: dict[str, ToolTemplate] = {}
    package = importlib.import_module(_PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        template = getattr(importlib.import_module(f"{_PACKAGE}.{module.name}"), "TEMPLATE", None)
        if isinstance(template, ToolTemplate):
            found[template.name] = template
    for entry in entry_points(group=ENTRY_POINTS):
        template = entry.load()
        if isinstance(template, ToolTemplate):
            found[template.name] = template
    return dict(sorted(found.items()))


def list_templates() -> list[str]:
    """Return the names of all templates, sorted."""
    return list(_templates())


def get_template(name: str) -> ToolTemplate:
    """Return a template by name, or a render-only one from `jinja:PATH`."""
    if name.startswith("jinja:"):
        from journeyman.templates.core.jinja_file import load_jinja

        return load_jinja(name.removeprefix("jinja:"))
    templates = _templates()
    if name not in templates:
        nearest = difflib.get_close_matches(name, templates, n=3, cutoff=0.4)
        meant = f"did you mean {' or '.join(nearest)}? " if nearest else ""
        raise JourneymanError(f"no template is named {name!r}", f"{meant}journeyman templates list")
    return templates[name]
