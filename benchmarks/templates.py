"""Characters per second of our parsers beside public ones, whole and streamed, in one run.

The turn is one call with a 20,000-character argument of code; streamed, it comes in pieces of 4
characters, tags whole, as tokens would. The peers are SGLang's detectors (downloaded by the oracle
tests' helpers, run in a process of their own, timed inside it).

    python benchmarks/templates.py [--json] [--repeat 5] [NAME ...]
"""

from __future__ import annotations

import argparse
import json
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


def make_turn(template: ToolTemplate) -> str:
    """Write the turn that is measured."""
    code = "".join(_FUNCTION.format(n=n) for n in range(100))[:_LENGTH]
    call = ToolCall(name="write_file", arguments={"path": "a.py", "text": code}, id="abcdef123")
    return template.render_turn(Message(role="assistant", tool_calls=(call,)))


def measure(run: Callable[[], object], repeat: int) -> float:
    """Return the median duration in seconds."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
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


def measure_sglang(
    sglang: peers.Sglang, name: str, text: str, meant: str, repeat: int
) -> dict[str, Any]:
    """Return characters per second, whole and streamed, and whether the call was read right."""
    found: dict[str, Any] = {}
    for key, is_streamed in (("parse", False), ("stream", True)):
        answer = sglang.ask(
            peers.DETECTORS[name], text, (_TOOL,), is_streamed=is_streamed, repeat=repeat
        )
        if "error" in answer:
            found |= {key: None, f"{key}_reads": answer["error"]}
            continue
        is_right = [pair[0] for pair in answer["calls"]] == ["write_file"]
        try:
            is_right = is_right and json.loads(answer["calls"][0][1])["text"] == meant
        except (ValueError, KeyError):
            is_right = False
        found |= {
            key: len(text) / statistics.median(answer["seconds"]),
            f"{key}_reads": "right" if is_right else "wrong",
        }
    return found


def measure_template(name: str, sglang: peers.Sglang | None, repeat: int) -> dict[str, Any]:
    """Return one template's row."""
    template = get_template(name)
    text = make_turn(template)
    meant = template.parse(text, (_TOOL,)).calls[0].arguments["text"]
    row: dict[str, Any] = {"template": name, "characters": len(text)}
    row["journeyman"] = measure_ours(template, text, repeat)
    row["peers"] = {}
    if sglang is not None and name in peers.DETECTORS:
        row["peers"]["sglang"] = measure_sglang(sglang, name, text, meant, repeat)
    for key in ("parse", "stream"):
        speeds = [peer[key] for peer in row["peers"].values() if peer[key]]
        row[f"{key}_ratio"] = row["journeyman"][key] / max(speeds) if speeds else None
    return row


def measure_all(names: list[str], repeat: int) -> list[dict[str, Any]]:
    """Return a row per template; without the network, without the peers."""
    try:
        with peers.Sglang() as sglang:
            return [measure_template(name, sglang, repeat) for name in names]
    except packages.UnavailableError as error:
        print(f"without SGLang's detectors: {error}", file=sys.stderr)
        return [measure_template(name, None, repeat) for name in names]


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print the table, in thousands of characters per second."""
    print(
        f"{'kchar/s':16} {'parse':>9} {'peer':>9} {'ratio':>7} {'stream':>9} {'peer':>9} {'ratio':>7}"
    )
    for row in rows:
        cells = [f"{row['template']:16}"]
        for key in ("parse", "stream"):
            speeds = [(peer[key], peer[f"{key}_reads"]) for peer in row["peers"].values()]
            best, reads = max(speeds, key=lambda pair: pair[0] or 0, default=(None, ""))
            cells.append(f"{row['journeyman'][key] / 1e3:9.0f}")
            cells.append(
                f"{best / 1e3:8.0f}{' ' if reads == 'right' else '*'}" if best else f"{'-':>8} "
            )
            ratio = row[f"{key}_ratio"]
            cells.append(f"{ratio:7.1f}" if ratio else f"{'-':>7}")
        print(" ".join(cells))
    print("* the peer did not read the call as it was written")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure_all(options.names or list_templates(), options.repeat)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_rows(rows)


if __name__ == "__main__":
    main()
