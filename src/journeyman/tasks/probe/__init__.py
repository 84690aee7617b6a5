"""The probe: a recorder put into a sandbox beside the tests, and what it brings back.

It tells which tests reach which source lines and what they cost, once per environment, and how each
failed test fails, for pytest and for unittest. A suite that neither runs yields an empty record.
"""

from journeyman.tasks.probe.record import (
    Probe,
    TestFailure,
    merged,
    probed,
    read_probe,
    with_probe,
    write_sources,
)

__all__ = ["Probe", "TestFailure", "merged", "probed", "read_probe", "with_probe", "write_sources"]
