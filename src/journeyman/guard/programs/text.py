"""Programs that only turn text into text: what they print is computed, so that pipes can be read."""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Callable

from journeyman.guard.holes import OPAQUE, UNKNOWN, WEAKENED, is_known, without_holes
from journeyman.guard.programs.decoders import DECODERS, source
from journeyman.guard.programs.options import Given, split
from journeyman.guard.programs.sed import run_sed
from journeyman.guard.rules.content import is_weakening
from journeyman.guard.shell.machine import Invocation, Machine, Program
from journeyman.guard.shell.quoting import ansi_c

__all__ = ["TEXT_PROGRAMS"]


def _echo(machine: Machine, call: Invocation) -> str:
    args = list(call.args)
    is_escaped = is_bare = False
    while args and re.fullmatch(r"-[neE]+", args[0]):
        is_escaped |= "e" in args[0]
        is_bare |= "n" in args[0]
        args.pop(0)
    text = " ".join(args)
    return (ansi_c(text) if is_escaped else text) + ("" if is_bare else "\n")


def _printf(machine: Machine, call: Invocation) -> str:
    args = list(call.args)
    variable = args[1] if args[:1] == ["-v"] and len(args) > 2 else ""
    args = args[2:] if variable else args
    args = args[1:] if args[:1] == ["--"] else args
    text = _format(args[0], args[1:]) if args else ""
    if not variable:
        return text
    machine.parameters.set(variable, text)
    return ""


def _format(pattern: str, values: list[str]) -> str:
    pieces = re.split(r"(%[-+ #0]*[\d.*]*(?:[a-zA-Z%]|\(\w*\)T))", pattern)
    out, queue = "", list(values)
    while True:
        before = len(queue)
        for piece in pieces:
            out += _formatted(piece, queue)
        if not queue or len(queue) == before:
            return out


def _formatted(piece: str, queue: list[str]) -> str:
    if not piece.startswith("%") or len(piece) < 2:
        return ansi_c(piece)
    if piece == "%%":
        return "%"
    value = queue.pop(0) if queue else ""
    kind = piece[-1]
    if kind == "b":
        return ansi_c(value)
    if kind == "c":
        return value[:1]
    if kind in "xXo" and re.fullmatch(r"\d+", value):
        return format(int(value), kind)
    return value


def _cat(machine: Machine, call: Invocation) -> str:
    given = split(call.args)
    if not given.operands:
        return call.stdin
    return "".join(
        call.stdin if it in ("-", "/dev/stdin") else machine.read(it) for it in given.operands
    )


def _pager(machine: Machine, call: Invocation) -> str:
    for word in call.args:
        if word.startswith("+!"):
            machine.run(word[2:])
    return _cat(machine, call)


def _filter(
    change: Callable[[str, Given], str], *, with_value: frozenset[str] = frozenset()
) -> Program:
    def program(machine: Machine, call: Invocation) -> str:
        given = split(call.args, with_value=with_value)
        text = source(machine, call, given.operands)
        return change(text, given) if without_holes(text) else text

    return program


def _tr(machine: Machine, call: Invocation) -> str:
    given = split(call.args)
    sets = [_character_set(it) for it in given.operands]
    text = call.stdin
    if not sets:
        return text
    if given.has("-d", "--delete"):
        is_inverse = given.has("-c", "-C")
        return "".join(
            it for it in text if (it in sets[0]) == is_inverse or it in (UNKNOWN, OPAQUE)
        )
    if len(sets) > 1 and sets[1]:
        first, second = sets[0], sets[1]
        second += second[-1] * max(0, len(first) - len(second))
        text = text.translate(str.maketrans(first, second[: len(first)]))
    if given.has("-s"):
        text = re.sub(f"([{re.escape(sets[-1])}])\\1+", r"\1", text)
    return text


_CLASSES = {
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:digit:]": "0123456789",
    "[:space:]": " \t\n\r\v\f",
    "[:blank:]": " \t",
}


def _character_set(text: str) -> str:
    for name, characters in _CLASSES.items():
        text = text.replace(name, characters)
    text = ansi_c(text)
    return re.sub(
        r"(.)-(.)",
        lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))),
        text[1:-1] if re.fullmatch(r"\[.-.\]", text) else text,
        flags=re.S,
    )


