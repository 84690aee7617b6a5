"""Tables of records on disk: JSONL, JSON or Parquet, by the file's name.

>>> write_rows(Path("rows.jsonl"), [{"a": 1}])  # doctest: +SKIP
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError

__all__ = ["read_rows", "write_rows"]

_SUFFIXES = (".jsonl", ".json", ".parquet")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read every record of a file; every fault is a `JourneymanError` that says where it is."""
    _check_suffix(path)
    if not path.is_file():
        raise JourneymanError(f"no file at {path}", "check the path")
    if path.suffix == ".parquet":
        return _read_parquet(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JourneymanError(f"cannot read {path}: {error}", "check the file") from None
    if path.suffix == ".json":
        found = _decoded(str(path), text)
        if not isinstance(found, list):
            raise JourneymanError(
                f"{path} is no list of records", "write one record a line, .jsonl"
            )
        return [_record(f"{path}: record {at}", item) for at, item in enumerate(found)]
    lines = [(at, line) for at, line in enumerate(text.split("\n"), 1) if line.strip()]
    return [_record(f"{path}:{at}", _decoded(f"{path}:{at}", line)) for at, line in lines]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write records whole or not at all."""
    _check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    try:
        _write(Path(scratch), path.suffix, rows)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def _write(path: Path, suffix: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if suffix == ".parquet":
        pyarrow, parquet = _pyarrow()
        parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), path)
        return
    if suffix == ".json":
        path.write_text(json.dumps(list(rows), indent=1, ensure_ascii=False) + "\n", "utf-8")
        return
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    pyarrow, parquet = _pyarrow()
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).split("\n", 1)[0]
        raise JourneymanError(f"cannot read {path}: {reason}", "check the file") from None
    return rows


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise JourneymanError(
            "Parquet files need the extra `data`", "uv sync --extra data, or use .jsonl"
        ) from None
    return pyarrow, parquet


def _decoded(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise JourneymanError(f"{where}: not valid JSON: {error}", "mend or remove it") from None


def _record(where: str, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise JourneymanError(f"{where}: not an object", "mend or remove it")
    return item


def _check_suffix(path: Path) -> None:
    if path.suffix not in _SUFFIXES:
        raise JourneymanError(
            f"{path.name} is none of {', '.join(_SUFFIXES)}", "name the file by its format"
        )
