"""Clients of the network: HTTP, raw sockets, remote shells, object stores, forges, containers."""

from __future__ import annotations

import re

from journeyman.guard.holes import UNKNOWN, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.http_clients import HTTP_CLIENTS
from journeyman.guard.programs.options import split
from journeyman.guard.programs.services import SERVICES
from journeyman.guard.rules.reach import find_urls, host_of, is_loopback
from journeyman.guard.shell.machine import Invocation, Machine, Program

__all__ = ["NETWORK_PROGRAMS", "unknown_program"]


def _socket(machine: Machine, call: Invocation) -> str:
    """`nc`, `telnet`, `socat`: what is not this machine is a way around every other rule."""
    if any(it in ("--version", "--help", "-h") for it in call.args):
        return UNKNOWN
    text = " ".join(call.args)
    if match := re.search(r"(?:-U\s*|UNIX(?:-CONNECT|-CLIENT)?:)(\S+)", text, re.I):
        machine.read(match[1])
        return UNKNOWN
    commands = re.findall(r"(?:EXEC|SYSTEM):([^,]+)", text, re.I)
    for command in commands:
        machine.run(command)
    if re.match(r"(?:\S+\s+)*-\w*l", text) or re.search(r"LISTEN", text):
        return UNKNOWN
    hosts = re.findall(
        r"(?:TCP|TCP4|TCP6|OPENSSL|SSL|UDP|PROXY|SOCKS4A?)(?:-CONNECT)?:([\w.-]+)", text, re.I
    )
    given = split(call.args, with_value={"-w", "-p", "-s", "-x", "-X", "-i", "-e", "-c", "-T"})
    hosts = hosts or given.operands[:1]
    for text in given.values("-e", "-c"):
        machine.run(text)
    for host in hosts:
        if not is_loopback(host) and without_holes(host):
            machine.connect(f"tcp://{host}", f"{call.text} {call.stdin}")
            is_probe = given.has("-z") and not re.search(r"git|pypi|npm|pythonhosted", host)
            if not is_probe:
                machine.report(Label.UPSTREAM_FETCH, call.text)
    return UNKNOWN


def _remote_shell(machine: Machine, call: Invocation) -> str:
    """`ssh`, `scp`, `rsync`, `sftp`: this machine and local paths are fine, other hosts are not."""
    with_value = {
        "-p",
        "-P",
        "-i",
        "-o",
        "-l",
        "-F",
        "-J",
        "-L",
        "-R",
        "-D",
        "-e",
        "--rsh",
        "-c",
        "--exclude",
        "--include",
        "-b",
    }
    if any(it in ("-V", "--version", "--help") for it in call.args):
        return UNKNOWN
    given = split(call.args, with_value=with_value, stops_early=call.name == "ssh")
    for text in [
        it.partition("=")[2] for it in given.values("-o") if it.lower().startswith("proxycommand")
    ]:
        machine.run(text)
    if call.name == "ssh":
        host, *command = given.operands or [""]
        if is_loopback(host.rpartition("@")[2]):
            return machine.run(" ".join(command))
        if without_holes(host):
            machine.report(Label.UPSTREAM_FETCH, call.text)
        return UNKNOWN
    for word in call.args:
        for url in find_urls(word):
            if not is_loopback(url):
                machine.connect(url)
    for word in given.operands:
        if re.match(r"(?:\w+://|[\w.-]+@[\w.-]+:|[\w.-]+::?(?!\\))", word) and not is_loopback(
            _remote_host(word)
        ):
            machine.report(Label.UPSTREAM_FETCH, call.text)
        elif call.name == "rsync" and given.has("--delete") and word == given.operands[-1]:
            machine.remove(word)
        elif call.name == "rsync" or call.name == "scp":
            machine.read(word)
    is_client = call.name in ("sftp", "ftp", "lftp", "tftp", "ncftp", "ncftpget")
    if is_client and given.operands and not is_loopback(given.operands[0]):
        machine.report(Label.UPSTREAM_FETCH, call.text)
    return UNKNOWN


def _remote_host(word: str) -> str:
    if "://" in word:
        return host_of(word)
    return re.sub(r"^.*@", "", word).partition(":")[0]


_FETCHING = re.compile(
    r"\b(?:dl|download|fetch|get|install|pull|clone|add|mirror|sync)(?:er|\b)", re.I
)


def unknown_program(machine: Machine, call: Invocation) -> str:
    """A program that is not known: an address of the project in its arguments is taken as a fetch.

    Programs of the workspace are the project's own, and are left alone.
    """
    subject = machine.world.subject
    if call.path.startswith((".", "/testbed", subject.workspace)) or subject.is_own_package(
        call.name
    ):
        return UNKNOWN
    for word in call.args:
        for url in find_urls(word):
            if not is_loopback(url):
                machine.connect(url)
        is_address = re.search(r"^(?:gh|github|git|gitlab):|(?:^|[=/:\s])(?:[\w-]+\.)+\w+/", word)
        if is_address and subject.is_upstream(word):
            machine.report(Label.UPSTREAM_FETCH, call.text)
        is_fetching = _FETCHING.search(f"{call.name} {call.args[0]}")
        if is_fetching and subject.is_own_package(word) and not re.match(r"[./]", word):
            machine.report(Label.UPSTREAM_FETCH, call.text)
        if re.match(r"(?:/|~)[\w.~-]", word):
            machine.read(word)
    return UNKNOWN


NETWORK_PROGRAMS: dict[str, Program] = {
    **SERVICES,
    **HTTP_CLIENTS,
    **dict.fromkeys(
        (
            "nc",
            "ncat",
            "netcat",
            "telnet",
            "socat",
            "gnutls-cli",
            "websocat",
            "nc.openbsd",
            "nc.traditional",
        ),
        _socket,
    ),
    **dict.fromkeys(
        (
            "ssh",
            "scp",
            "sftp",
            "rsync",
            "ftp",
            "lftp",
            "tftp",
            "ncftp",
            "ncftpget",
            "mosh",
            "sshpass",
            "rsh",
        ),
        _remote_shell,
    ),
}
