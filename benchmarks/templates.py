"""Characters per second of our parsers beside public ones, whole and streamed, in one run.

The turn is one call with a 20,000-character argument of code; streamed, it comes in pieces of 4
characters, tags whole, as tokens would. The peers are SGLang's detectors and vLLM's parsers
(downloaded by the oracle tests' helpers, run in processes of their own, timed inside them). Seconds
are those of the processor, so that other work on the machine counts for little. A ratio is to the
fastest peer that read the call as it was written; one that exceeds the limit gives a lower bound.

    python benchmarks/templates.py [--json] [--repeat 5] [--limit 30] [NAME ...]
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "templates" / "oracles"))

import packages
import peers

from journeyman.templates import ToolTemplate, get_template, list_templates
from journeyman.types import Message, ToolCall, ToolSpec

_LENGTH = 20_000
_STARTUP_S = 5
"""What a peer's process may need, besides the limit, until it can answer."""
_FUNCTION = '''
def sorted_{n}(items: list[int], *, is_reversed: bool = False) -> list[int]:
    """Return the items in order."""
    if len(items) < 2 and not is_reversed:
        return [item for item in items if item > {n}]
    return sorted(items, key=lambda item: -item)  # nothing else
'''
_TOOL = ToolSpec(
    name="write_file",
    description="Write a file.",
    parameters={
        "type": "object",
        "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
        "required": ["path", "text"],
    },
)


VLLM = {"hermes": "hermes", "minimax_m1": "minimax", "seed_oss": "seed_oss", "xlam_qwen": "xlam"}
"""Our template to the worker's name for vLLM's parser of the same call format."""
PEERS: dict[str, tuple[type[peers.Peer], dict[str, str]]] = {
    "sglang": (peers.Sglang, peers.DETECTORS),
    "vllm": (peers.Vllm, VLLM),
}
WAYS = {"parse": False, "stream": True}
"""What is measured, and whether the text is streamed there."""


def make_turn(template: ToolTemplate) -> str:
    """Write the turn that is measured."""
    code = "".join(_FUNCTION.format(n=n) for n in range(100)).lstrip()[:_LENGTH].rstrip()
    call = ToolCall(name="write_file", arguments={"path": "a.py", "text": code}, id="abcdef123")
    text = template.render_turn(Message(role="assistant", tool_calls=(call,)))
    if template.name == "harmony_json":
        # The recipient may stand in either header; SGLang reads it in the second only.
        _, _, body = text.partition("<|message|>")
        head = "<|start|>assistant<|channel|>commentary to=functions.write_file <|constrain|>json"
        text = f"{head}<|message|>{body}<|call|>"
    return text


def measure(run: Callable[[], object], repeat: int) -> float:
    """Return the median duration in seconds of processor time."""
    seconds = []
    for _ in range(repeat):
        started = time.thread_time()
        run()
        seconds.append(time.thread_time() - started)
    return statistics.median(seconds)


def stream(template: ToolTemplate, cut: list[str]) -> object:
    """Feed the pieces and keep what a server would send on."""
    parser = template.stream((_TOOL,))
    events = [event for piece in cut for event in parser.feed(piece)]
    return events, parser.close()


def measure_ours(template: ToolTemplate, text: str, repeat: int) -> dict[str, float]:
    """Return characters per second, whole and streamed."""
    cut = peers.pieces(text)
    whole = measure(lambda: template.parse(text, (_TOOL,)), repeat)
    streamed = measure(lambda: stream(template, cut), repeat)
    return {"parse": len(text) / whole, "stream": len(text) / streamed}


def measure_peer(
    peer: peers.Peer, detector: str, text: str, meant: str, options: argparse.Namespace
) -> dict[str, Any]:
    """Return characters per second, whole and streamed, and how the call was read."""
    found: dict[str, Any] = {}
    for way, is_streamed in WAYS.items():
        with peer:
            answer = ask_within(peer, detector, text, is_streamed, options)
        seconds = statistics.median(answer["seconds"]) if "seconds" in answer else options.limit
        found |= {way: len(text) / seconds, f"{way}_reads": judge(answer, meant)}
    return found


