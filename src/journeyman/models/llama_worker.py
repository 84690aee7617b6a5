"""The process that holds a llama.cpp server. Started by `llama_process`, never imported by others.

It reads its settings as one JSON line, prints `{"url": …}` or `{"error": …}` as one line, and serves
until its standard input ends, which the kernel brings about even if the parent is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_QUIET = 1
_PROMPT_CACHE_MIB = 1024


def main() -> None:
    """Serve until standard input ends."""
    _die_with_parent()
    settings = json.loads(sys.stdin.readline())
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


def _tell(record: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
