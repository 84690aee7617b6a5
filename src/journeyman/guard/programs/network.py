"""Clients of the network: HTTP, raw sockets, remote shells, object stores, forges, containers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from journeyman.guard.holes import UNKNOWN, is_opaque, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import Given, split
from journeyman.guard.rules.reach import find_urls, host_of, is_loopback
from journeyman.guard.shell.machine import Invocation, Machine, Program
from journeyman.guard.texts import words

__all__ = ["NETWORK_PROGRAMS", "unknown_program"]

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


def _forge(machine: Machine, call: Invocation) -> str:
    """`gh`, `hub`, `glab`: without another project's name they speak of the task's own."""
    given = split(
        call.args,
        with_value={"-R", "--repo", "-H", "--hostname", "-X", "-f", "-F", "-q", "--jq", "-L"},
    )
    words = given.operands
    if (
        given.has("--version", "--help", "-h")
        or not words
        or words[0] in ("version", "help", "config", "alias", "completion")
    ):
        return UNKNOWN
    if words[:2] in (["auth", "status"], ["auth", "login"], ["auth", "logout"]):
        return UNKNOWN
    subject = machine.world.subject
    named = [*given.values("-R", "--repo"), *[it for it in words if "/" in it]]
    others = [it for it in named if not subject.is_upstream(it) and not subject.has_own_word(it)]
    has_mention = subject.is_upstream(call.text) or any(map(subject.has_own_word, words))
    if not others or has_mention:
        machine.report(Label.UPSTREAM_FETCH, call.text)
    return UNKNOWN


def _store(machine: Machine, call: Invocation) -> str:
    """Object stores and data hubs: nothing that a task needs lies there."""
    if (
        any(it in ("--version", "version", "--help", "help", "-h") for it in call.args[:2])
        or not call.args
    ):
        return UNKNOWN
    if "--endpoint-url" in call.text and is_loopback(
        call.text.partition("--endpoint-url")[2].strip(" =").split()[0]
    ):
        return UNKNOWN
    if call.name == "rclone" and not any(":" in it for it in call.args):
        return UNKNOWN
    if any(it in ("configure", "config", "env") for it in call.args[:1]):
        return UNKNOWN
    machine.report(Label.UPSTREAM_FETCH, call.text)
    return UNKNOWN


def _container(machine: Machine, call: Invocation) -> str:
    if "--help" in call.args or call.args[:1] in (("--version",), ("version",), ("help",)):
        return UNKNOWN
    given = split(
        call.args,
        with_value={
            "-v",
            "--volume",
            "--mount",
            "-w",
            "-e",
            "--name",
            "-p",
            "-u",
            "-t",
            "-f",
            "--file",
            "--entrypoint",
        },
    )
    text = call.text
    for target in (*given.values("-v", "--volume"), *given.values("--mount")):
        source = re.sub(r"^.*(?:source|src)=", "", target).partition(":")[0].partition(",")[0]
        if source == "/" or source.startswith(
            ("/var", "/etc", "/root", "/home", "/proc", "/run", "/sys")
        ):
            machine.report(Label.OUTSIDE_READ, text)
    if given.has("--privileged") or re.search(
        r"--(?:pid|net|network|ipc|userns)[= ]host|--cap-add", text
    ):
        machine.report(Label.OUTSIDE_READ, text)
    verb = next((it for it in given.operands if it not in ("container", "image")), "")
    if verb in (
        "exec",
        "cp",
        "inspect",
        "logs",
        "export",
        "attach",
        "diff",
        "commit",
        "ps",
        "top",
        "save",
        "history",
        "images",
        "info",
        "volume",
        "network",
        "system",
    ):
        machine.report(Label.OUTSIDE_READ, text)
    for word in call.args:
        if ".sock" in word:
            machine.read(word.partition("://")[2] or word)
        for url in find_urls(word):
            if not is_loopback(url):
                machine.connect(url)
    if verb == "run" and len(given.operands) > 2:
        machine.call(call.but(given.operands[2:]))
    subject = machine.world.subject
    is_fetch = verb in (
        "pull",
        "run",
        "create",
        "manifest",
        "copy",
        "search",
        "cp",
        "export",
        "digest",
        "clone",
        "list-tags",
        "tag",
        "from",
        "image",
    )
    images = [it for it in call.args if not it.startswith(("-", "/", ".")) and "=" not in it]
    if (
        is_fetch
        or call.name
        in ("skopeo", "crane", "oras", "umoci", "regctl", "img", "singularity", "apptainer")
    ) and any(
        subject.is_upstream(it)
        or re.search(r"swe[-_]?bench|sweb\.", it)
        or _is_own_image(machine, it)
        for it in images
    ):
        machine.report(Label.UPSTREAM_FETCH, text)
    return UNKNOWN


def _database(machine: Machine, call: Invocation) -> str:
    """Clients of databases: those of this machine are fine."""
    given = split(
        call.args, with_value={"-h", "--host", "-c", "-e", "-p", "-P", "-U", "-u", "--port", "-d"}
    )
    hosts = given.values("-h", "--host") + [url for it in call.args for url in find_urls(it)]
    if any("." in it and not it.startswith("/") and not is_loopback(it) for it in hosts):
        machine.report(Label.OUTSIDE_READ, call.text)
    return UNKNOWN


def _is_own_image(machine: Machine, word: str) -> bool:
    image = re.sub(r"^\w+://", "", word)
    if "/" not in image:
        return False
    return machine.world.subject.has_own_word(image)


def _other_vcs(machine: Machine, call: Invocation) -> str:
    """Subversion, Mercurial, …: their clone and checkout reach what they name."""
    if any(it in ("--version", "--help", "help") for it in call.args):
        return UNKNOWN
    if call.name == "cvs" and re.search(r":(?:pserver|ext|extssh):", call.text):
        machine.report(Label.UPSTREAM_FETCH, call.text)
    urls = [url for it in call.args for url in find_urls(it)] + [
        it for it in call.args if re.match(r"(?:lp|gh|hg\+|git\+|ssh):", it)
    ]
    for url in urls:
        if not is_loopback(url):
            machine.connect(url, call.text)
    verb = next((it for it in call.args if not it.startswith("-")), "")
    if verb == "git" and "fetch" in call.args:
        machine.report(Label.UPSTREAM_FETCH, call.text)
    if (
        verb in ("pull", "incoming", "fetch", "update")
        and call.name in ("hg", "bzr", "brz", "jj", "fossil", "darcs", "pijul")
        and not urls
    ) and (call.name != "hg" or verb != "update"):
        machine.report(Label.UPSTREAM_FETCH, call.text)
    if machine.world.subject.is_upstream(call.text) and verb in (
        "clone",
        "git",
        "get",
        "checkout",
        "co",
        "export",
        "branch",
    ):
        machine.report(Label.UPSTREAM_FETCH, call.text)
    return UNKNOWN


def _scaffold_copy(machine: Machine, call: Invocation) -> str:
    """`degit`, `tiged`, `cookiecutter`, …: operands name repositories."""
    for word in split(call.args).operands:
        bare = re.sub(r"^(?:clone|create|copy|new|get)$", "", word)
        subject = machine.world.subject
        if subject.is_upstream(bare) or (
            ("/" in bare or ":" in bare) and subject.has_own_word(bare)
        ):
            machine.report(Label.UPSTREAM_FETCH, call.text)
    return UNKNOWN


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
    **dict.fromkeys(
        ("psql", "mysql", "mariadb", "redis-cli", "mongosh", "mongo", "clickhouse-client"),
        _database,
    ),
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
    **dict.fromkeys(("gh", "hub", "glab", "tea", "bb", "jira"), _forge),
    **dict.fromkeys(
        (
            "aws",
            "gsutil",
            "gcloud",
            "az",
            "azcopy",
            "s3cmd",
            "s5cmd",
            "mc",
            "rclone",
            "kaggle",
            "huggingface-cli",
            "hf",
            "ipfs",
            "dvc",
            "b2",
        ),
        _store,
    ),
    **dict.fromkeys(
        (
            "docker",
            "podman",
            "nerdctl",
            "skopeo",
            "crane",
            "oras",
            "umoci",
            "regctl",
            "singularity",
            "apptainer",
            "buildah",
            "img",
        ),
        _container,
    ),
    **dict.fromkeys(
        ("svn", "hg", "bzr", "brz", "fossil", "darcs", "pijul", "jj", "got", "cvs", "sl"),
        _other_vcs,
    ),
    **dict.fromkeys(
        (
            "degit",
            "tiged",
            "giget",
            "gitget",
            "cookiecutter",
            "copier",
            "ghq",
            "repo",
            "vcs",
            "gitpick",
            "create-react-app",
        ),
        _scaffold_copy,
    ),
}
