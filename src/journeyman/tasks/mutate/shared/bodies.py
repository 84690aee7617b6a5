"""The shared kind that takes a whole body away, to be written again from its signature."""

from __future__ import annotations

from collections.abc import Iterator

from journeyman.tasks.mutate.dialect import Dialect
from journeyman.tasks.mutate.shared.unwritten import body_lines, unwritten_body
from journeyman.tasks.mutate.source import Edit, Site
from journeyman.tasks.mutate.table import shared_kind

__all__: list[str] = []

MIN_BODY_LINES = 3


@shared_kind("function_body_removed", "A function is to be written again", "function")
def function_body_removed(site: Site, dialect: Dialect) -> Iterator[Edit]:
    """The body says that it is not there, or returns an empty value; the signature stays."""
    edit = unwritten_body(site.node, dialect)
    if edit is not None and body_lines(site.node, dialect) >= MIN_BODY_LINES:
        yield edit
