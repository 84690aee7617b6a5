"""Runs in other programs' formats, with secrets taken out first.

export_run(RunReader(Path("runs/first")), "atif", Path("out"))
"""

from journeyman.web.exchange.export import FORMATS, Exported, export_run
from journeyman.web.exchange.redact import Redactor

__all__ = ["FORMATS", "Exported", "Redactor", "export_run"]
