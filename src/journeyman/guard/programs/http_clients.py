"""Clients of HTTP: `curl`, `wget`, `http`, browsers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from journeyman.guard.holes import UNKNOWN, is_opaque, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import Given, split
from journeyman.guard.rules.reach import is_loopback
from journeyman.guard.shell.machine import Invocation, Machine, Program
from journeyman.guard.texts import words

__all__ = ["HTTP_CLIENTS"]

_CURL_VALUES = words(
    "-o --output -H --header -d --data --data-raw --data-binary --data-urlencode --json -X "
    "--request -A --user-agent -e --referer -u --user -m --max-time --connect-timeout -F "
    "--form -b --cookie -c --cookie-jar -w --write-out -x --proxy --retry --retry-delay -T "
    "--upload-file --cacert --cert --key --resolve --connect-to -r --range -K --config --url "
    "--unix-socket --abstract-unix-socket -D --dump-header --preproxy --socks5 "
    "--socks5-hostname --interface --max-redirs --noproxy --limit-rate -C --continue-at -z "
    "--time-cond -E -U --proxy-user --doh-url -O-dir --output-dir --stderr --trace "
    "--request-target"
)
_WGET_VALUES = words(
    "-O --output-document -P --directory-prefix -o -a --header --post-data --post-file -U "
    "--user-agent -t --tries -T --timeout -i --input-file -e --execute --referer --method "
    "--body-data -A -R -D -I -X -l --level -Q -w --user --password --base -B -d --dir -x "
    "--max-connection-per-server -s --split -j --load-cookies"
)


def _curl(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value=_CURL_VALUES)
    if given.has("--version", "-V", "--help", "-h", "--manual"):
        return UNKNOWN
    for path in given.values("--unix-socket", "--abstract-unix-socket"):
        machine.read(path)
    for path in given.values("-K", "--config"):
        text = call.stdin if path == "-" else machine.read(path)
        _configured(machine, call, text)
    targets = [*given.operands, *given.values("--url")]
    _reach_all(machine, call, targets, given)
    return _fetched(machine, call, given, targets)


def _configured(machine: Machine, call: Invocation, text: str) -> None:
    for target in re.findall(r"^\s*-{0,2}url\s*[=:]?\s*\"?([^\"\s]+)", text, re.M):
        machine.connect(target, call.text)


def _fetched(machine: Machine, call: Invocation, given: Given, targets: Sequence[str]) -> str:
    for path in given.values("-o", "--output", "-O", "--output-document"):
        if path and path != "-":
            machine.write(path, UNKNOWN)
    for target in targets:
        if target.startswith("file://"):
            return machine.read(target[7:])
    return UNKNOWN


def _reach_all(machine: Machine, call: Invocation, targets: Sequence[str], given: Given) -> None:
    """Judge every address; a remote one is judged with everything that is sent along."""
    targets = [it for it in targets if without_holes(it).strip() or is_opaque(it)]
    is_all_local = bool(targets) and all(is_loopback(it) for it in targets)
    context = "" if is_all_local else " ".join(call.args)
    for target in targets:
        if re.match(r"(?:telnet|gopher|dict|tftp|smb|ldap)s?://", target) and not is_loopback(
            target
        ):
            machine.report(Label.UPSTREAM_FETCH, call.text)
        elif target.startswith("file://"):
            machine.read(target[7:])
        elif "://" not in target and target.startswith(":"):
            machine.connect(f"http://localhost{target}")
        else:
            machine.connect(target if "://" in target else f"http://{target}", context)
    redirected = [*given.values("--resolve"), *given.values("--connect-to")]
    if is_all_local and (redirected or _foreign_host(given)):
        machine.connect(
            " ".join((*redirected, *targets)).replace("localhost", ""), " ".join(call.args)
        )


def _foreign_host(given: Given) -> bool:
    return any(
        re.match(r"host:\s*(?!localhost|127\.)\S+\.\w+", it, re.I)
        for it in given.values("-H", "--header")
    )


def _wget(machine: Machine, call: Invocation) -> str:
    given = split(call.args, with_value=_WGET_VALUES)
    if given.has("--version", "-V", "--help", "-h"):
        return UNKNOWN
    targets = list(given.operands)
    for path in given.values("-i", "--input-file"):
        text = call.stdin if path == "-" else machine.read(path)
        targets += text.split()
        if "://" in path:
            targets.append(path)
    _reach_all(machine, call, targets, given)
    return _fetched(machine, call, given, targets)


def _http(machine: Machine, call: Invocation) -> str:
    given = split(
        call.args,
        with_value={
            "-a",
            "-A",
            "--auth",
            "-o",
            "--output",
            "--proxy",
            "--session",
            "--timeout",
            "--verify",
            "-p",
        },
    )
    operands = [
        it
        for it in given.operands
        if it.upper() not in ("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")
    ]
    operands = [it for it in operands if it not in ("dl", "http", "https")]
    _reach_all(machine, call, operands[:1], given)
    return UNKNOWN


def _browse(machine: Machine, call: Invocation) -> str:
    """A client whose operands are addresses."""
    if any(it in ("--version", "--help", "-h", "-V") for it in call.args):
        return UNKNOWN
    given = split(call.args)
    local = [it for it in given.operands if re.match(r"\.{0,2}/|[\w-]+\.html?$", it)]
    _reach_all(machine, call, [it for it in given.operands if it not in local], given)
    for word in call.args:
        if word.startswith("-") and "://" in word:
            machine.connect(word.partition("=")[2])
    return UNKNOWN


HTTP_CLIENTS: dict[str, Program] = {
    **dict.fromkeys(("curl", "curlie", "curl-impersonate"), _curl),
    **dict.fromkeys(("wget", "wget2", "aria2c", "axel", "aria2", "fetch", "puf"), _wget),
    **dict.fromkeys(
        (
            "http",
            "https",
            "xh",
            "xhs",
            "httpie",
            "httpx",
            "bat-http",
            "lwp-request",
            "GET",
            "POST",
            "hurl",
        ),
        _http,
    ),
    **dict.fromkeys(
        (
            "Invoke-WebRequest",
            "Invoke-RestMethod",
            "iwr",
            "irm",
            "lynx",
            "w3m",
            "links",
            "elinks",
            "chromium",
            "google-chrome",
            "chrome",
            "firefox",
            "links2",
            "lwp-download",
            "xdg-open",
        ),
        _browse,
    ),
    **dict.fromkeys(
        (
            "chromium-browser",
            "open",
            "sensible-browser",
            "yt-dlp",
            "youtube-dl",
            "httrack",
            "lwp-mirror",
            "monolith",
            "shot-scraper",
            "pup",
        ),
        _browse,
    ),
}
