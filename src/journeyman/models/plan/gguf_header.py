"""Reads what a GGUF file says of itself, and of its tensors, without their weights.

header = read_header(Path("model.gguf"))
header.values["general.architecture"]
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from journeyman.errors import JourneymanError
from journeyman.models.plan.quantisation import TENSOR_TYPES

__all__ = ["Header", "TensorInfo", "read_header"]

_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_LONGEST_KEPT = 4096
"""Longer lists are vocabularies."""
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor."""

    name: str
    num_weights: int
    num_bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file, or all parts of a split one, hold."""

    values: dict[str, Any]
    tensors: tuple[TensorInfo, ...]


def read_header(path: Path) -> Header:
    """Read a file's header; of the first part of a split file, all parts'. Raises `JourneymanError`."""
    values: dict[str, Any] = {}
    tensors: list[TensorInfo] = []
    for part in _parts(path):
        try:
            with part.open("rb") as file:
                found = _read(file)
        except OSError as error:
            raise JourneymanError(
                f"cannot read {part}: {error.strerror}", "give a GGUF file"
            ) from None
        except (struct.error, UnicodeDecodeError, KeyError, OverflowError, MemoryError):
            raise JourneymanError(f"{part} is no whole GGUF file", "fetch it again") from None
        values = values or found.values
        tensors += found.tensors
    return Header(values, tuple(tensors))


def _parts(path: Path) -> list[Path]:
    split = _SPLIT.search(path.name)
    if split is None:
        return [path]
    stem, count = path.name[: split.start()], int(split[2])
    return [path.with_name(f"{stem}-{it:05}-of-{count:05}.gguf") for it in range(1, count + 1)]


def _read(file: BinaryIO) -> Header:
    if file.read(4) != b"GGUF":
        raise struct.error
    _, num_tensors, num_values = struct.unpack("<IQQ", file.read(20))
    values = {}
    for _ in range(num_values):
        key = _string(file)
        values[key] = _value(file, _number(file, "<I"))
    return Header(values, tuple(_tensor(file) for _ in range(num_tensors)))


def _number(file: BinaryIO, form: str) -> Any:
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _string(file: BinaryIO) -> str:
    length = _number(file, "<Q")
    data = file.read(length)
    if len(data) != length:
        raise struct.error
    return data.decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _number(file, _SCALARS[kind])
    inner, length = struct.unpack("<IQ", file.read(12))
    if inner in (_STRING, _ARRAY) or length <= _LONGEST_KEPT:
        found = [_value(file, inner) for _ in range(length)]
        return found if length <= _LONGEST_KEPT else length
    file.seek(length * struct.calcsize(_SCALARS[inner]), 1)
    return length


def _tensor(file: BinaryIO) -> TensorInfo:
    name = _string(file)
    sizes = [_number(file, "<Q") for _ in range(_number(file, "<I"))]
    kind, _ = struct.unpack("<IQ", file.read(12))
    num_weights = math.prod(sizes)
    block, size = TENSOR_TYPES[kind]
    return TensorInfo(name, num_weights, num_weights // block * size)
