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
            needs="rows with dockerhub_tag, their images, and run_scripts/ of its repository",
            source="Hugging Face: ScaleAI/SWE-bench_Pro; github.com/scaleapi/SWE-bench_Pro-os",
            command="journeyman eval official FILE PREDICTIONS --scripts FOLDER",
        ),
        Suite(
            name="SWE-rebench",
            needs="rows with install_config, and clones",
            source="Hugging Face: nebius/SWE-rebench",
            command=_SWE,
        ),
        Suite(
            name="Terminal-Bench",
            needs="task folders with task.toml (2, Harbor) or task.yaml (1), and a container engine",
            source="github.com/laude-institute/terminal-bench-2, terminal-bench; harbor datasets",
            command="journeyman eval terminal FOLDER --model M",
        ),
        Suite(
            name="Aider polyglot",
            needs="a clone of polyglot-benchmark, or of an Exercism track",
            source="github.com/Aider-AI/polyglot-benchmark",
            command="journeyman eval polyglot FOLDER --language python --out TASKSET",
        ),
        Suite(
            name="HumanEval",
            needs="HumanEval.jsonl.gz",
            source="github.com/openai/human-eval",
            command=_CODE,
        ),
        Suite(
            name="HumanEvalFix",
            needs="the Python rows of HumanEvalPack, JSONL or Parquet",
            source="Hugging Face: bigcode/humanevalpack",
            command=_CODE,
        ),
        Suite(
            name="MBPP",
            needs="mbpp.jsonl or sanitized-mbpp.json",
            source="github.com/google-research/google-research, folder mbpp",
            command=_CODE,
        ),
        Suite(
            name="EvalPlus",
            needs="HumanEvalPlus.jsonl or MbppPlus.jsonl",
            source="github.com/evalplus, releases of humanevalplus_release and mbppplus_release",
            command=_CODE,
        ),
        Suite(
            name="LiveCodeBench",
            needs="rows of code_generation_lite, JSONL",
            source="Hugging Face: livecodebench/code_generation_lite",
            command=_CODE,
        ),
        Suite(
            name="BFCL",
            needs="BFCL_v*_simple*.json, multiple, parallel or irrelevance, and possible_answer/",
            source="github.com/ShishirPatil/gorilla, folder berkeley-function-call-leaderboard",
            command="journeyman eval calls FILE --answers FILE --model M",
        ),
        Suite(
            name="Template adherence",
            needs="nothing: it is made here",
            source="this package",
            command="journeyman eval adherence --model M",
        ),
        Suite(
            name="Your own repository",
            needs="a Git repository",
            source="you",
            command="journeyman eval repo PATH_OR_URL --model M",
        ),
        Suite(
            name="Any taskset of Journeyman",
            needs="its folder",
            source="journeyman tasks mine | mutate | import",
            command="journeyman eval tasks TASKSET --model M",
        ),
    )
}
"""By name."""
