"""`journeyman serve`: a model on this machine, for every client and protocol."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_lines
from journeyman.cli.spoken import gateway_settings, spoken
from journeyman.errors import JourneymanError

if TYPE_CHECKING:
    from journeyman.gateway import Gateway
    from journeyman.templates import ToolTemplate

__all__ = ["serve"]


def serve(
    *,
    model: str = "smollm2",
    template: str = "",
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=lambda _, value: _check_port(value))] = 8484,
    key_env: str = "",
    capture: Path | None = None,
    drain_s: float = 30.0,
    json: bool = False,
) -> int:
    """Serve a model to IDEs and command-line agents, over OpenAI's and Anthropic's protocols.

    Parameters
    ----------
    model
        The model, as everywhere: smollm2, gguf:PATH, http://…/v1#name, scripted:FILE.
    template
        The tool chat template that the model is spoken to in; told from its name where that is known.
        A script speaks it too.
    host
        Address to listen on; others than this machine's own need a key.
    port
        Port to listen on; 0 takes a free one.
    key_env
        Environment variable with the key that clients must present.
    capture
        Append every turn, with its exact tokens, to this JSONL file.
    drain_s
        Seconds that calls under way have to end after the first Ctrl-C.
    json
        Print address and settings as JSON.
    """
    key = _key(host, key_env)
    asyncio.run(_serve(model, template, host, port, key, capture, drain_s, is_json=json))
    return 0


def _check_port(port: int) -> None:
    if not 0 <= port < 65536:
        raise ValueError("a port is a number from 0 to 65535")


def _key(host: str, variable: str) -> str | None:
    """Return the key that clients need; None if everybody on this machine is let in."""
    if variable:
        key = os.environ.get(variable, "")
        if not key:
            raise JourneymanError(
                f"{variable} is not set, and the clients' key is in it", f"export {variable}=…"
            )
        return key
    if not _is_loopback(host):
        raise JourneymanError(
            f"on {host} everybody who reaches this machine could use the model",
            "export JOURNEYMAN_KEY=… and add --key-env JOURNEYMAN_KEY",
        )
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(
    spec: str,
    template: str,
    host: str,
    port: int,
    key: str | None,
    capture: Path | None,
    drain_s: float,
    *,
    is_json: bool,
) -> None:
    from journeyman.gateway import Gateway, Journal, calm_collector, listen, serving
    from journeyman.models import open_model

    async with AsyncExitStack() as stack:
        # What can be wrong is found out before the model is loaded.
        socket = stack.enter_context(listen(host, port))
        journal = Journal(capture) if capture is not None else None
        opened = await open_model(spec, on_progress=note)
        stack.push_async_callback(opened.close)
        behind, chosen = spoken(opened, template)
        gateway = Gateway(
            behind,
            chosen,
            gateway_settings(opened),
            keys=None if key is None else frozenset({key}),
            on_turn=journal.write if journal is not None else None,
        )
        calm_collector()
        stopping = _stop_on_signals(gateway)
        async with serving(gateway, [socket], drain_s=drain_s) as url:
            _tell(url, opened.name, chosen, key is not None, is_json=is_json)
            await stopping.wait()
            note("stopping: calls under way may end; Ctrl-C again ends them")


def _stop_on_signals(gateway: Gateway) -> asyncio.Event:
    """Return what the first signal sets; the second ends the calls that are still under way."""
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            gateway.gate.abandon()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return stopping


def _tell(
    url: str, model: str, template: ToolTemplate | None, has_key: bool, *, is_json: bool
) -> None:
    from journeyman.gateway import client_settings

    clients = client_settings(url, model, "YOUR-KEY" if has_key else "local")
    name = template.name if template is not None else ""
    if is_json:
        print_json({"url": url, "model": model, "template": name, "clients": clients})
    else:
        spoken = f", spoken to in {name}" if name else ""
        print_lines([f"serving {model}{spoken} at {url}", ""])
        for client, text in clients.items():
            print_lines([client, *(f"  {line}" for line in text.split("\n")), ""])
        note("Ctrl-C stops")
    sys.stdout.flush()
