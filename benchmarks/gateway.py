"""What the gateway adds to a stream: time to the first token, and to every token, over a null model.

The same streams run against a bare echo server (Starlette's own streaming on the same uvicorn), one
after the other in one run, each server in a process of its own. Tokens are drawn at a set pace and
carry the time of their drawing, so that what is measured is the way from the model to the client. A
last run without any pace gives the most tokens a second. The processor's time that a server takes for a
request says how much it does, also where others use the machine.

With a LiteLLM, both pass the echo server's streams on: its proxy, and a gateway before the same server.

    python benchmarks/gateway.py [--streams 1 100 1000] [--tokens 20] [--rate 2000] [--json]
    python -m venv litellm && litellm/bin/pip install 'litellm[proxy]'
    python benchmarks/gateway.py --litellm litellm/bin/litellm
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from journeyman.gateway import Gateway, calm_collector, listen, serving
from journeyman.models import EndpointModel, EndpointSettings, Piece
from journeyman.templates import get_template
from journeyman.types import Completion, Prompt, Sampling

_SERVERS = ("echo", "gateway")
_PASSING = ("relay", "litellm")
_STAMP = re.compile(rb'"content": ?" ([0-9.]+)"')
_START_S = 300
_KEY = "sk-benchmark-0123456789abcdef0123456789"
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
                yield b"data: " + json.dumps(chunk({"content": text}, None)).encode() + b"\n\n"
            yield b"data: " + json.dumps(chunk({}, "stop")).encode() + b"\n\n"
            yield b"data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def chunk(delta: dict[str, Any], ending: str | None) -> dict[str, Any]:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": ending}
    frame = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    return frame | {"choices": [choice]}


async def serve(kind: str, behind: int) -> None:
    """Be one of the servers until standard input ends; `behind` is the echo server's port."""
    listener = listen()
    print(listener.getsockname()[1], flush=True)
    calm_collector()
    until_told = asyncio.to_thread(sys.stdin.read)
    if kind in ("gateway", "relay"):
        gateway = Gateway(NullModel(), get_template("qwen3_coder"))
        if kind == "relay":
            url = f"http://127.0.0.1:{behind}/v1"
            gateway = Gateway(EndpointModel("m", url, "m", EndpointSettings()))
        async with serving(gateway, [listener], drain_s=0):
            await until_told
        return
    server = uvicorn.Server(
        uvicorn.Config(
            echo_app(), http="httptools", lifespan="off", log_config=None, access_log=False
        )
    )
    task = asyncio.create_task(server.serve([listener]))
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
        f"Authorization: Bearer {_KEY}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    )
    started = time.monotonic()
    writer.write((head + body).encode())
    arrivals: list[tuple[float, float]] = []
    async for line in reader:
        now = time.monotonic()
        found = _STAMP.search(line)
        if found:
            arrivals.append((now, float(found[1])))
    writer.close()
    assert len(arrivals) == num_tokens, (len(arrivals), num_tokens)
    return {
        "first_s": arrivals[0][0] - started,
        "ways_s": [now - drawn for now, drawn in arrivals],
    }


class Place:
    """A server: its port, and what its process has used."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid

    def used_s(self) -> float:
        """Seconds of a processor that the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def run_streams(
    place: Place, num_streams: int, num_tokens: int, interval_s: float
) -> dict[str, float]:
    """Run the streams, begun one after the other over the time that one takes."""
    gap_s = num_tokens * interval_s / num_streams
    # A single stream says little: it is repeated.
    repeats = 40 if num_streams == 1 else 2 * num_streams

    async def later(number: int) -> dict[str, Any]:
        await asyncio.sleep(number * gap_s)
        return await one_stream(place.port, number, num_tokens, interval_s)

    used_s = place.used_s()
    started = time.monotonic()
    if num_streams == 1:
        done = [await one_stream(place.port, n, num_tokens, interval_s) for n in range(repeats)]
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
        "cpu_ms": (place.used_s() - used_s) / len(done) * 1e3,
    }


@contextlib.contextmanager
def server(kind: str, behind: int = 0) -> Iterator[Place]:
    """Run a server in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", kind, "--behind", str(behind)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Place(int(process.stdout.readline()), process.pid)
    finally:
        process.stdin.close()
        process.wait(30)


@contextlib.contextmanager
def litellm(program: str, behind: int) -> Iterator[Place]:
    """Run LiteLLM's proxy before the echo server."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    params = {"model": "openai/m", "api_base": f"http://127.0.0.1:{behind}/v1", "api_key": "k"}
    settings = {"model_list": [{"model_name": "m", "litellm_params": params}]}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yaml")
        config.write_text(json.dumps(settings))
        words = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
            | {"LITELLM_MASTER_KEY": _KEY},
            start_new_session=True,
        )
        try:
            wait_for(port, process)
            yield Place(port, process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(port: int, process: subprocess.Popen[Any]) -> None:
    """Wait until somebody listens there."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise SystemExit("LiteLLM's proxy does not start")


def measure(streams: list[int], num_tokens: int, rate: float, program: str) -> list[dict[str, Any]]:
    """Return a row for every number of streams, and one without a pace."""
    with contextlib.ExitStack() as stack:
        places = {kind: stack.enter_context(server(kind)) for kind in _SERVERS}
        if program:
            behind = places["echo"].port
            places["relay"] = stack.enter_context(server("relay", behind))
            places["litellm"] = stack.enter_context(litellm(program, behind))
        for place in places.values():
            asyncio.run(run_streams(place, 1, 5, 0.0))
        paces = [(num, max(_FASTEST_S, num / rate), num_tokens) for num in streams]
        rows = []
        for num_streams, interval_s, num in [*paces, (100, 0.0, 10 * num_tokens)]:
            row: dict[str, Any] = {"streams": num_streams, "interval_s": interval_s}
            for kind, place in places.items():
                row[kind] = asyncio.run(run_streams(place, num_streams, num, interval_s))
            rows.append(row)
    return rows


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print the table: milliseconds, medians and 95th percentiles."""
    keys = ("first_ms", "first_p95_ms", "token_ms", "token_p95_ms", "cpu_ms")
    heads = ("first", "p95", "token", "p95", "cpu")
    print(f"{'streams':>8} {'server':>8} {' '.join(f'{it:>8}' for it in heads)} {'tokens/s':>9}")
    for row in rows:
        for kind in [it for it in (*_SERVERS, *_PASSING) if it in row]:
            it = row[kind]
            text = " ".join(f"{it[key]:8.2f}" for key in keys)
            print(f"{row['streams']:8} {kind:>8} {text} {it['tokens_per_s']:9.0f}")
    print("milliseconds; cpu: the server's, a request; the last rows without a pace")
    print(f"load of the machine: {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores")


def main() -> None:
    """Measure and print, or be a server."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--rate", type=float, default=2000.0, help="tokens a second, all streams")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--litellm", default="", help="the program litellm, to stand beside it")
    parser.add_argument("--serve", choices=(*_SERVERS, "relay"), help=argparse.SUPPRESS)
    parser.add_argument("--behind", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve, options.behind))
        return
    rows = measure(options.streams, options.tokens, options.rate, options.litellm)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_rows(rows)


if __name__ == "__main__":
    main()
