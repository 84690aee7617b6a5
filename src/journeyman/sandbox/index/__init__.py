"""Package indexes as they were: a proxy that serves what was there before an instant, and no more.

It speaks the simple API of Python's indexes (HTML and JSON) and npm's registry protocol, asks the
indexes that the user's own tools are set up with, and checks every file against its hash as it passes.
One server is one sandbox's; what it fetched is kept for all.

    server = await open_index(spec, listener)
    ...
    await server.close()
"""

from journeyman.sandbox.index.server import INDEX_PORT, IndexServer, open_index

__all__ = ["INDEX_PORT", "IndexServer", "open_index"]
