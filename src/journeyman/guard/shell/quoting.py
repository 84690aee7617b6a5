"""The characters of shell words: where a substitution ends, braces, escapes, glob patterns.

>>> expand_braces("{git,clone}")
['git', 'clone']
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = [
    "ansi_c",
    "closing",
    "expand_braces",
    "glob_pattern",
    "quoted_end",
    "split_raw",
    "strip_quotes",
]

_CLOSERS = {"(": ")", "{": "}"}
_MOST_ALTERNATIVES = 64
_DOCUMENT = re.compile(r"<<-?\s*['\"\\]?(\w+)['\"]?(?!<)")


def closing(text: str, start: int) -> int:
    """Return the index of what closes the bracket at `start`, quotes skipped; the end if "
    "nothing does."""
    opener, depth, i = text[start], 0, start
    closer = _CLOSERS[opener]
    while i < len(text):
        char = text[i]
        if char == "\\":
            i += 1
        elif char == "'":
            i = _skip_to(text, "'", i + 1)
        elif char == '"':
            i = _skip_double(text, i + 1)
        elif char == "<" and (document := _DOCUMENT.match(text, i)):
            i = _document_end(text, document) - 1
        elif char == opener:
            depth += 1
        elif char == closer:
            depth -= 1
            if depth == 0:
                return i
        i += 1
    return len(text)


def _document_end(text: str, start: re.Match[str]) -> int:
    """Return the index after the here-document that `start` opens, whose text may hold any quote."""
    end = re.compile(rf"\n\t*{re.escape(start[1])}(?=\n|\)|$)").search(text, start.end())
    return end.end() if end else start.end()


def _skip_to(text: str, char: str, start: int) -> int:
    end = text.find(char, start)
    return len(text) if end < 0 else end


def _skip_double(text: str, start: int) -> int:
    i = start
    while i < len(text) and text[i] != '"':
        if text[i] == "\\":
            i += 1
        elif text.startswith("$(", i):
            i = closing(text, i + 1)
        i += 1
    return i


def quoted_end(text: str, start: int) -> int:
    """Return the index of the quote that closes the one at `start`."""
    if text[start] == '"':
        return _skip_double(text, start + 1)
    return _skip_to(text, text[start], start + 1)


def split_raw(text: str) -> list[str]:
    """Split a command's text at unquoted white space, without removing a quote."""
    words: list[str] = []
    current = ""
    i = 0
    while i < len(text):
        char = text[i]
        if text.startswith("\\\n", i):
            i += 2
            continue
        if char.isspace():
            words, current = ([*words, current] if current else words), ""
            i += 1
            continue
        end = _unit_end(text, i)
        current += text[i:end]
        i = end
    return [*words, current] if current else words


def _unit_end(text: str, i: int) -> int:
    """Return one past the quoted string, substitution, escape or character at `i`."""
    if text[i] == "\\":
        return i + 2
    if text.startswith("$'", i):
        end = i + 2
        while end < len(text) and text[end] != "'":
            end += 2 if text[end] == "\\" else 1
        return end + 1
    if text[i] in "'\"`":
        return quoted_end(text, i) + 1
    if text[i] in "$<>=" and text[i + 1 : i + 2] in ("(", "{"):
        return closing(text, i + 1) + 1 if text[i] == "$" or text[i + 1] == "(" else i + 1
    return i + 1


def expand_braces(word: str) -> list[str]:
    """Expand `a{b,c}d` and `{1..3}` in a raw word; quoted braces and `${` are left alone."""
    i = 0
    while i < len(word):
        if word[i] == "{":
            end = closing(word, i)
            options = _alternatives(word[i + 1 : end]) if end < len(word) else []
            if options:
                tails = expand_braces(word[end + 1 :])
                heads = [part for option in options for part in expand_braces(option)]
                return [word[:i] + h + t for h in heads for t in tails][:_MOST_ALTERNATIVES]
        i = _unit_end(word, i)
    return [word]


def _alternatives(inner: str) -> list[str]:
    span = re.fullmatch(r"(-?\d+)\.\.(-?\d+)|(\w)\.\.(\w)", inner)
    if span is not None:
        return _span(span)
    parts: list[str] = []
    depth, current, i = 0, "", 0
    while i < len(inner):
        end = _unit_end(inner, i)
        unit = inner[i:end]
        depth += (unit == "{") - (unit == "}")
        if unit == "," and depth == 0:
            parts, current = [*parts, current], ""
        else:
            current += unit
        i = end
    return [*parts, current] if parts else []


def _span(match: re.Match[str]) -> list[str]:
    if match[1] is not None:
        first, last = int(match[1]), int(match[2])
        step = 1 if first <= last else -1
        numbers = range(first, last + step, step)
        return [str(it) for it in numbers[:_MOST_ALTERNATIVES]]
    first, last = ord(match[3]), ord(match[4])
    step = 1 if first <= last else -1
    return [chr(it) for it in range(first, last + step, step)][:_MOST_ALTERNATIVES]


def ansi_c(text: str) -> str:
    """Decode the escapes of `$'…'`, `echo -e` and `printf`: `\\x67`, `\\147`, `\\n`, `\\u0067`."""
    return re.sub(
        r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|0?[0-7]{1,3}|[\s\S])",
        _escape,
        text,
    )


def _escape(match: re.Match[str]) -> str:
    body = match[1]
    if body[0] in "xuU" and len(body) > 1:
        code = int(body[1:], 16)
        return chr(code) if code < 0x110000 else "�"
    if body[0].isdigit():
        return chr(int(body, 8) & 0xFF)
    simple = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
    return simple.get(
        body, {"e": "\x1b", "E": "\x1b"}.get(body, body if body in "\\'\"?" else "\\" + body)
    )


def strip_quotes(word: str) -> str:
    """Remove one level of quotes and escapes, expanding nothing."""
    return re.sub(r"['\"]|\\(?=.)", "", word)


@lru_cache(maxsize=1024)
def glob_pattern(pattern: str, *, is_greedy: bool = True) -> str:
    """Translate a shell pattern to a regular expression, greedy or not."""
    out, i = "", 0
    star = r"[\s\S]*" if is_greedy else r"[\s\S]*?"
    while i < len(pattern):
        char = pattern[i]
        end = pattern.find("]", i + 2) if char == "[" else -1
        if char == "*":
            out += star
        elif char == "?":
            out += r"[\s\S]"
        elif char == "[" and end > 0:
            inner = pattern[i + 1 : end].replace("\\", "\\\\")
            inner = re.sub(r"([&~|])|(?<!\A)\[(?!:)", lambda m: "\\" + m[0], inner)
            inner = re.sub(r"\[:(\w+):\]?", lambda m: _CLASSES.get(m[1], ""), inner)
            out += "[" + ("^" + inner[1:] if inner[:1] in "!^" else inner) + "]"
            i = end
        elif char == "\\" and i + 1 < len(pattern):
            i += 1
            out += re.escape(pattern[i])
        else:
            out += re.escape(char)
        i += 1
    return out


_CLASSES = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "space": r"\s", "upper": "A-Z"}
_CLASSES |= {"lower": "a-z", "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9a-fA-F"}
