"""The viewer and live dashboard: looks at run folders, offline, on loopback, while they grow or later.

library = Library(Path("runs"))
export_site(library, Path("site"))
"""

from journeyman.web.app import make_app
from journeyman.web.reading import Library, RunReader
from journeyman.web.server import serving_viewer
from journeyman.web.static_site import export_site

__all__ = ["Library", "RunReader", "export_site", "make_app", "serving_viewer"]
