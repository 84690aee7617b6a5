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
from importlib.metadata import EntryPoint, entry_points

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
        template = _load(entry)
        if template.name in found:
            raise _refusal(entry, f"there is a template {template.name!r} already")
        found[template.name] = template
    return dict(sorted(found.items()))


def _load(entry: EntryPoint) -> ToolTemplate:
    try:
        template = entry.load()
    except Exception as error:  # whatever a user's module raises when it is imported
        raise _refusal(entry, f"{type(error).__name__}: {error}") from error
    if not isinstance(template, ToolTemplate):
        raise _refusal(entry, f"{entry.value} is no ToolTemplate")
    return template


def _refusal(entry: EntryPoint, reason: str) -> JourneymanError:
    owner = entry.dist.name if entry.dist else "its package"
    message = f"the entry point {entry.name} of {owner} adds no template: {reason}"
    return JourneymanError(message, f"mend or uninstall {owner}")


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
