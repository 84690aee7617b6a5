"""Values for arguments: drawn from a JSON Schema, and likely for the argument's name.

>>> draw("count", {"type": "integer"}, random.Random(0)).kind
'integer'
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from journeyman.templates.core.coercion import schema_types

__all__ = ["KINDS", "Drawn", "draw"]

KINDS = (
    "word",
    "sentence",
    "path",
    "command",
    "pattern",
    "code",
    "symbols",
    "quotes",
    "number_as_text",
    "choice",
    "integer",
    "number",
    "boolean",
    "list",
    "object",
)
"""What an argument's value can be, for accuracy by kind."""

Chance = random.Random


class Drawn(NamedTuple):
    """A value and its kind, one of `KINDS`."""

    value: Any
    kind: str


_NOUNS = ("parser", "cache", "order", "session", "token", "report", "user", "queue", "index", "job")
_FOLDERS = (
    "src",
    "lib",
    "tests",
    "app",
    "docs",
    "src/core",
    "pkg/server",
    "web/components",
    "tools",
)
_ENDINGS = (".py", ".ts", ".go", ".rs", ".java", ".md", ".json", ".css", ".html", ".toml", ".sh")
_VERBS = ("fix", "load", "merge", "rename", "count", "check", "split", "render", "sort", "close")
_SENTENCES = (
    "The {noun} must not {verb} twice when the {other} is empty.",
    "Why does the {noun} {verb} the {other} so late?",
    "Please {verb} every {noun} before the {other} starts, then report what changed.",
    "It's done: the {noun} can {verb} the {other} again (see the tests).",
)
_COMMANDS = (
    "python -m pytest tests/test_{noun}.py -x -q",
    "grep -rn \"{noun}_{verb}\" src --include='*.py' | head -{number}",
    "git diff HEAD~{number} -- lib/{noun}.js",
    "cd app && npm test -- --grep {noun}",
    "find . -name '*{noun}*' -not -path './node_modules/*'",
    "sed -i 's/{noun}/{other}/g' src/{verb}.c",
    "cargo build --release && ./target/release/{noun} --{verb}={number}",
    'for f in *.{noun}; do echo "$f"; wc -l < "$f"; done',
)
_PATTERNS = (
    r"def {verb}_\w+\(",
    r"class\s+{noun}[A-Z]\w*",
    r"\b{noun}\.{verb}\b",
    r"^import .*{noun}",
    "**/*{noun}*.ts",
    r"TODO\(?{verb}",
)
_CODE = (
    'def {verb}_{noun}({other}, limit={number}):\n    """{verb} it."""\n'
    "    return [item for item in {other} if item < limit]\n",
    'function {verb}({noun}) {{\n  const {other} = {noun}["{verb}"] ?? {number};\n'
    "  return `${{{other}}} of {number}`;\n}}",
    '<div class="{noun}">\n  <a href="/{other}?id={number}&amp;x=1">{verb}</a>\n</div>',
    '{{\n  "{noun}": {{"{verb}": {number}, "{other}": [true, null]}}\n}}',
    "[{noun}]\n{verb} = {number}\nname = '{other}'\n",
    'if {noun} is None:\n    raise ValueError("no {noun}: {other!r}")\n',
    "SELECT {noun}.id\nFROM {noun}\nWHERE {other} > {number} AND name <> '{verb}';",
    '#include <stdio.h>\nint main(void) {{\n\tprintf("{noun}\\n");\n\treturn {number};\n}}\n',
)
_SYMBOLS = (
    'say "{noun}" & <{verb}> it\'s {number}%',
    "C:\\{noun}\\{verb}\\new",
    "größer als {noun} → {number} €",
    "{{{noun}}}: [{verb}], (x|y)",
    "a=1;b='{noun}';c=\"{other}\"",
)
_QUOTES = (
    "It's the {noun}'s {other}; don't {verb} it.",
    "That isn't {noun}, it's {other}",
    "the {noun}'s {other}",
    "can't {verb} {noun}",
    "'{noun}'",
    '"{noun}"',
    "echo 'it'\\''s {noun}' && {verb} \"$x\"",
    "grep -c \"'{noun}'\" src/{other}.py",
    "print('{noun}', f\"{{{other}}}'s\")",
    'He said "{verb} it" and didn\'t ({number}).',
    "names = ['{noun}', '{other}']\nprint(names[0] + \"'s\")\n",
    "UPDATE {noun} SET note = 'it''s {verb}' WHERE id = {number};",
    "r'\\b{noun}\\'s?'",
    "{{'{noun}': '{other}', \"{verb}\": \"isn't\"}}",
)
_NAMED_KINDS: tuple[tuple[str, str], ...] = (
    (r"path|file(?!_?text|_?pattern)|dir|folder|workdir", "path"),
    (r"command|keystrokes|cmd", "command"),
    (r"pattern|regex|glob|include|query|ignore", "pattern"),
    (r"content|text|old|new|diff|input|code|body|source", "code"),
    (
        r"question|prompt|message|thought|fact|result|explanation|description|summary|note",
        "sentence",
    ),
)


