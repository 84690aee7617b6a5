"""Every text on which a public parser and ours disagree, and why.

A row of the table is `peer | how it reads | texts | how its reading differs | templates`, under the
name of its reason; lines that are indented further belong to the row before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import agreement


class Disagreement(NamedTuple):
    """One text that one peer reads otherwise."""

    peer: str
    template: str
    case: str
    mode: str
    kind: str
    """How the peer's reading differs, as `agreement.difference` names it."""
    reason: str
    """A key of `REASONS`."""


REASONS = {
    "undeclared": (
        "The peer drops a call of a tool that was not declared, and some of its text may show as "
        "content. Ours keeps it and `validate` reports `unknown_tool`: a model's mistake is to be "
        "answered and penalised, not hidden."
    ),
    "cut off": (
        "The text ends inside a call. The peer reads no call, hands the text on as content, or "
        "has streamed the beginning of arguments that never become JSON. Ours keeps what was "
        "written, closes what is open and reports it (`unclosed_call`, `bad_json`)."
    ),
    "cut delimiter": (
        "The text ends inside the last delimiter. The peer streams the rest of it, or of the "
        "call, as content; ours reports it as stray text in the call."
    ),
    "behind the call": (
        "The peer drops text behind a call. Ours keeps it as content and reports "
        "`text_after_call`, since it is what a turn-level check must see."
    ),
    "within the calls": (
        "Text stands between calls of one section. When it streams, the peer makes content of it; "
        "read whole, it drops it. Ours reports it (`text_in_call`) and makes no content of it, "
        "either way."
    ),
    "broken list": (
        "The list of calls breaks off at text that is no call. The peer drops the whole list, or "
        "picks the calls out of it. Ours keeps the calls before that text and reports the rest."
    ),
    "line by line": (
        "The peer reads calls line by line and drops a line with anything else on it. Ours reads "
        "the call, and reports the text before it."
    ),
    "whole output": (
        "The peer reads a list of calls only where it is the whole output, and makes content of "
        "it otherwise. Ours reads the list and reports the text behind it."
    ),
    "call behind text": (
        "The peer reads a call only at the beginning of the output, and makes content of one that "
        "follows text. Ours reads both."
    ),
    "back to back": (
        "The peer raises on two calls without a semicolon between them. Ours reads both."
    ),
    "delimiter in a string": (
        "The peer looks for its delimiters inside of strings, too, and ends the value or the call "
        "at the first one (DeepSeek's own reader raises). Ours reads JSON as JSON; in tags, which "
        "have no escapes, it ends a value only where the text behind goes on as a call does."
    ),
    "no JSON": (
        "The arguments are no JSON (`True`, single quotes). The peer reads no call, or hands the "
        "arguments on as they stand. Ours reads what was meant and reports `bad_json`."
    ),
    "frame only": (
        "The library reads the frame of a message and hands on its text. Where that is no JSON, "
        "ours recovers the arguments and reports the fault."
    ),
    "header": (
        "The library raises on stray words in a message's header. Ours reads the message and "
        "reports `bad_syntax`."
    ),
    "strict": (
        "DeepSeek's own reader raises on whatever its own writer would not write. Ours recovers "
        "what it can and reports the fault; what is well-formed, both read the same."
    ),
    "mistyped": (
        "A value is not written as its declared type is. The peer turns it into one that is "
        "(whatever is not true is false), or makes a string of it, which hides the mistake. Ours "
        "reads what Python would (`True`, a dictionary), keeps the rest as text, and reports it "
        "where the template writes otherwise (`bad_json`, `wrong_type`)."
    ),
    "as it stands": (
        "The peer streams the text of a value that is not declared a string as it stands, also "
        "where that is no JSON. Ours makes a string of it and reports `wrong_type`, or reads "
        "`True` as true."
    ),
    "text only": (
        "The peer streams every value as a string, whatever its schema; read whole, it types "
        "them. Ours types them either way."
    ),
    "null": (
        "The peer takes the word null for no value, though the parameter is declared a string. "
        "Ours goes by the schema."
    ),
    "None": (
        "The genuine template writes None for null. The peer reads the word; ours reads null "
        "where the schema admits it."
    ),
    "whole numbers": (
        "The peer reads 2.0 for an integer as a number with a fraction, or as a string. Ours "
        "reads 2: to JSON Schema, a number without a fraction is an integer."
    ),
    "given twice": (
        "When it streams, the peer gives the first of two values of one argument; read whole, the "
        "last. Ours gives the last and reports `duplicate_argument`."
    ),
    "dotted names": (
        "The peer's pattern knows no names with a dot, so it reads no call. Ours does."
    ),
    "stripped": (
        "The peer takes white space from the ends of a value (the final line break, at least). "
        "Ours keeps it: a file's last line ends in one."
    ),
    "negative numbers": (
        "The peer reads plain literals only; in Python's syntax a negative number is an "
        "operation, so it drops the call. Ours reads it."
    ),
    "nested": (
        "When it streams, the peer's pattern for arguments does not reach over nested brackets "
        "(or brackets in a string), however the text is cut: some of them, or all arguments, are "
        "missing. Read whole, it agrees."
    ),
    "several in a piece": (
        "When it streams, the peer loses quotes and braces where one piece holds several, as "
        "pieces of four characters do; one character at a time it agrees, and read whole."
    ),
    "unfinished": (
        "When it streams, the peer sends one part of a call per piece, and what it still owes "
        "when the text ends is never sent. Read whole, it agrees."
    ),
    "one brace more": (
        "When it streams, the peer adds what follows the arguments in the same piece (the braces "
        "that close the call). Read whole, it agrees."
    ),
    "no arguments": (
        "When it streams, the peer sends no arguments for a call that has none, and an empty text "
        "is no JSON. Ours sends `{}`."
    ),
    "markup": (
        "When it streams, the peer takes angle brackets in a string for a delimiter, and streams "
        "them as content. Read whole, it agrees."
    ),
    "brackets": (
        "When it streams, the peer takes delimiters, or just a closing bracket, out of text in "
        "which it reads no call. Ours leaves text as it is."
    ),
    "begun": (
        "Text begins as a call does, and is none. Streaming, the peer holds it back and never "
        "gives it out. Ours gives it out; in `llama4_json`, where an object with a name begins a "
        "call, ours reads a broken one and reports it."
    ),
    "unopened": (
        "The opening delimiter is damaged. Ours finds the call by its next tag, leaves the "
        "damaged delimiter in the content and reports `unopened_call`. The peer reads no call, or "
        "drops the damaged delimiter."
    ),
    "quoted attributes": (
        "Attributes stand in single quotes, as XML allows. The peer reads no call. Ours reads them."
    ),
}

