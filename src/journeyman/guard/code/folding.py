"""Folds text constants of code that has no parser here: literals, `+`, variables, usual decoders.

>>> folder = Folder("const a = 'git'; run(a + ' clone')", "node")
>>> folder.fold(arguments_at(folder.code, folder.code.index("("))[0])
'git clone'
"""

from __future__ import annotations

import re

from journeyman.guard.code.values import call_pure, text_of
from journeyman.guard.holes import OPAQUE, UNKNOWN
from journeyman.guard.shell.quoting import ansi_c

__all__ = ["Folder", "arguments_at"]

_MARK = "\x01"
_LITERAL = re.compile(
    r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"|`((?:\\.|[^`\\])*)`"
    r"|\bq[qw]?\{([^{}]*)\}|\bq[qw]?\(([^()]*)\)|%[qQwW]?[\[({]([^\])}]*)[\])}]",
    re.S,
)
_ASSIGNMENT = re.compile(
    r"(?:\b(?:const|let|var|my|our|local|auto|String|string)\s+)?([$@%]?\w+)\s*(?::\s*\w+\s*)?(?::=|\+=|\.=|<-|=(?![=~>]))\s*([^;\n]+)"
)
_DECODERS = {
    "atob": "base64.b64decode",
    "decode_base64": "base64.b64decode",
    "base64_decode": "base64.b64decode",
    "Base64.decode64": "base64.b64decode",
    "Base64.strict_decode64": "base64.b64decode",
    "Base64.urlsafe_decode64": "base64.b64decode",
    "hex2bin": "bytes.fromhex",
    "urldecode": "urllib.parse.unquote",
    "rawurldecode": "urllib.parse.unquote",
    "decodeURIComponent": "urllib.parse.unquote",
    "unescape": "urllib.parse.unquote",
    "str_rot13": "rot13",
    "strrev": "reverse",
}
_JOINER = re.compile(
    rf"\+(?!\+)|\.\.(?!\.)|\s\.\s|(?<={_MARK})\.(?=[$\s{_MARK}]|\w+\()|(?<=\))\.(?=\s*{_MARK})|\s<>\s|\s~\s"
)
_CODES = re.compile(r"(?:String\.fromCharCode|fromCodePoint|string\.char|\bpack|chr)\b")


