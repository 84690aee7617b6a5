"""SWE-bench prediction files: read for grading, written from a run.

Three forms are read: a JSON list of predictions, a JSON object of predictions by instance id, and
JSONL. A prediction has `instance_id`, `model_name_or_path` and `model_patch`; other fields are left
alone. Whatever is broken is named with its file and line.

    >>> read_predictions(Path("predictions.jsonl"))  # doctest: +SKIP
    [Prediction(line=1, instance_id='toolz-1', model_name_or_path='mine', model_patch='diff …')]
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder, slug, write_atomic
from journeyman.runs.storage import explain_storage
from journeyman.types import Data, Ending, Rollout

__all__ = ["Prediction", "read_predictions", "write_predictions"]

_FIELDS = ("instance_id", "model_name_or_path", "model_patch")
_FORM = '{"instance_id": "…", "model_name_or_path": "…", "model_patch": "…"}'
_SPACE = re.compile(r"\s*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Prediction(Data):
    """One model's patch for one task."""

    line: int = 0
    """Where its file names it."""
    instance_id: str = Field(min_length=1)
    model_name_or_path: str = Field(min_length=1)
    model_patch: str

    @field_validator("model_patch", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        """SWE-bench's own agents write null where they have no patch."""
        return "" if value is None else value

    @field_validator(*_FIELDS)
    @classmethod
    def _is_text(cls, value: str) -> str:
        """JSON can spell half a character, which no file can hold."""
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"half a character at {error.start}") from None
        return value

    @field_validator("instance_id", "model_name_or_path")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        if found := _CONTROL.search(value):
            raise ValueError(f"a control character at {found.start()}")
        return value


def read_predictions(path: Path) -> list[Prediction]:
    """Read a file in any of the three forms, in its order.

    Raises `JourneymanError` naming file and line for broken JSON, a missing or wrong field, and a
    second prediction of one model for one task.
    """
    text = _read(path)
    predictions = [_check(path, line, record) for line, record in _records(path, text)]
    if not predictions:
        raise JourneymanError(f"{path} holds no predictions", f"a prediction is {_FORM}")
    first: dict[tuple[str, str], int] = {}
    for it in predictions:
        key = (it.model_name_or_path, it.instance_id)
        if key in first:
            raise JourneymanError(
                f"{path}:{it.line}: {it.model_name_or_path} already answers {it.instance_id} "
                f"on line {first[key]}",
                "remove one of the two, or give them different names in model_name_or_path",
            )
        first[key] = it.line
    return predictions


def write_predictions(run: RunFolder, rollouts: Sequence[Rollout]) -> list[Path]:
    """Write the patches of finished rollouts to `predictions/<model>.jsonl`; return the files.

    A prediction file has one answer of a model for a task, so further rollouts of a task go to
    `<model>.2.jsonl`, under the name `<model>.2`, and so on. Rollouts without a patch of the
    agent's, because something failed, are left out.
    """
    seen: Counter[tuple[str, str]] = Counter()
    lines: dict[str, list[str]] = {}
    for rollout in rollouts:
        if rollout.ending is Ending.FAILED:
            continue
        key = (rollout.model, rollout.instance_id)
        seen[key] += 1
        name = rollout.model if seen[key] == 1 else f"{rollout.model}.{seen[key]}"
        values = (rollout.instance_id, name, rollout.patch)
        record = dict(zip(_FIELDS, values, strict=True))
        lines.setdefault(name, []).append(json.dumps(record, ensure_ascii=False) + "\n")
    folder = run.path / "predictions"
    if lines:
        with explain_storage(folder):
            folder.mkdir(exist_ok=True)
    for name, found in lines.items():
        write_atomic(folder / f"{slug(name)}.jsonl", "".join(found))
    return [folder / f"{slug(name)}.jsonl" for name in lines]


def _read(path: Path) -> str:
    try:
        with explain_storage(path, "read"):
            return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise JourneymanError(f"no predictions at {path}", "check the path") from None
    except UnicodeDecodeError as error:
        raise JourneymanError(f"{path} is not UTF-8: {error.reason}", "check the path") from None