def _lines(change: Callable[[list[str], Given], list[str]]) -> Callable[[str, Given], str]:
    def changed(text: str, given: Given) -> str:
        lines = change(text.splitlines(), given)
        return "".join(f"{line}\n" for line in lines)

    return changed


def _count(given: Given, fallback: int) -> int:
    values = given.values("-n", "--lines") + [it[1:] for it, _ in given.options if it[1:].isdigit()]
    digits = "".join(it[1:] for it, _ in given.options if re.fullmatch(r"-\d", it))
    value = values[0] if values else digits
    return int(value) if re.fullmatch(r"\d+", value) else fallback


def _head(text: str, given: Given) -> str:
    if size := given.values("-c", "--bytes"):
        return text[: int(size[0])] if re.fullmatch(r"-?\d+", size[0]) else text
    return "".join(text.splitlines(keepends=True)[: _count(given, 10)])


def _tail(text: str, given: Given) -> str:
    lines = text.splitlines(keepends=True)
    value = (given.values("-n", "--lines") or given.values("-c", "--bytes") or [""])[0]
    if re.fullmatch(r"\+\d+", value):
        start = int(value[1:]) - 1
        return text[start:] if given.values("-c") else "".join(lines[start:])
    if given.values("-c") and value.isdigit():
        return text[-int(value) :]
    return "".join(lines[-_count(given, 10) :])


def _cut(line: str, given: Given) -> str:
    delimiter = (given.values("-d", "--delimiter") or ["\t"])[0] or "\t"
    spec = (given.values("-f", "--fields", "-c", "--characters", "-b") or ["1-"])[0]
    is_fields = bool(given.values("-f", "--fields"))
    items = line.split(delimiter) if is_fields else list(line)
    chosen = [items[i] for i in _indices(spec, len(items))]
    return (delimiter if is_fields else "").join(chosen)


def _indices(spec: str, length: int) -> list[int]:
    found: list[int] = []
    for part in spec.split(","):
        first, dash, last = part.partition("-")
        start = int(first) if first.isdigit() else 1
        end = (int(last) if last.isdigit() else length) if dash else start
        found += range(start - 1, min(end, length))
    return sorted(set(found))


def _awk(machine: Machine, call: Invocation) -> str:
    from journeyman.guard.code.scripts import judge_script

    given = split(call.args, with_value={"-F", "-v", "-f", "-e"}, stops_early=False)
    programs = [machine.read(it) for it in given.values("-f")] + given.values("-e")
    operands = list(given.operands)
    program = "\n".join(programs) if programs else (operands.pop(0) if operands else "")
    text = source(machine, call, operands)
    settings = "; ".join(given.values("-v"))
    output = judge_script(machine, "awk", f"{settings};\n{program}", stdin=text)
    if not is_known(text) and re.match(r"\s*!\s*/", program) and is_weakening(program):
        return WEAKENED
    if match := re.fullmatch(r"\s*\{\s*print\s+([^{}|>]+?)\s*;?\s*\}\s*", program):
        separator = given.values("-F")
        rows = [it.split(separator[0] if separator else None) for it in text.splitlines()]
        return "".join(f"{_awk_row(row, match[1])}\n" for row in rows)
    if output not in ("", UNKNOWN):
        return output
    return OPAQUE if is_known(text) and text.strip() else UNKNOWN


def _awk_row(row: list[str], expression: str) -> str:
    """Return what `print` of fields and texts prints for one line."""
    out = ""
    for field, literal, comma in re.findall(r"\$(\d+|NF)|\"([^\"]*)\"|(,)", expression):
        index = -1 if field == "NF" else int(field or 0) - 1
        if comma:
            out += " "
        elif field == "0":
            out += " ".join(row)
        elif field:
            out += row[index] if row and index < len(row) else ""
        else:
            out += literal
    return out


def _grep(machine: Machine, call: Invocation) -> str:
    from journeyman.guard.programs.search import judge_grep

    return judge_grep(machine, call)


def _sed(machine: Machine, call: Invocation) -> str:
    return run_sed(machine, call)


def _tee(machine: Machine, call: Invocation) -> str:
    given = split(call.args)
    for path in given.operands:
        machine.write(path, call.stdin, is_appended=given.has("-a", "--append"))
    return call.stdin