class Folder:
    """One text of code with its literals taken out and its variables known."""

    def __init__(self, text: str, language: str, argv: tuple[str, ...] = ()) -> None:
        self.original = text
        self.language = language
        self.argv = argv
        self._literals: list[tuple[str, str]] = []
        self.code = _LITERAL.sub(self._take, text)
        self._variables: dict[str, str] = {}
        self._depth = 0
        for match in _ASSIGNMENT.finditer(self.code):
            name = match[1].lstrip("$@%")
            value = self.fold(match[2])
            is_added = "+=" in match[0] or ".=" in match[0]
            self._variables[name] = (self._variables.get(name, "") if is_added else "") + value

    def _take(self, match: re.Match[str]) -> str:
        kind = next((quote for quote in "'\"`" if match[0].startswith(quote)), "q")
        body = next((it for it in match.groups() if it is not None), "")
        self._literals.append((kind, body))
        return f"{_MARK}{len(self._literals) - 1}{_MARK}"

    def _literal(self, number: int) -> str:
        kind, body = self._literals[number]
        if kind == "'" and self.language in ("perl", "ruby", "php", "awk"):
            return body.replace("\\'", "'")
        return self.interpolated(body)

    def interpolated(self, body: str) -> str:
        """Return the value of a literal with escapes and variables in it."""
        text = ansi_c(body)
        text = re.sub(r"\$\{(\w+)\}|#\{(\w+)\}|\{\$(\w+)\}", self._variable, text)
        if self.language in ("perl", "php"):
            text = re.sub(r"(?<!\\)[$@](\w+)()()", self._variable, text)
        return re.sub(r"[$#]\{([^}]*)\}", self._inner, text)

    def _inner(self, match: re.Match[str]) -> str:
        """Return the value of an expression inside a template literal."""
        return self.fold(_LITERAL.sub(self._take, match[1]))

    def _variable(self, match: re.Match[str]) -> str:
        name = next(it for it in match.groups() if it)
        return self._variables.get(name, UNKNOWN)

    def restored(self, code: str) -> str:
        """Put the literals back into a part of `code`."""
        return re.sub(f"{_MARK}(\\d+){_MARK}", lambda m: self._literals[int(m[1])][1], code)

    def constants(self) -> list[str]:
        """Return every literal of the code."""
        return [self._literal(i) for i in range(len(self._literals))]

    def values(self) -> list[str]:
        """Return every literal, every variable and every argument list, folded."""
        found = [*self.constants(), *self._variables.values()]
        for match in re.finditer(r"\w\s*(?=\()", self.code):
            found += [self.fold(it) for it in arguments_at(self.code, match.end())]
        return list(dict.fromkeys(it for it in found if it.strip()))

    def fold(self, expression: str) -> str:
        """Return the text of an expression; parts that are not known are holes."""
        self._depth += 1
        try:
            return UNKNOWN if self._depth > 16 else self._folded(expression.strip())
        finally:
            self._depth -= 1

    def _folded(self, expression: str) -> str:
        terms = _terms(expression)
        if len(terms) > 1:
            return "".join(self.fold(it) for it in terms)
        for name, decoder in _DECODERS.items():
            if match := re.match(rf"{re.escape(name)}\s*", expression):
                parts = arguments_at(expression, match.end()) or [expression[match.end() :]]
                return _decode(decoder, self.fold(parts[0]))
        if match := re.match(r"Buffer\.from\s*", expression):
            return self._buffer(arguments_at(expression, match.end()))
        if re.match(r"unpack\b|pickle|Marshal", expression):
            return OPAQUE
        if _CODES.match(expression):
            return self._codes(expression)
        pieces = re.findall(
            rf"{_MARK}\d+{_MARK}|[$@%]?[A-Za-z_][\w.]*(?:\s*\([^()]*\))?|\.reverse|\[|\]|,|\d+",
            expression,
        )
        return self._pieces(pieces, expression)

    def _pieces(self, pieces: list[str], expression: str) -> str:
        out = ""
        is_list = expression.startswith("[")
        for piece in pieces:
            if piece.startswith(_MARK):
                value = self._literal(int(piece.strip(_MARK)))
                out += ("\x1f" if is_list and out else "") + value
            elif re.match(r"[$@%]?[A-Za-z_]", piece):
                out = self._word(piece, out)
        join = re.search(rf"\]\s*\.?\s*join\s*\(?\s*{_MARK}(\d+){_MARK}", expression)
        if "join" in expression:
            out = (
                out.removesuffix(self._literal(int(join[1])))
                if join and self._literal(int(join[1]))
                else out
            )
            out = out.replace("\x1f", self._literal(int(join[1])) if join else "")
        if re.search(r"\breverse\b", expression):
            out = out.replace("\x1f", "")[::-1]
        return out

    def _word(self, piece: str, out: str) -> str:
        name = re.match(r"[$@%]?([A-Za-z_]\w*)", piece)
        bare = name[1] if name else ""
        call = re.match(r"[\w.]+\s*\(", piece)
        if bare in self._variables:
            return out + self._variables[bare]
        if call and re.match(
            r"(?:atob|chr|String\.fromCharCode|base64_decode|decode_base64|strrev|str_rot13|hex2bin)\b",
            piece,
        ):
            return out + self.fold(piece)
        if bare in (
            "new",
            "require",
            "await",
            "join",
            "split",
            "reverse",
            "toString",
            "scalar",
            "String",
            "Buffer",
            "f",
            "r",
        ):
            return out
        if bare == "ARGV" or piece.startswith("process.argv"):
            return out + " ".join(self.argv)
        return out if call or "." in piece else out + UNKNOWN

    def _buffer(self, parts: list[str]) -> str:
        text = self.fold(parts[0]) if parts else UNKNOWN
        encoding = self.fold(parts[1]) if len(parts) > 1 else ""
        decoder = {
            "base64": "base64.b64decode",
            "base64url": "base64.b64decode",
            "hex": "bytes.fromhex",
        }
        return _decode(decoder[encoding], text) if encoding in decoder else text

    def _codes(self, expression: str) -> str:
        if expression.startswith("pack"):
            parts = (
                arguments_at(expression, expression.index("("))
                if "(" in expression
                else expression[4:].split(",")
            )
            return _decode("bytes.fromhex", self.fold(parts[1])) if len(parts) > 1 else OPAQUE
        codes = re.findall(
            r"\b(?:0x[0-9a-fA-F]+|\d+)\b", re.sub(f"{_MARK}\\d+{_MARK}", "", expression)
        )
        numbers = [int(it, 0) for it in codes]
        return "".join(chr(it) for it in numbers if it < 0x110000) or OPAQUE


def _terms(expression: str) -> list[str]:
    """Split an expression at the operators that join texts, outside brackets."""
    terms, depth, start, i = [], 0, 0, 0
    while i < len(expression):
        depth += (expression[i] in "([{") - (expression[i] in ")]}")
        match = _JOINER.match(expression, i) if depth == 0 else None
        if match is not None:
            terms.append(expression[start:i])
            start = i = match.end()
        else:
            i += 1
    return [it.strip() for it in (*terms, expression[start:]) if it.strip()]


def _decode(decoder: str, text: str) -> str:
    if decoder == "reverse":
        return text[::-1]
    name, more = ("codecs.decode", ["rot13"]) if decoder == "rot13" else (decoder, [])
    return text_of(call_pure(name, [text, *more], {}))


def arguments_at(code: str, start: int) -> list[str]:
    """Return the raw arguments of the call whose bracket is at `start`, split at its commas."""
    start = code.find("(", start, start + 3)
    if start < 0:
        return []
    parts: list[str] = []
    depth, current = 1, ""
    for char in code[start + 1 :]:
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            break
        if char == "," and depth == 1:
            parts, current = [*parts, current], ""
        else:
            current += char
    return [it.strip() for it in (*parts, current) if it.strip()]
