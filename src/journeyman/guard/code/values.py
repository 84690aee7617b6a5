"""Values of Python code that is read, not run: constants with holes, and names of what is called.

>>> call_method("a-b", "split", ["-"])
['a', 'b']
"""

from __future__ import annotations

import base64
import binascii
import codecs
import posixpath
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote

from journeyman.guard.foreign import compile_foreign
from journeyman.guard.holes import OPAQUE, UNKNOWN, is_known, is_opaque

__all__ = [
    "EditedText",
    "File",
    "Name",
    "PathText",
    "bounded",
    "call_method",
    "call_pure",
    "inflate",
    "strings_in",
    "text_of",
]

_MOST_CHARACTERS = 1 << 18
_MOST_WORK = 1 << 24


@dataclass(frozen=True)
class Name:
    """Something known by its dotted name alone, e.g. `requests.get` or `requests.Session()`."""

    dotted: str


@dataclass(frozen=True)
class File:
    """An open file."""

    path: str
    mode: str


class PathText(str):
    """The text of a `pathlib` path."""

    __slots__ = ()


class EditedText(str):
    """Text that is not known, after something in it was replaced: `edit` is what, and by what."""

    __slots__ = ("edit",)
    edit: tuple[str, str]

    @classmethod
    def of(cls, text: str, old: str, new: str) -> EditedText:
        """Return `text` with the note of an edit."""
        edited = cls(text)
        edited.edit = (old, new)
        return edited


