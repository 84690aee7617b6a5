"""Programs that decode: what comes out is computed, or opaque where it cannot be."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable

from journeyman.guard.code.values import inflate
from journeyman.guard.holes import OPAQUE, UNKNOWN, is_known, without_holes
from journeyman.guard.programs.options import Given, split
from journeyman.guard.shell.machine import Invocation, Machine, Program

__all__ = ["DECODERS", "source"]

_MOST_CHARACTERS = 1 << 18


def source(machine: Machine, call: Invocation, operands: list[str]) -> str:
    """Return what a filter reads: the files it is given, else its input."""
    named = [it for it in operands if it != "-"]
    return "".join(machine.read(it) for it in named) if named else call.stdin


def _decoder(decode: Callable[[str, Given], str], *, flags: tuple[str, ...]) -> Program:
    """A program that decodes where one of `flags` is given, and else encodes to something opaque."""

    def program(machine: Machine, call: Invocation) -> str:
        given = split(call.args, with_value={"-w", "-c", "-l", "-s", "-in", "-out", "--wrap"})
        operands = [it for it in given.operands if it not in ("base64", "enc", "-")]
        text = source(machine, call, operands + given.values("-in"))
        if flags and not any(name.lstrip("-") in flags for name, _ in given.options):
            return OPAQUE if is_known(text) else UNKNOWN
        return decoded(text, lambda it: decode(it, given))

    return program


def decoded(text: str, decode: Callable[[str], str]) -> str:
    """Decode known text; what cannot be decoded is opaque, the unknown stays unknown."""
    if not without_holes(text).strip():
        return text
    try:
        return decode(text) if is_known(text) else OPAQUE
    except (ValueError, binascii.Error, zlib.error, EOFError, OSError):
        return OPAQUE


def to_bytes(text: str) -> bytes:
    """Return the bytes of shell text; decoders keep bytes that are no UTF-8 as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def from_bytes(data: bytes) -> str:
    """Return bytes as text, in a form that `to_bytes` turns back."""
    try:
        text = data.decode("utf-8")
        return text if text.isascii() else data.decode("latin-1")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _base64(text: str, given: Given) -> str:
    bare = re.sub(r"[^A-Za-z0-9+/_=-]", "", text).replace("-", "+").replace("_", "/").rstrip("=")
    return from_bytes(base64.b64decode(bare + "=" * (-len(bare) % 4)))


def _base32(text: str, given: Given) -> str:
    bare = re.sub(r"\s", "", text).rstrip("=")
    return from_bytes(base64.b32decode(bare + "=" * (-len(bare) % 8), casefold=True))


def _hexadecimal(text: str, given: Given) -> str:
    lines = [re.sub(r"^[0-9a-f]+:\s", "", it).split("  ")[0] for it in text.splitlines()]
    return from_bytes(bytes.fromhex(re.sub(r"[^0-9a-fA-F]", "", "".join(lines))))


def _inflate(text: str, given: Given) -> str:
    data = to_bytes(text)
    if data[:2] == b"BZ":
        import bz2

        return from_bytes(bz2.BZ2Decompressor().decompress(data, _MOST_CHARACTERS))
    if data[:6] == b"\xfd7zXZ\x00":
        import lzma

        return from_bytes(lzma.LZMADecompressor().decompress(data, _MOST_CHARACTERS))
    return from_bytes(inflate(data))


def _openssl(machine: Machine, call: Invocation) -> str:
    kind = call.args[0] if call.args else ""
    if kind in ("s_client", "s_time"):
        for word in call.args[1:]:
            if re.search(r"[\w.-]+:\d+$", word):
                machine.connect(f"tcp://{word}", f"{call.text} {call.stdin}")
        return UNKNOWN
    if kind in ("base64", "enc") and "-d" in call.args:
        is_base64 = kind == "base64" or "-base64" in call.args or "-a" in call.args
        if is_base64 and not any(
            it.startswith(("-aes", "-des", "-k", "-pass")) for it in call.args
        ):
            return _decoder(_base64, flags=())(machine, call.but(["openssl", *call.args[1:]]))
        return OPAQUE
    return UNKNOWN


DECODERS: dict[str, Program] = {
    "base64": _decoder(_base64, flags=("d", "D", "decode")),
    "base32": _decoder(_base32, flags=("d", "D", "decode")),
    "basenc": _decoder(_base64, flags=("d", "decode")),
    "xxd": _decoder(_hexadecimal, flags=("r",)),
    "gunzip": _decoder(_inflate, flags=()),
    "zcat": _decoder(_inflate, flags=()),
    "gzip": _decoder(_inflate, flags=("d", "decompress", "c")),
    "bzip2": _decoder(_inflate, flags=("d",)),
    "bunzip2": _decoder(_inflate, flags=()),
    "bzcat": _decoder(_inflate, flags=()),
    "xz": _decoder(_inflate, flags=("d",)),
    "unxz": _decoder(_inflate, flags=()),
    "xzcat": _decoder(_inflate, flags=()),
    "zlib-flate": _decoder(_inflate, flags=()),
    "pigz": _decoder(_inflate, flags=("d",)),
    "openssl": _openssl,
}
