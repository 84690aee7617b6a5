"""The benchmarks whose files are read: what each needs, and where people get it. Nothing is fetched."""

from __future__ import annotations

from journeyman.types import Data

__all__ = ["SUITES", "Suite"]


class Suite(Data):
    """One benchmark, or a family that shares a format."""

    name: str
    needs: str
    """The file or folder that must be given."""
    source: str
    """Where people get it."""
    command: str


_SWE = "journeyman eval prepare FILE --repositories FOLDER --out TASKSET"
_CODE = "journeyman eval code FILE --model M"

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite(
            name="SWE-bench",
            needs="rows as JSONL, JSON or Parquet (full, Lite, Verified), and clones",
            source="Hugging Face: SWE-bench/SWE-bench, SWE-bench_Lite, SWE-bench_Verified",
            command=_SWE,
        ),
        Suite(
            name="SWE-bench Multilingual",
            needs="rows as above; graded in its images",
            source="Hugging Face: SWE-bench/SWE-bench_Multilingual",
            command="journeyman eval official FILE PREDICTIONS",
        ),
        Suite(
            name="SWE-bench Multimodal",
            needs="rows as above; images in the problem are left as links",
            source="Hugging Face: SWE-bench/SWE-bench_Multimodal",
            command="journeyman eval official FILE PREDICTIONS",
        ),
        Suite(
            name="SWE-bench Live",
            needs="rows with test_cmds and log_parser, and clones",
            source="Hugging Face: SWE-bench-Live/SWE-bench-Live",
            command=_SWE,
        ),
        Suite(
            name="SWE-bench Pro",
            needs="rows with fail_to_pass and dockerhub_tag",
            source="Hugging Face: ScaleAI/SWE-bench_Pro",
            command=_SWE,
        ),
        Suite(
            name="SWE-rebench",
            needs="rows with install_config, and clones",
            source="Hugging Face: nebius/SWE-rebench",
            command=_SWE,
        ),
    )
}
"""By name."""