def text_of(value: Any) -> str:
    """Return a value as text; what is not known is a hole."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, bool | int | float):
        return str(value)
    return UNKNOWN


def bounded(value: Any) -> Any:
    """Return a value that is small enough to go on with, else a hole."""
    if isinstance(value, int) and not -(1 << 64) < value < 1 << 64:
        return UNKNOWN
    is_long = isinstance(value, str | bytes | list) and len(value) > _MOST_CHARACTERS
    return UNKNOWN if is_long else value


def strings_in(value: Any) -> list[str]:
    """Return every text inside a value."""
    if isinstance(value, str | bytes | bytearray):
        return [text_of(value)]
    if isinstance(value, dict):
        return [it for pair in value.items() for part in pair for it in strings_in(part)]
    if isinstance(value, list | tuple | set):
        return [it for part in value for it in strings_in(part)]
    return []


_TEXT_METHODS = {
    "join", "replace", "format", "lower", "upper", "strip", "lstrip", "rstrip", "split", "rsplit",
    "encode", "decode", "translate", "removeprefix", "removesuffix", "title", "capitalize", "swapcase",
    "splitlines", "partition", "rpartition", "casefold", "hex",
}  # fmt: skip
_LIST_METHODS = {"append", "extend", "insert", "reverse", "pop", "copy", "sort"}
_DICT_METHODS = {"get", "values", "keys", "items", "copy", "update"}


def call_method(receiver: Any, name: str, args: Sequence[Any]) -> Any:
    """Call a method of a known value; None where that cannot be followed."""
    try:
        if isinstance(receiver, str | bytes | bytearray) and name in _TEXT_METHODS:
            is_large = len(receiver) * max([len(text_of(it)) for it in args] or [1]) > _MOST_WORK
            return UNKNOWN if is_large else _text_method(receiver, name, list(args))
        if isinstance(receiver, list) and name in _LIST_METHODS:
            result = getattr(receiver, name)(*args)
            return receiver if result is None else result
        if isinstance(receiver, dict) and name in _DICT_METHODS:
            result = getattr(receiver, name)(*args)
            return list(result) if name in ("values", "keys", "items") else result
    except Exception:  # the code that is read may be wrong in any way
        return None
    return None


def _text_method(receiver: Any, name: str, args: list[Any]) -> Any:
    if name == "join":
        items = args[0] if args and isinstance(args[0], list | tuple | str) else [UNKNOWN]
        return text_of(receiver).join(text_of(it) for it in items)
    if name == "replace" and isinstance(receiver, str) and UNKNOWN in receiver:
        return EditedText.of(receiver, *map(text_of, args[:2]))
    if name == "format":
        return receiver.format(*[text_of(it) for it in args])
    if name in ("encode", "decode"):
        if (
            args
            and isinstance(args[0], str)
            and args[0].lower().startswith(("rot", "hex", "base64"))
        ):
            return (
                codecs.decode(receiver, args[0])
                if name == "decode"
                else codecs.encode(receiver, args[0])
            )
        return (
            receiver.encode()
            if isinstance(receiver, str)
            else bytes(receiver).decode("utf-8", "replace")
        )
    result = getattr(receiver, name)(*args)
    return list(result) if isinstance(result, tuple) else result


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list | tuple):
        return bytes(value)
    raise TypeError("no bytes")


def inflate(data: bytes) -> bytes:
    """Undo zlib or gzip, up to a size. Raises `zlib.error`."""
    return zlib.decompressobj(wbits=47).decompress(data, _MOST_CHARACTERS)


def _b64(value: Any) -> bytes:
    data = _bytes_of(value).strip().replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    return base64.b64decode(data + b"=" * (-len(data) % 4))


def _codec(value: Any, name: Any = "utf-8") -> Any:
    if str(name).lower().replace("_", "").startswith(("hex", "base64")):
        return codecs.decode(_bytes_of(value), str(name))
    return codecs.decode(value, str(name))


_DECODERS: dict[str, Callable[..., Any]] = {
    "base64.b64decode": _b64,
    "base64.urlsafe_b64decode": _b64,
    "base64.standard_b64decode": _b64,
    "base64.decodebytes": _b64,
    "base64.b32decode": lambda v: base64.b32decode(_bytes_of(v)),
    "base64.b16decode": lambda v: base64.b16decode(_bytes_of(v), casefold=True),
    "base64.b85decode": lambda v: base64.b85decode(_bytes_of(v)),
    "base64.a85decode": lambda v: base64.a85decode(_bytes_of(v)),
    "binascii.unhexlify": lambda v: binascii.unhexlify(_bytes_of(v)),
    "binascii.a2b_hex": lambda v: binascii.unhexlify(_bytes_of(v)),
    "binascii.a2b_base64": _b64,
    "bytes.fromhex": lambda v: bytes.fromhex(text_of(v)),
    "bytearray.fromhex": lambda v: bytes.fromhex(text_of(v)),
    "codecs.decode": _codec,
    "codecs.encode": lambda v, name="utf-8": codecs.encode(v, str(name)),
    "zlib.decompress": lambda v, *_: inflate(_bytes_of(v)),
    "gzip.decompress": lambda v: inflate(_bytes_of(v)),
    "urllib.parse.unquote": lambda v: unquote(text_of(v)),
}


def _substituted(pattern: Any, new: Any, text: Any, *more: Any) -> str:
    if not isinstance(text, str) or UNKNOWN in text:
        return EditedText.of(UNKNOWN, text_of(pattern), text_of(new))
    regex = compile_foreign(text_of(pattern))
    if regex is None or len(text) * (len(text_of(new)) + 1) > _MOST_WORK:
        return UNKNOWN
    return regex.sub(text_of(new), text)


_PURE: dict[str, Callable[..., Any]] = {
    "re.sub": _substituted,
    "chr": lambda v: chr(v),
    "ord": lambda v: ord(v),
    "str": lambda v="", *_: text_of(v),
    "int": lambda v=0, base=10: int(v, base) if isinstance(v, str) else int(v),
    "len": len,
    "bytes": lambda v=b"", *_: _bytes_of(v),
    "bytearray": lambda v=b"", *_: _bytes_of(v),
    "list": lambda v=(): list(v),
    "tuple": lambda v=(): list(v),
    "dict": lambda *a, **k: dict(*a, **k),
    "sorted": lambda v: sorted(v),
    "reversed": lambda v: list(v)[::-1],
    "range": lambda *a: list(islice(range(*a), 512)),
    "enumerate": lambda v: [list(it) for it in enumerate(v)],
    "zip": lambda *a: [list(it) for it in zip(*a, strict=False)],
    "abs": abs,
    "repr": repr,
    "os.path.join": lambda *a: posixpath.join(*map(text_of, a)),
    "os.path.expanduser": lambda v: text_of(v),
    "os.path.abspath": lambda v: text_of(v),
    "os.path.basename": lambda v: posixpath.basename(text_of(v)),
    "os.path.dirname": lambda v: posixpath.dirname(text_of(v)),
    "os.getcwd": lambda: ".",
    "urllib.parse.urljoin": lambda a, b="": posixpath.join(text_of(a), text_of(b)),
    "shlex.split": lambda v, *_: text_of(v).split(),
    "shlex.quote": lambda v: text_of(v),
    "shlex.join": lambda v: " ".join(map(text_of, v)),
    "textwrap.dedent": lambda v: text_of(v),
    "pathlib.Path": lambda *a: PathText(posixpath.join(*map(text_of, a)) if a else "."),
    "pathlib.PurePosixPath": lambda *a: PathText(posixpath.join(*map(text_of, a)) if a else "."),
    "pathlib.PosixPath": lambda *a: PathText(posixpath.join(*map(text_of, a)) if a else "."),
    "pathlib.Path.home": lambda: PathText("~"),
    "pathlib.Path.cwd": lambda: PathText("."),
    "string.Template": lambda v: text_of(v),
    "io.BytesIO": _bytes_of,
    "io.StringIO": text_of,
}


def call_pure(dotted: str, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """Call a function that only computes; None where `dotted` is not one of them or fails."""
    if decode := _DECODERS.get(dotted):
        whole = "".join(it for value in args for it in strings_in(value))
        if not args or not is_known(whole):
            return OPAQUE if whole.strip(UNKNOWN) or is_opaque(whole) else UNKNOWN
        try:
            return decode(*args)
        except Exception:  # the code that is read may be wrong in any way
            return OPAQUE
    compute = _PURE.get(dotted)
    if compute is None:
        return None
    try:
        result = compute(*args, **keywords)
    except Exception:  # the code that is read may be wrong in any way
        return UNKNOWN
    return (
        result
        if not isinstance(result, str | bytes | list) or len(result) < _MOST_CHARACTERS
        else UNKNOWN
    )
