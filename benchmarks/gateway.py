"""What the gateway adds to a stream: time to the first token, and to every token, over a null model.

The same streams run against a bare echo server (Starlette's own streaming on the same uvicorn), one
after the other in one run, each server in a process of its own. Tokens are drawn at a set pace and
carry the time of their drawing, so that what is measured is the way from the model to the client. A
last run without any pace gives the most tokens a second.

    python benchmarks/gateway.py [--streams 1 100 1000] [--tokens 20] [--rate 2000] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from journeyman.gateway import Gateway, calm_collector, listen, serving
from journeyman.models import Piece
from journeyman.templates import get_template
from journeyman.types import Completion, Prompt, Sampling

_SERVERS = ("echo", "gateway")
_FASTEST_S = 0.01
_TOOL = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
    },
}


def pace(prompt: str) -> tuple[int, float]:
    """Read how many tokens are wanted and how many seconds lie between two, out of a prompt."""
    words = prompt.rpartition("tokens=")[2].split()
    return int(words[0]), float(words[1].removeprefix("interval="))


async def draw(prompt: str) -> AsyncIterator[str]:
    """Yield tokens that say when they were drawn."""
    num_tokens, interval_s = pace(prompt)
    for number in range(num_tokens):
        if number:
            await asyncio.sleep(interval_s)
        # White space leads: what ends in it might be held back until more is known.
        yield f" {time.monotonic():.6f}"


class NullModel:
    """Draws the time."""

    name, reads_text, streams_tokens = "null", True, True

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Piece | Completion]:
        pieces = []
        async for text in draw(prompt.messages[-1].content):
            pieces.append(text)
            yield Piece(text, (1,), (-0.5,))
        ids = (1,) * len(pieces)
        yield Completion(
            text="".join(pieces), token_ids=ids, num_completion_tokens=len(ids), model_version="0"
        )

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        raise NotImplementedError

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        return tuple(range(len(text) // 4))

    async def close(self) -> None:
        pass


def echo_app() -> Starlette:
    """The least that a server of this framework can do: read a body, stream events."""

    async def chat(request: Request) -> Response:
        body = json.loads(await request.body())

        async def events() -> AsyncIterator[bytes]:
            async for text in draw(body["messages"][-1]["content"]):
                chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
                yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
            yield b"data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


async def serve(kind: str) -> None:
    """Be one of the servers until standard input ends."""
    socket = listen()
    print(socket.getsockname()[1], flush=True)
    calm_collector()
    until_told = asyncio.to_thread(sys.stdin.read)
    if kind == "gateway":
        async with serving(Gateway(NullModel(), get_template("qwen3_coder")), [socket], drain_s=0):
            await until_told
        return
    server = uvicorn.Server(
        uvicorn.Config(
            echo_app(), http="httptools", lifespan="off", log_config=None, access_log=False
        )
    )
    task = asyncio.create_task(server.serve([socket]))
    await until_told
    server.should_exit = server.force_exit = True
    await task


async def one_stream(port: int, number: int, num_tokens: int, interval_s: float) -> dict[str, Any]:
    """Ask for one stream; return its times in seconds."""
    text = f"Stream {number}: tokens={num_tokens} interval={interval_s}"
    messages = [{"role": "system", "content": "Be quick."}, {"role": "user", "content": text}]
    body = json.dumps({"model": "m", "stream": True, "messages": messages, "tools": [_TOOL]})
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/json\r\nConnection: close\r\n\r\n"
    )
    started = time.monotonic()
    writer.write((head + body).encode())
    arrivals: list[tuple[float, float]] = []
    async for line in reader:
        now = time.monotonic()
        _, mark, rest = line.partition(b'"content": " ')
        if mark:
            arrivals.append((now, float(rest.partition(b'"')[0])))
    writer.close()
    assert len(arrivals) == num_tokens, (len(arrivals), num_tokens)
    return {
        "first_s": arrivals[0][0] - started,
        "ways_s": [now - drawn for now, drawn in arrivals],
    }


async def run_streams(
    port: int, num_streams: int, num_tokens: int, interval_s: float
) -> dict[str, float]:
    """Run the streams, begun one after the other over the time that one takes."""
    gap_s = num_tokens * interval_s / num_streams
    # A single stream says little: it is repeated.
    repeats = 40 if num_streams == 1 else 2 * num_streams

    async def later(number: int) -> dict[str, Any]:
        await asyncio.sleep(number * gap_s)
        return await one_stream(port, number, num_tokens, interval_s)

    started = time.monotonic()
    if num_streams == 1:
        done = [await one_stream(port, n, num_tokens, interval_s) for n in range(repeats)]
    else:
        done = await asyncio.gather(*map(later, range(repeats)))
    taken_s = time.monotonic() - started
    ways = [way for stream in done for way in stream["ways_s"]]
    firsts = [stream["first_s"] for stream in done]
    return {
        "first_ms": statistics.median(firsts) * 1e3,
        "first_p95_ms": statistics.quantiles(firsts, n=20)[-1] * 1e3,
        "token_ms": statistics.median(ways) * 1e3,
        "token_p95_ms": statistics.quantiles(ways, n=20)[-1] * 1e3,
        "tokens_per_s": len(ways) / taken_s,
    }


@contextlib.contextmanager
def server(kind: str) -> Any:
    """Run a server in a process of its own; yields its port."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)


def measure(streams: list[int], num_tokens: int, rate: float) -> list[dict[str, Any]]:
    """Return a row for every number of streams, and one without a pace."""
    rows = []
    with server("echo") as echo, server("gateway") as gateway:
        ports = {"echo": echo, "gateway": gateway}
        for port in ports.values():
            asyncio.run(run_streams(port, 1, 5, 0.0))
        for num_streams in streams:
            interval_s = max(_FASTEST_S, num_streams / rate)
            row: dict[str, Any] = {"streams": num_streams, "interval_s": interval_s}
            for kind in _SERVERS:
                row[kind] = asyncio.run(
                    run_streams(ports[kind], num_streams, num_tokens, interval_s)
                )
            rows.append(row)
        unpaced: dict[str, Any] = {"streams": 100, "interval_s": 0.0}
        for kind in _SERVERS:
            unpaced[kind] = asyncio.run(run_streams(ports[kind], 100, 10 * num_tokens, 0.0))
        rows.append(unpaced)
    for row in rows:
        for key in ("first_ms", "token_ms"):
            row[f"added_{key}"] = row["gateway"][key] - row["echo"][key]
    return rows


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print the table: milliseconds, medians and 95th percentiles."""
    print(
        f"{'streams':>8} {'server':>8} {'first':>8} {'p95':>8} {'token':>8} {'p95':>8} {'tokens/s':>9}"
    )
    for row in rows:
        for kind in _SERVERS:
            it = row[kind]
            cells = [it[key] for key in ("first_ms", "first_p95_ms", "token_ms", "token_p95_ms")]
            text = " ".join(f"{cell:8.2f}" for cell in cells)
            print(f"{row['streams']:8} {kind:>8} {text} {it['tokens_per_s']:9.0f}")
        if row["interval_s"]:
            print(
                f"{'':8} {'added':>8} {row['added_first_ms']:8.2f} {'':8} {row['added_token_ms']:8.2f}"
            )
    print("milliseconds; the last two rows without a pace")


def main() -> None:
    """Measure and print, or be a server."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--rate", type=float, default=2000.0, help="tokens a second, all streams")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", choices=_SERVERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    rows = measure(options.streams, options.tokens, options.rate)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_rows(rows)


if __name__ == "__main__":
    main()
