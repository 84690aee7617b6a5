"""Rows of a benchmark's file: JSONL, a JSON list or object, or Parquet; faults named by file and row.

>>> list(read_rows(Path("cases.jsonl")))  # doctest: +SKIP
[{'task_id': 'HumanEval/0', …}]
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError

__all__ = ["read_rows"]


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each row as a dictionary.

    Raises `JourneymanError` for a file that is not there, is cut off, or holds something else.
    """
    if not path.is_file():
        raise JourneymanError(
            f"no file at {path}", "journeyman eval suites says where people get it"
        )
    if path.suffix == ".parquet":
        yield from _from_parquet(path)
        return
    text = _text(path)
    if text.lstrip().startswith("["):
        yield from _from_list(path, text)
    elif "\n" in text.strip() and not _is_one_object(text):
        yield from _from_lines(path, text)
    else:
        yield from _from_object(path, text)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise JourneymanError(f"cannot read {path}: {error}", "fetch the file again") from None


def _is_one_object(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _from_list(path: Path, text: str) -> Iterator[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise _broken(path, f"not valid JSON, perhaps cut off: {error}") from None
    for number, row in enumerate(rows, start=1):
        yield _checked(path, number, row)


def _from_object(path: Path, text: str) -> Iterator[dict[str, Any]]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _broken(path, f"not valid JSON, perhaps cut off: {error}") from None
    if isinstance(value, dict) and value and all(isinstance(it, dict) for it in value.values()):
        for number, row in enumerate(value.values(), start=1):
            yield _checked(path, number, row)
        return
    yield _checked(path, 1, value)


def _from_lines(path: Path, text: str) -> Iterator[dict[str, Any]]:
    number = 0
    for line_number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        number += 1
        try:
            row = json.loads(line)
        except ValueError as error:
            raise _broken(path, f"line {line_number} is not valid JSON: {error}") from None
        yield _checked(path, number, row)


def _from_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise JourneymanError(
            f"reading {path.name} needs pyarrow", "pip install 'journeyman[data]'"
        ) from None
    try:
        rows = parquet.read_table(path).to_pylist()
    except Exception as error:  # whatever pyarrow says of a file that is none
        raise _broken(path, " ".join(str(error).split())[:200]) from None
    for number, row in enumerate(rows, start=1):
        yield _checked(path, number, row)


def _checked(path: Path, number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise _broken(path, f"row {number} is {type(row).__name__}, not an object")
    return dict(row)


def _broken(path: Path, reason: str) -> JourneymanError:
    return JourneymanError(f"{path}: {reason}", "fetch the file again, or mend that row")
