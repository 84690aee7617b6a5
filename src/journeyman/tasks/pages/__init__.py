"""Web pages and components as tasks, rendered and clicked through in Chromium (§4.2.1 of the report)."""

from journeyman.tasks.pages.make import PagesConfig, make_page_tasks
from journeyman.tasks.pages.spec import PageSpec, read_pages

__all__ = ["PageSpec", "PagesConfig", "make_page_tasks", "read_pages"]
