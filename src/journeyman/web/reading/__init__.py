"""Reading run folders as they are: while they grow, years later, and where they are broken."""

from journeyman.web.reading.library import Library
from journeyman.web.reading.run import RunReader
from journeyman.web.reading.text import cut, visible

__all__ = ["Library", "RunReader", "cut", "visible"]