def _basename(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-s", "--suffix"})
    path, *suffix = [*given.operands, *given.values("-s", "--suffix")] or [UNKNOWN]
    name = posixpath.basename(path.rstrip("/"))
    return name.removesuffix("".join(suffix[:1])) + "\n"


def _dirname(machine: Machine, call: Invocation) -> str:
    return "".join(f"{posixpath.dirname(it) or '.'}\n" for it in call.args)


def _seq(machine: Machine, call: Invocation) -> str:
    numbers = [int(it) for it in call.args if re.fullmatch(r"-?\d+", it)]
    if len(numbers) not in (1, 2, 3):
        return UNKNOWN
    first, step, last = {1: (1, 1, numbers[-1]), 2: (numbers[0], 1, numbers[-1])}.get(
        len(numbers), tuple((*numbers, 1, 1)[:3])
    )
    return "".join(f"{it}\n" for it in range(first, last + 1, step or 1)[:64])


def _rot13(text: str, given: Given) -> str:
    return codecs.encode(text, "rot13")


def _read_variables(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-d", "-p", "-t", "-n", "-u", "-i", "-a", "-N"})
    line, _, rest = call.stdin.partition("\n")
    machine.stdin = rest
    if arrays := given.values("-a"):
        machine.parameters.values[arrays[0]] = line.split()
        return ""
    names = given.operands or ["REPLY"]
    separators = machine.parameters.first("IFS")
    parts = (
        re.split(f"[{re.escape(separators)}]+", line.strip(), maxsplit=len(names) - 1)
        if separators
        else [line]
    )
    for variable, value in zip(names, [*parts, *[""] * len(names)], strict=False):
        machine.parameters.set(variable, value)
    return ""


def _mapfile(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value={"-d", "-n", "-O", "-s", "-u"})
    name = given.operands[0] if given.operands else "MAPFILE"
    machine.parameters.values[name] = call.stdin.splitlines()
    return ""


def _joined(text: str, given: Given) -> str:
    separator = (given.values("-d", "--delimiters") or ["\t"])[0]
    return ansi_c(separator).join(text.splitlines()) + "\n"


_HEAD_OPTIONS = frozenset({"-n", "-c", "--lines", "--bytes"})
_CUT_OPTIONS = frozenset({"-d", "-f", "-c", "-b", "--delimiter", "--fields", "--characters"})

TEXT_PROGRAMS: dict[str, Program] = {
    **DECODERS,
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "uudecode": lambda machine, call: OPAQUE,
    "rot13": _filter(_rot13),
    "tr": _tr,
    "rev": _filter(lambda text, given: "\n".join(it[::-1] for it in text.split("\n"))),
    "tac": _filter(_lines(lambda lines, given: lines[::-1])),
    "sort": _filter(
        _lines(lambda lines, given: sorted(lines, reverse=given.has("-r"))),
        with_value=frozenset({"-k", "-t", "-o", "-S"}),
    ),
    "uniq": _filter(_lines(lambda lines, given: list(dict.fromkeys(lines)))),
    "head": _filter(_head, with_value=_HEAD_OPTIONS),
    "tail": _filter(_tail, with_value=_HEAD_OPTIONS),
    "cut": _filter(
        _lines(lambda lines, given: [_cut(it, given) for it in lines]), with_value=_CUT_OPTIONS
    ),
    "paste": _filter(_joined, with_value=frozenset({"-d", "--delimiters"})),
    "fold": _filter(lambda text, given: text, with_value=frozenset({"-w"})),
    "column": _filter(lambda text, given: text, with_value=frozenset({"-s", "-c"})),
    "iconv": _filter(lambda text, given: text, with_value=frozenset({"-f", "-t"})),
    "dos2unix": _filter(lambda text, given: text),
    "expand": _filter(lambda text, given: text),
    "less": _pager,
    "more": _pager,
    "bat": _filter(lambda text, given: text),
    "strings": _filter(lambda text, given: text, with_value=frozenset({"-n"})),
    "nl": _filter(lambda text, given: UNKNOWN + text),
    "awk": _awk,
    "gawk": _awk,
    "mawk": _awk,
    "nawk": _awk,
    "grep": _grep,
    "egrep": _grep,
    "fgrep": _grep,
    "zgrep": _grep,
    "rg": _grep,
    "ag": _grep,
    "ack": _grep,
    "sed": _sed,
    "gsed": _sed,
    "tee": _tee,
    "sponge": _tee,
    "seq": _seq,
    "basename": _basename,
    "dirname": _dirname,
    "read": _read_variables,
    "mapfile": _mapfile,
    "readarray": _mapfile,
}
