"""Asks a public parser and ours what a text says, and names how the answers differ.

White space around content is not compared: templates put it there, and peers keep or drop it.
A peer that streams is compared with ours streaming the same pieces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import corpus
import peers

from journeyman.templates import get_template
from journeyman.types import ParsedTurn

MODES = ("whole", "stream")
PEERS: dict[str, type[peers.Peer]] = {
    "SGLang": peers.Sglang,
    "vLLM": peers.Vllm,
    "openai-harmony": peers.Harmony,
    "DeepSeek": peers.DeepSeek,
}
_SGLANG = {name: key for name, key in peers.DETECTORS.items() if name != "harmony_json"}
PAIRS: tuple[tuple[str, str, str], ...] = (
    *(("SGLang", name, detector) for name, detector in _SGLANG.items()),
    ("vLLM", "hermes", "hermes"),
    ("vLLM", "minimax_m1", "minimax"),
    ("vLLM", "seed_oss", "seed_oss"),
    ("vLLM", "xlam_qwen", "xlam"),
    ("openai-harmony", "harmony_json", ""),
    ("openai-harmony", "harmony_xml", ""),
    ("DeepSeek", "deepseekv32", ""),
)
"""Peer, template and the peer's name for it; SGLang's detector for gpt-oss reads another form."""

_LEADS = ("\n<think></think>\n", "\n</think>\n\n")
"""What a turn without reasoning begins with: peers read reasoning elsewhere, and before."""


class Reading(NamedTuple):
    """What a parser says that a turn says; `error` where it raised instead."""

    content: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """Name and arguments, as JSON with sorted keys or, where it is no JSON, as it stands."""
    error: str = ""


def find(peer_name: str, template_name: str, detector: str) -> Iterator[tuple[str, str, str]]:
    """Yield case, mode and kind of every difference between a peer and ours.

    Raises `packages.UnavailableError` where the peer cannot be had.
    """
    template = get_template(template_name)
    with ExitStack() as stack:
        peer = stack.enter_context(PEERS[peer_name]())
        for case in corpus.cases(template):
            for mode in MODES if peer.reads_streams else MODES[:1]:
                ours = _ours(template_name, case.text, mode)
                theirs = _theirs(peer, template_name, detector, case.text, mode)
                kind = difference(ours, theirs, reads_arguments=template_name != "harmony_xml")
                if kind:
                    yield case.name, mode, kind


def difference(ours: Reading, theirs: Reading, *, reads_arguments: bool = True) -> str:
    """Name how a peer's reading differs, as a reader of tables would; "" where it does not."""
    if theirs.error:
        return "raises"
    found = []
    names, their_names = ([call[0] for call in each.calls] for each in (ours, theirs))
    if len(their_names) != len(names):
        found.append("fewer calls" if len(their_names) < len(names) else "more calls")
    elif their_names != names:
        found.append("other names")
    elif reads_arguments and theirs.calls != ours.calls:
        is_json = all(_is_json(text) for _, text in theirs.calls)
        found.append("other arguments" if is_json else "arguments are no JSON")
    if theirs.content.strip() != ours.content.strip():
        found.append("other content" if theirs.content.strip() else "no content")
    return ", ".join(found)


def _ours(name: str, text: str, mode: str) -> Reading:
    template = get_template(name)
    if mode == "whole":
        return _reading(template.parse(text, corpus.TOOLS))
    parser = template.stream(corpus.TOOLS)
    for piece in peers.pieces(text):
        parser.feed(piece)
    return _reading(parser.close()[1])


def _reading(turn: ParsedTurn) -> Reading:
    return Reading(turn.content, tuple((call.name, _dump(call.arguments)) for call in turn.calls))


def _theirs(peer: peers.Peer, name: str, detector: str, text: str, mode: str) -> Reading:
    for lead in _LEADS:
        text = text.removeprefix(lead)
    # vLLM streams nothing of Seed-OSS before the end of its thinking.
    lead = "</seed:think>" if (name, mode) == ("seed_oss", "stream") else ""
    answer = peer.ask(detector, lead + text, corpus.TOOLS, is_streamed=mode == "stream")
    if "error" in answer:
        return Reading(error=answer["error"])
    calls = tuple((call, _normal(arguments)) for call, arguments in answer["calls"])
    return Reading(answer["content"].removeprefix(lead), calls)


def _normal(text: str) -> str:
    return _dump(json.loads(text)) if _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
