"""The process that holds a llama.cpp server: in itself, or as a `llama-server` that it starts.

Started by `llama_process`, never imported by others.

It reads its settings as one JSON line, prints `{"url": …}` or `{"error": …}` as one line, and serves
until its standard input ends, which the kernel brings about even if the parent is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from typing import Any

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_QUIET = 1
_PROMPT_CACHE_MIB = 1024
_LOOK_S = 0.1


def main() -> None:
    """Serve until standard input ends."""
    _die_with_parent()
    settings = json.loads(sys.stdin.readline())
    if settings["program"]:
        _run_program(settings)
        return
    try:
        server = _started(settings)
    except Exception as error:
        # The boundary of the process: told to the parent as data.
        _tell({"error": str(error) or type(error).__name__})
        return
    _tell({"url": server.listening_address})
    sys.stdin.read()
    # The server's destructor waits for requests in flight; whoever wanted them is gone.
    os._exit(0)


def _die_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _started(settings: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.n_parallel = settings["num_slots"]
    params.n_ctx = settings["context_tokens"] * settings["num_slots"]
    params.cpuparams.n_threads = settings["num_threads"]
    params.n_gpu_layers = settings["num_gpu_layers"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.verbosity = _QUIET
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.ui = False
    # Without this, special tokens would be missing from the text, and the stop texts among them.
    params.special = True
    return xllamacpp.Server(params)


def _run_program(settings: dict[str, Any]) -> None:
    """Run a `llama-server` until standard input ends, or it does."""
    url = f"http://127.0.0.1:{_free_port()}"
    process = subprocess.Popen(
        _command(settings, url),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        preexec_fn=_die_with_parent,
    )
    while process.poll() is None and not _is_ready(url):
        time.sleep(_LOOK_S)
    if process.poll() is not None:
        # What it logged says why; the parent has it.
        sys.exit(1)
    _tell({"url": url})
    threading.Thread(target=_end_with_input, daemon=True).start()
    process.wait()
    os._exit(1)


def _command(settings: dict[str, Any], url: str) -> list[str]:
    host, _, port = url.removeprefix("http://").partition(":")
    options = {
        "--model": settings["path"],
        "--parallel": settings["num_slots"],
        "--ctx-size": settings["context_tokens"] * settings["num_slots"],
        "--threads": settings["num_threads"],
        "--cache-ram": _PROMPT_CACHE_MIB,
        "--host": host,
        "--port": port,
    }
    if settings["num_gpu_layers"] >= 0:
        options["--n-gpu-layers"] = settings["num_gpu_layers"]
    words = [str(word) for pair in options.items() for word in pair]
    return [settings["program"], *words, "--special", "--no-webui"]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def _end_with_input() -> None:
    sys.stdin.read()
    # The kernel ends the program with us.
    os._exit(0)


def _tell(record: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