def draw(
    name: str, schema: Mapping[str, Any], chance: Chance, *, quoted_share: float = 0.0
) -> Drawn:
    """Draw a value that fits `schema`; the argument's name makes some texts likelier.

    Of the texts, `quoted_share` hold apostrophes and quotes whatever the name, as many forms of a
    call have to escape them. At 0 nothing more is drawn from `chance`: the values stay what they were.
    """
    if isinstance(schema.get("enum"), list):
        return Drawn(chance.choice(schema["enum"]), "choice")
    kinds = sorted(schema_types(schema) - {"null"}) or ["string"]
    if kinds[0] == "string" and quoted_share and chance.random() < quoted_share:
        return Drawn(_TEXTS["quotes"](chance), "quotes")
    return _DRAWERS[kinds[0]](name, schema, chance)


def _draw_text(name: str, schema: Mapping[str, Any], chance: Chance) -> Drawn:
    lowered = name.lower()
    kind = next((kind for key, kind in _NAMED_KINDS if re.search(key, lowered)), "")
    if not kind:
        kind = "number_as_text" if lowered == "id" else chance.choice(("word", "word", "sentence"))
    if (kind == "code" and chance.random() < 0.3) or (kind == "word" and chance.random() < 0.15):
        kind = chance.choice(("symbols", "number_as_text"))
    return Drawn(_TEXTS[kind](chance), kind)


def _fill(shapes: tuple[str, ...]) -> Callable[[Chance], str]:
    def fill(chance: Chance) -> str:
        noun, other = chance.sample(_NOUNS, 2)
        return chance.choice(shapes).format(
            noun=noun, other=other, verb=chance.choice(_VERBS), number=chance.randrange(2, 90)
        )

    return fill


def _path(chance: Chance) -> str:
    root = chance.choice(("", "", "/testbed/", "./", "/home/user/my project/"))
    return f"{root}{chance.choice(_FOLDERS)}/{chance.choice(_NOUNS)}{chance.choice(_ENDINGS)}"


def _number_as_text(chance: Chance) -> str:
    return chance.choice(
        (
            str(chance.randrange(1000)),
            f"{chance.randrange(9)}.{chance.randrange(10)}0",
            "true",
            "null",
        )
    )


_TEXTS: dict[str, Callable[[Chance], str]] = {
    "word": _fill(("{noun}", "{noun}-{verb}", "{verb}_{other}", "{noun}{number}")),
    "sentence": _fill(_SENTENCES),
    "path": _path,
    "command": _fill(_COMMANDS),
    "pattern": _fill(_PATTERNS),
    "code": _fill(_CODE),
    "symbols": _fill(_SYMBOLS),
    "quotes": _fill(_QUOTES),
    "number_as_text": _number_as_text,
}


def _draw_integer(name: str, schema: Mapping[str, Any], chance: Chance) -> Drawn:
    return Drawn(chance.choice((chance.randrange(10), chance.randrange(10, 5000))), "integer")


def _draw_number(name: str, schema: Mapping[str, Any], chance: Chance) -> Drawn:
    value = chance.choice((chance.randrange(1, 600), chance.randrange(1, 400) / 8))
    return Drawn(value, "number")


def _draw_boolean(name: str, schema: Mapping[str, Any], chance: Chance) -> Drawn:
    return Drawn(chance.random() < 0.5, "boolean")


def _draw_list(name: str, schema: Mapping[str, Any], chance: Chance) -> Drawn:
    item = schema.get("items", {"type": "string"})
    return Drawn([draw(name, item, chance).value for _ in range(chance.randrange(1, 4))], "list")


def _draw_object(name: str, schema: Mapping[str, Any], chance: Chance) -> Drawn:
    properties = schema.get("properties") or {"key": {"type": "string"}}
    return Drawn(
        {key: draw(key, inner, chance).value for key, inner in properties.items()}, "object"
    )


_DRAWERS: dict[str, Callable[[str, Mapping[str, Any], Chance], Drawn]] = {
    "string": _draw_text,
    "integer": _draw_integer,
    "number": _draw_number,
    "boolean": _draw_boolean,
    "array": _draw_list,
    "object": _draw_object,
}