_TABLE = """
undeclared
    SGLang | both | unknown tool | fewer calls | llama4_pythonic toolace
    SGLang | stream | unknown tool | fewer calls, other content | hermes llama4_json minimax_m2
        mistral3 qwen25_coder
    SGLang | whole | unknown tool | fewer calls | deepseekr1 deepseekv3 deepseekv31 deepseekv32
        glm46 hermes llama4_json minimax_m2 mistral3 qwen25_coder
cut off
    SGLang | both | ends in a number, ends in a string | fewer calls | deepseekr1 deepseekv3
        deepseekv32 mistral3
    SGLang | both | ends in the second call | fewer calls | deepseekr1 deepseekv3 deepseekv32
    SGLang | both | last character missing | fewer calls | mistral3
    SGLang | stream | ends in a number, ends in a string, ends in the second call | arguments are
        no JSON | deepseekv31 glm46 hermes kimik2 llama4_json minimax_m2 qwen25_coder qwen3_coder
        qwen3_xml_mixed
    SGLang | stream | ends in a number, ends in a string, last character missing | fewer calls |
        llama4_pythonic toolace
    SGLang | stream | ends in the second call | fewer calls | llama4_pythonic mistral3 toolace
    SGLang | stream | last character missing | arguments are no JSON | glm46 llama4_json
    SGLang | whole | ends in a number, ends in a string | fewer calls | deepseekv31 glm46 kimik2
        qwen25_coder
    SGLang | whole | ends in a number, ends in a string, last character missing | fewer calls,
        other content | hermes llama4_json llama4_pythonic minimax_m2 toolace
    SGLang | whole | ends in the second call | fewer calls | deepseekv31 glm46 kimik2 qwen25_coder
        qwen3_coder qwen3_xml_mixed
    SGLang | whole | ends in the second call | fewer calls, other content | hermes llama4_pythonic
        minimax_m2 mistral3 toolace
    SGLang | whole | last character missing | fewer calls | deepseekv32 glm46 qwen25_coder
    vLLM | stream | ends in a number, ends in a string, ends in the second call | arguments are no
        JSON | hermes minimax_m1 seed_oss xlam_qwen
    vLLM | whole | ends in a number, ends in a string, ends in the second call | fewer calls |
        minimax_m1
    vLLM | whole | ends in a number, ends in a string, ends in the second call, last character
        missing | fewer calls, other content | hermes xlam_qwen
cut delimiter
    SGLang | stream | last character missing | other content | deepseekr1 deepseekv3 deepseekv31
        kimik2
    vLLM | stream | last character missing | other content | minimax_m1
behind the call
    SGLang | both | text behind the call | no content | deepseekv32 qwen25_coder
    SGLang | both | text between calls | no content | qwen25_coder
    SGLang | both | text right behind the call | no content | deepseekv32
    SGLang | stream | text behind the call, text right behind the call | no content | minimax_m2
    SGLang | whole | text behind the call | no content | deepseekr1 deepseekv3 deepseekv31 glm46
        hermes kimik2 qwen3_coder qwen3_xml_mixed
    SGLang | whole | text between calls | no content | glm46 hermes llama4_json mistral3
        qwen3_coder qwen3_xml_mixed
    SGLang | whole | text right behind the call | no content | deepseekr1 deepseekv3 deepseekv31
        glm46 hermes kimik2 qwen25_coder qwen3_coder qwen3_xml_mixed
    SGLang | whole | text right behind the call | other content | llama4_json
    vLLM | stream | text behind the call, text right behind the call | no content | xlam_qwen
    vLLM | whole | text behind the call, text right behind the call | no content | hermes
        minimax_m1 seed_oss
    vLLM | whole | text between calls | no content | hermes seed_oss
within the calls
    SGLang | stream | text between calls | other content | deepseekr1 deepseekv3 deepseekv31
        deepseekv32 kimik2
broken list
    SGLang | both | text between calls | fewer calls, no content | llama4_pythonic toolace
    vLLM | stream | text between calls | more calls, no content | xlam_qwen
    vLLM | whole | text between calls | fewer calls, other content | xlam_qwen
line by line
    vLLM | whole | text between calls | fewer calls | minimax_m1
whole output
    vLLM | whole | text behind the call, text right behind the call | fewer calls, other content |
        xlam_qwen
call behind text
    SGLang | both | text and a call, three calls of two tools | fewer calls, other content |
        llama4_json
    SGLang | whole | unicode | fewer calls, other content | llama4_json
    vLLM | both | text and a call, three calls of two tools, unicode | fewer calls, other content
        | xlam_qwen
back to back
    SGLang | whole | booleans, ends in the second call, two calls | raises | llama4_json
delimiter in a string
    DeepSeek | whole | delimiters in a string | raises | deepseekv32
    SGLang | stream | a call in a string | arguments are no JSON, other content | kimik2
    SGLang | stream | a call in a string, delimiters in a string | arguments are no JSON |
        deepseekv31
    SGLang | stream | delimiters in a string | arguments are no JSON, other content | kimik2
        qwen3_coder qwen3_xml_mixed
    SGLang | stream | delimiters in a string | other arguments | minimax_m2
    SGLang | stream | delimiters in a string | other arguments, other content | deepseekv32 glm46
    SGLang | whole | a call in a string | arguments are no JSON | kimik2
    SGLang | whole | a call in a string, delimiters in a string | fewer calls, other content |
        deepseekr1 deepseekv3 deepseekv31 hermes
    SGLang | whole | delimiters in a string | other arguments | deepseekv32 glm46 qwen3_coder
        qwen3_xml_mixed
    SGLang | whole | delimiters in a string | other arguments, other content | minimax_m2
    vLLM | stream | a call in a string, delimiters in a string | arguments are no JSON | hermes
    vLLM | stream | a call in a string, delimiters in a string | arguments are no JSON, other
        content | minimax_m1
    vLLM | stream | delimiters in a string | more calls | seed_oss
    vLLM | whole | a call in a string, delimiters in a string | fewer calls | minimax_m1
    vLLM | whole | a call in a string, delimiters in a string | fewer calls, other content |
        hermes
    vLLM | whole | delimiters in a string | other arguments | seed_oss
no JSON
    SGLang | both | Python's True | fewer calls | mistral3
    SGLang | both | Python's True, single quotes | arguments are no JSON | kimik2
    SGLang | both | single quotes | fewer calls | mistral3 qwen25_coder
    SGLang | stream | Python's True | arguments are no JSON | deepseekr1 deepseekv3 deepseekv31
        hermes llama4_json qwen25_coder
    SGLang | stream | single quotes | arguments are no JSON | deepseekr1 deepseekv3 deepseekv31
    SGLang | stream | single quotes | fewer calls | hermes
    SGLang | whole | Python's True | fewer calls | qwen25_coder
    SGLang | whole | Python's True, single quotes | fewer calls, other content | deepseekr1
        deepseekv3 deepseekv31 hermes
    vLLM | both | single quotes | fewer calls | minimax_m1
    vLLM | stream | Python's True | arguments are no JSON | hermes minimax_m1 xlam_qwen
    vLLM | stream | single quotes | fewer calls | hermes xlam_qwen
    vLLM | whole | Python's True | fewer calls | minimax_m1
    vLLM | whole | Python's True, single quotes | fewer calls, other content | hermes xlam_qwen
frame only
    openai-harmony | both | Python's True, ends in a number, ends in a string, ends in the second
        call, last character missing, single quotes, text behind the call, text right behind the call
        | arguments are no JSON | harmony_json
header
    openai-harmony | both | text between calls | raises | harmony_json harmony_xml
strict
    DeepSeek | whole | an argument twice, ends in a number, ends in a string, ends in the second
        call, first character missing, last character missing, opening delimiter begun, single quotes,
        text behind the call, text between calls, text right behind the call | raises | deepseekv32
mistyped
    DeepSeek | whole | Python's True | arguments are no JSON | deepseekv32
    SGLang | both | Python's True | other arguments | deepseekv32
    SGLang | both | Python's literal for an object | other arguments | minimax_m2
    SGLang | both | wrong boolean | other arguments | qwen3_coder qwen3_xml_mixed
    vLLM | whole | wrong boolean | other arguments | seed_oss
as it stands
    SGLang | stream | Python's True, Python's literal for an object, wrong boolean, wrong integer
        | arguments are no JSON | glm46
text only
    vLLM | stream | Python's literal for an object, a large number, an argument twice, booleans,
        empty object and array, last character missing, missing argument, nested, null, null inside,
        numbers, one call, text behind the call, text right behind the call | other arguments |
        seed_oss
null
    SGLang | both | a string like null | other arguments | minimax_m2 qwen3_coder qwen3_xml_mixed
    SGLang | whole | a string like null | other arguments | glm46
    vLLM | whole | a string like null | other arguments | seed_oss
None
    SGLang | both | null | other arguments | qwen3_coder qwen3_xml_mixed
whole numbers
    SGLang | both | 2.0 for an integer | other arguments | glm46 minimax_m2 qwen3_coder
        qwen3_xml_mixed
    vLLM | both | 2.0 for an integer | other arguments | seed_oss
given twice
    SGLang | stream | an argument twice | other arguments | minimax_m2
dotted names
    SGLang | both | name with a dot | fewer calls, other content | llama4_pythonic toolace
stripped
    SGLang | both | code, space around a string | other arguments | deepseekv32
    SGLang | whole | code, space around a string | other arguments | minimax_m2
    vLLM | both | code, space around a string | other arguments | seed_oss
negative numbers
    SGLang | both | numbers | fewer calls | llama4_pythonic toolace
nested
    SGLang | stream | nested | arguments are no JSON | minimax_m2
    SGLang | stream | nested | fewer calls, other content | llama4_pythonic toolace
    vLLM | stream | a call in a string, nested | arguments are no JSON | xlam_qwen
    vLLM | stream | nested | arguments are no JSON | minimax_m1
several in a piece
    vLLM | stream | two calls | arguments are no JSON | minimax_m1
unfinished
    SGLang | stream | Python's literal for an object | arguments are no JSON | llama4_json
    vLLM | stream | 2.0 for an integer, a string like JSON, a string like a number, code, empty
        object and array, extra argument, markup in a string, name with a dot, one of a list, space
        around a string, two calls | arguments are no JSON | xlam_qwen
one brace more
    vLLM | stream | empty string, missing argument | arguments are no JSON | hermes
no arguments
    SGLang | stream | no arguments, three calls of two tools | arguments are no JSON | minimax_m2
    vLLM | stream | no arguments, three calls of two tools | arguments are no JSON | hermes
markup
    vLLM | stream | code | other content | minimax_m1
    vLLM | stream | markup in a string | other arguments, other content | minimax_m1
brackets
    SGLang | stream | first character missing | other content | glm46 hermes kimik2 mistral3
        qwen25_coder
    SGLang | stream | markup in text | other content | mistral3
    vLLM | stream | first character missing | other content | minimax_m1
begun
    SGLang | both | opening delimiter begun | other content | llama4_json
    SGLang | stream | opening delimiter begun | other content | deepseekv32 llama4_pythonic
        toolace
unopened
    SGLang | both | first character missing | fewer calls, other content | minimax_m2
    SGLang | whole | first character missing | fewer calls, other content | qwen3_coder
        qwen3_xml_mixed
    SGLang | whole | first character missing | no content | deepseekv32
    vLLM | stream | first character missing | fewer calls, other content | seed_oss
quoted attributes
    SGLang | both | single quotes | fewer calls | minimax_m2
"""


def disagreements() -> Iterator[Disagreement]:
    """Yield the whole table, a text, a peer and a way of reading at a time."""
    reason = ""
    for line in re.sub(r"\n {8}", " ", _TABLE).strip().splitlines():
        if not line.startswith(" "):
            reason = line
            continue
        peer, modes, cases, kind, templates = (part.strip() for part in line.split("|"))
        for mode in agreement.MODES if modes == "both" else (modes,):
            for case in cases.split(", "):
                for template in templates.split():
                    yield Disagreement(peer, template, case, mode, kind, reason)
