"""A socket that listens on the loopback of another process's network namespace."""

from __future__ import annotations

import ctypes
import os
import socket
import threading

__all__ = ["listen_in"]

_NEW_NETWORK = 0x40000000


def listen_in(pid: int, port: int) -> socket.socket:
    """Return a socket that listens on 127.0.0.1 of the network that process `pid` is in.

    A thread of its own goes there, for it belongs to a network by itself. Raises `OSError` where the
    namespace may not be entered, which takes the rights of the one who made it.
    """
    found: list[socket.socket] = []
    failed: list[OSError] = []

    def go() -> None:
        try:
            namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(namespace, _NEW_NETWORK):
                    number = ctypes.get_errno()
                    raise OSError(number, f"setns: {os.strerror(number)}")
            finally:
                os.close(namespace)
            found.append(socket.create_server(("127.0.0.1", port)))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]