def _records(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    """Yield each prediction with its line, whatever the form."""
    start = _skip(text, 0)
    if text.startswith("[", start):
        yield from _Scanner(path, text).items()
    elif text.startswith("{", start) and path.suffix != ".jsonl" and _is_by_instance(text[start:]):
        for line, name, record in _Scanner(path, text).members():
            if isinstance(record, dict) and record.setdefault("instance_id", name) != name:
                raise _broken(path, line, f"{name} holds a prediction for {record['instance_id']}")
            yield line, record
    else:
        yield from _lines(path, text)


def _is_by_instance(text: str) -> bool:
    """Whether a text that begins with an object is one object of predictions, not JSONL."""
    try:
        first, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return "\n{" not in text
    return not text[end:].strip() and "model_patch" not in first


def _lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    # Not splitlines: a patch may hold other line separators, which JSON leaves as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _not_json(path, number, error) from None


def _check(path: Path, line: int, record: Any) -> Prediction:
    if not isinstance(record, dict):
        raise _broken(path, line, "not an object")
    if missing := [name for name in _FIELDS if name not in record]:
        raise _broken(path, line, f"no {missing[0]}")
    try:
        return Prediction(line=line, **{name: record[name] for name in _FIELDS})
    except ValidationError as error:
        first = error.errors()[0]
        raise _broken(path, line, f"{first['loc'][0]}: {first['msg']}") from None


def _broken(path: Path, line: int, reason: str) -> JourneymanError:
    one_line = _CONTROL.sub(lambda found: repr(found[0])[1:-1], reason)
    return JourneymanError(f"{path}:{line}: {one_line}", f"a prediction is {_FORM}")


def _not_json(path: Path, line: int, error: ValueError | RecursionError) -> JourneymanError:
    """Explain what Python's reader refuses: broken JSON, too deep a nest, too long a number."""
    reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
    return _broken(path, line, f"not valid JSON: {reason}")


class _Scanner:
    """Steps through the items of one JSON list or object, so that each is known by its line."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._decoder = json.JSONDecoder()
        self._at = _skip(text, 0)
        self._is_begun = False
        self._line = 1
        self._counted = 0

    def items(self) -> Iterator[tuple[int, Any]]:
        """Yield the line and value of each item of a list."""
        while self._goes_on("[", "]"):
            line = self._line_here()
            yield line, self._value()

    def members(self) -> Iterator[tuple[int, str, Any]]:
        """Yield the line, name and value of each member of an object."""
        while self._goes_on("{", "}"):
            line = self._line_here()
            name = self._value()
            if not isinstance(name, str):
                raise self._wrong("a name must be a string")
            self._expect(":")
            yield line, name, self._value()

    def _goes_on(self, opening: str, closing: str) -> bool:
        """Step over what stands before the next item; False at the end of the text's one value."""
        is_first, self._is_begun = not self._is_begun, True
        if self._text.startswith(opening if is_first else ",", self._at):
            self._at = _skip(self._text, self._at + 1)
            if not (is_first and self._text.startswith(closing, self._at)):
                return True
        self._expect(closing)
        if self._at < len(self._text):
            raise self._wrong("something follows the end")
        return False

    def _value(self) -> Any:
        try:
            value, end = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            reason = f"not valid JSON: {error.msg}"
            raise _broken(self._path, error.lineno, reason) from None
        except (ValueError, RecursionError) as error:
            raise _not_json(self._path, self._line_here(), error) from None
        self._at = _skip(self._text, end)
        return value

    def _expect(self, sign: str) -> None:
        if not self._text.startswith(sign, self._at):
            raise self._wrong(f"not valid JSON: {sign!r} expected")
        self._at = _skip(self._text, self._at + 1)

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _wrong(self, reason: str) -> JourneymanError:
        return _broken(self._path, self._line_here(), reason)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
