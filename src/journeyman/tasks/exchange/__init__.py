"""Tasks in other programs' formats: SWE-bench, SWE-smith, Harbor, verifiers and verl, read and written.

What a format has no place for travels beside it, where it allows that, so that a way out and back gives
the same tasks.

    export_tasks(taskset, Path("toolz.parquet"), "swebench")
    import_tasks(Path("toolz.parquet"), Path("tasksets/toolz-again"), "swebench")
"""

from journeyman.tasks.exchange.formats import FORMATS, export_tasks, find_format, import_tasks
from journeyman.tasks.exchange.rows import read_rows, write_rows

__all__ = [
    "FORMATS",
    "export_tasks",
    "find_format",
    "import_tasks",
    "read_rows",
    "write_rows",
]
