"""Instances of SWE-bench and its relatives, read from the files that the benchmarks are published in.

JSONL, JSON and Parquet (with the extra `data`) are read. The relatives spell some fields otherwise;
what they add to say how their tests are run is kept: a whole script, a command, an image, a parser.

    read_instances(Path("swe-bench_verified.jsonl"))[0].instance_id  # 'astropy__astropy-12907'
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from journeyman.errors import JourneymanError
from journeyman.evals.rows import read_rows
from journeyman.types import Data

__all__ = ["Instance", "read_instances"]

_OTHER_SPELLINGS = {
    "fail_to_pass": "FAIL_TO_PASS",
    "pass_to_pass": "PASS_TO_PASS",
    "docker_image": "image",
    "image_name": "image",
    "repo_language": "language",
    "test_cmds": "test_command",
    "test_cmd": "test_command",
    "gold_patch": "patch",
    "selected_test_files_to_run": "selected_tests",
}


class Instance(Data):
    """One published task, with what its benchmark says of how it is graded."""

    instance_id: str = Field(min_length=1)
    repo: str = Field(min_length=1)
    base_commit: str = Field(min_length=7)
    problem_statement: str
    patch: str
    test_patch: str = ""
    FAIL_TO_PASS: tuple[str, ...]
    PASS_TO_PASS: tuple[str, ...] = ()
    hints_text: str = ""
    created_at: str = ""
    version: str = ""
    environment_setup_commit: str = ""
    language: str = ""
    image: str = ""
    """Name of the instance's own image, where the benchmark gives it."""
    eval_script: str = ""
    """The whole script that runs the tests in that image, where the benchmark gives it."""
    test_command: str = ""
    log_parser: str = ""
    """Name of the benchmark's own log parser, e.g. `parse_log_pytest`."""
    eval_type: str = ""
    dockerhub_tag: str = ""
    """Tag of the instance's image, where it is one of SWE-bench Pro's."""
    before_repo_set_cmd: str = ""
    """Pro's commands that set the repository up; the last brings the tests."""
    selected_tests: tuple[str, ...] = ()
    """Pro's choice of what is run."""

    @field_validator("FAIL_TO_PASS", "PASS_TO_PASS", "selected_tests", mode="before")
    @classmethod
    def _read_names(cls, value: Any) -> Any:
        """Names come as lists, as lists written as JSON, and as lists written as Python."""
        if not isinstance(value, str):
            return () if value is None else value
        try:
            return json.loads(value)
        except ValueError:
            try:
                return ast.literal_eval(value)
            except (ValueError, SyntaxError):
                raise ValueError("is no list of names") from None

    @field_validator("eval_script", "test_command", mode="before")
    @classmethod
    def _join(cls, value: Any) -> Any:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return "\n".join(map(str, value))
        return "" if value is None else value

    @field_validator(
        "problem_statement", "hints_text", "test_patch", "dockerhub_tag", "before_repo_set_cmd",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value

    @field_validator("created_at", "version", "language", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return "" if value is None else str(value)


def read_instances(path: Path) -> list[Instance]:
    """Read a benchmark's file; raises `JourneymanError` naming the file, the row and the field."""
    found = [_read(path, number, row) for number, row in enumerate(read_rows(path), start=1)]
    counts = Counter(instance.instance_id for instance in found)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise JourneymanError(f"{path} holds {twice[0]} twice", "remove one of the two rows")
    return found


def _read(path: Path, number: int, row: Mapping[str, Any]) -> Instance:
    fields = {_OTHER_SPELLINGS.get(key, key): value for key, value in row.items()}
    fields |= _from_install_config(row.get("install_config"))
    known = {key: value for key, value in fields.items() if key in Instance.model_fields}
    known["problem_statement"] = _with_interface(row)
    try:
        return Instance.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise JourneymanError(
            f"{path}: row {number} is no SWE-bench instance: {field}: {first['msg']}",
            "journeyman eval suites lists the formats, and what each is for",
        ) from None


def _with_interface(row: Mapping[str, Any]) -> Any:
    """SWE-bench Pro tells agents what is required and which names are wanted beside the problem."""
    text = row.get("problem_statement")
    for title in ("requirements", "interface"):
        more = row.get(title)
        if isinstance(text, str) and isinstance(more, str) and more.strip():
            text = f"{text.rstrip()}\n\n## {title.capitalize()}\n\n{more.strip()}\n"
    return text


def _from_install_config(value: Any) -> dict[str, Any]:
    """SWE-rebench says in a table of its own how tests are run and read."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    if not isinstance(value, Mapping):
        return {}
    pairs = {"test_command": value.get("test_cmd"), "log_parser": value.get("log_parser")}
    return {key: given for key, given in pairs.items() if given}
