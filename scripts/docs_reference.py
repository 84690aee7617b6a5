"""A hook of MkDocs: the reference pages, generated from the code each time the site is built.

Commands come from the command line's own help, settings from the fields of the configuration classes,
failures and endings from the two tables in `errors.py`. Nothing of it is committed.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import journeyman
from journeyman.cli import VERBS
from journeyman.config import Config
from journeyman.errors import ENDINGS, FAILURES

# Rooms whose modules need libraries that a build of the documents need not have.
_HEAVY = ("torch", "transformers", "ray", "playwright")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    pages = {
        "reference/commands.md": commands(),
        "reference/settings.md": settings(),
        "reference/failures.md": failures(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def commands() -> str:
    """Return the page of every verb, from its own help."""
    parts = [
        "# Commands",
        "Generated from the code. Every verb has `--help`; `--debug` shows tracebacks.",
    ]
    parts += [_verb(name) for name in VERBS]
    return "\n\n".join(parts) + "\n"


def _verb(name: str) -> str:
    from cyclopts import App, Parameter

    target, summary = VERBS[name]
    app = App(name="journeyman", help_format="plaintext", default_parameter=Parameter(negative=()))
    app.command(f"journeyman.cli.{target}", name=name, help=f"{summary[0].upper()}{summary[1:]}.")
    app.help_flags = ()
    app.version_flags = ()
    text: str = app[name].generate_docs(heading_level=2, usage_name=f"journeyman {name}")
    text = re.sub(r", --no-[\w.-]+(?=`)", "", text)
    return re.sub(r"<(?!/?(?:br|a|code)\b)", "&lt;", text.strip())


def settings() -> str:
    """Return the page of every configuration class, field by field."""
    _import_everything()
    kinds = sorted(set(_subclasses(Config)), key=lambda it: (it.__module__, it.__name__))
    parts = [
        "# Settings",
        "Generated from the code. Each table is a section of a TOML file given with `--config`; on the "
        "command line the names are flags with dashes and dots.",
    ]
    for kind in kinds:
        if kind.model_fields and not kind.__module__.startswith("journeyman.cli"):
            parts.append(_table(kind))
    return "\n\n".join(parts) + "\n"


def _table(kind: type[Config]) -> str:
    lines = [
        f"## {kind.__name__}",
        f"`{kind.__module__}`. {(kind.__doc__ or '').strip().splitlines()[0]}",
        "",
        "| name | default | what it is |",
        "|---|---|---|",
    ]
    for name, field in kind.model_fields.items():
        default = (
            "required"
            if field.is_required()
            else f"`{_short(field.get_default(call_default_factory=True))}`"
        )
        lines.append(f"| `{name}` | {default} | {_cell(field.description or '')} |")
    return "\n".join(lines)


def failures() -> str:
    """Return the page of both tables."""
    lines = [
        "# Failures and endings",
        "Generated from `errors.py`; no other code decides these things.",
        "",
        "| failure | who | retried from | patch graded | reward valid |",
        "|---|---|---|---|---|",
    ]
    for cause, rule in FAILURES.items():
        lines.append(
            f"| `{cause}` | {rule.who} | {rule.retry_budget} | {_yes(rule.is_graded)} "
            f"| {_yes(rule.reward_is_valid)} |"
        )
    lines += [
        "",
        "| ending | graded | penalty where unresolved | trained on |",
        "|---|---|---|---|",
    ]
    for ending, what in ENDINGS.items():
        lines.append(
            f"| `{ending.value}` | {_yes(what.is_graded)} | {what.penalty} "
            f"| {_yes(what.is_trained_on)} |"
        )
    return "\n".join(lines) + "\n"


def _import_everything() -> None:
    for found in pkgutil.walk_packages(journeyman.__path__, "journeyman.", onerror=lambda _: None):
        if ".bundled" in found.name or ".inside" in found.name:
            continue
        try:
            importlib.import_module(found.name)
        except ImportError as error:
            if (error.name or "").split(".")[0] not in _HEAVY and "extra" not in str(error):
                continue


def _subclasses(kind: type[Config]) -> Iterator[type[Config]]:
    for it in kind.__subclasses__():
        if it.__module__.startswith("journeyman."):
            yield it
            yield from _subclasses(it)


def _short(value: Any) -> str:
    text = repr(value).replace("|", "\\|").replace("`", "'")
    return text if len(text) <= 60 else f"{text[:57]}..."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