def ask_within(
    peer: peers.Peer, detector: str, text: str, is_streamed: bool, options: argparse.Namespace
) -> dict[str, Any]:
    """Return a peer's last answer with all its `seconds`; `{}` where the limit ends it."""
    answer: dict[str, Any] = {}
    seconds: list[float] = []
    end = math.ceil(options.limit) + _STARTUP_S
    resource.prlimit(peer._process.pid, resource.RLIMIT_CPU, (end, end))  # noqa: SLF001
    try:
        while len(seconds) < options.repeat and sum(seconds) < options.limit / 4:
            answer = peer.ask(
                detector, text, (_TOOL,), is_streamed=is_streamed, repeat=options.repeat
            )
            seconds += answer.get("seconds", [math.inf])
    except packages.UnavailableError:
        pass
    return answer | {"seconds": seconds} if seconds else {}


def judge(answer: dict[str, Any], meant: str) -> str:
    """Say how a peer read the call: `right`, `wrong`, `late` or what it raised."""
    if not answer:
        return "late"
    if "error" in answer:
        return str(answer["error"])
    try:
        (name, arguments), *others = answer["calls"]
        is_right = name == "write_file" and json.loads(arguments)["text"] == meant and not others
    except (ValueError, KeyError, TypeError):
        is_right = False
    return "right" if is_right else "wrong"


def measure_template(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return one template's row."""
    template = get_template(name)
    text = make_turn(template)
    meant = template.parse(text, (_TOOL,)).calls[0].arguments["text"]
    row: dict[str, Any] = {"template": name, "characters": len(text), "peers": {}}
    row["journeyman"] = measure_ours(template, text, options.repeat)
    for peer, (kind, detectors) in PEERS.items():
        if name in detectors and peer not in options.without:
            row["peers"][peer] = measure_peer(kind(), detectors[name], text, meant, options)
    for way in WAYS:
        speeds = [each[way] for each in row["peers"].values() if each[f"{way}_reads"] == "right"]
        late = [each[way] for each in row["peers"].values() if each[f"{way}_reads"] == "late"]
        row[f"{way}_ratio"] = (
            row["journeyman"][way] / max(speeds or late) if speeds or late else None
        )
        row[f"{way}_ratio_is_bound"] = bool(late and not speeds)
    return row


def find_missing() -> list[str]:
    """Return the peers that cannot be had, without the network for example."""
    missing = []
    for name, (kind, _) in PEERS.items():
        try:
            kind().folders()
        except packages.UnavailableError as error:
            print(f"without {name}: {error}", file=sys.stderr)
            missing.append(name)
    return missing


def print_head() -> None:
    """Print the table's head; speeds are in thousands of characters per second."""
    print(f"{'kchar/s':16}" + "".join(f"{way:>8} {'peer':>18} {'ratio':>8}" for way in WAYS))


def print_row(row: dict[str, Any]) -> None:
    """Print a template's row."""
    cells = [f"{row['template']:16}"]
    for way in WAYS:
        cells.append(f"{row['journeyman'][way] / 1e3:8.0f} {describe_peer(row, way):>18}")
        ratio, sign = row[f"{way}_ratio"], ">" * row[f"{way}_ratio_is_bound"]
        cells.append(f"{f'{sign}{ratio:.1f}' if ratio else '-':>8}")
    print(" ".join(cells), flush=True)


def describe_peer(row: dict[str, Any], way: str) -> str:
    """Write the peer that counts, or else the best that does not, and its speed."""
    marks = {"right": "", "late": "", "wrong": "*"}
    found = [
        (reads in ("right", "late"), reads == "right", each[way], name, marks.get(reads, "!"))
        for name, each in row["peers"].items()
        if (reads := each[f"{way}_reads"])
    ]
    if not found:
        return "-"
    _, is_right, speed, name, mark = max(found)
    is_late = not is_right and not mark
    return f"{name} {'<' * is_late}{speed / 1e3:.{1 if speed < 1e4 else 0}f}{mark}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--limit", type=float, default=30.0, help="seconds that a peer may take for a text"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.without = find_missing()
    rows = []
    if not options.json:
        print_head()
    for name in options.names or list_templates():
        rows.append(measure_template(name, options))
        if not options.json:
            print_row(rows[-1])
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print("* read otherwise than written, ! raised: no ratio; < and >: stopped at the limit")


if __name__ == "__main__":
    main()
