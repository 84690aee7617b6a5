"""Tool chat templates: one file each, on a small shared core.

A module of this package with a `TEMPLATE` is a template; so is a `ToolTemplate` that an installed
package names under the entry point group `journeyman.templates`. `jinja:PATH` renders with any
Hugging Face `chat_template.jinja`.

    >>> get_template("qwen3_coder").parse("Done.").content
    'Done.'
"""

from __future__ import annotations

from journeyman.templates.base import StreamEvent, StreamParser, Template
from journeyman.templates.core.faults import FAULTS
from journeyman.templates.core.registry import get_template, list_templates
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.validation import token_ranges, validate

__all__ = [
    "FAULTS",
    "StreamEvent",
    "StreamParser",
    "Template",
    "ToolTemplate",
    "get_template",
    "list_templates",
    "token_ranges",
    "validate",
]
