"""Clients of services: forges, object stores, containers, databases, other version control."""

from __future__ import annotations

import re

from journeyman.guard.holes import UNKNOWN
from journeyman.guard.offence import Label
from journeyman.guard.programs.options import Given, split
from journeyman.guard.rules.reach import find_urls, is_loopback
from journeyman.guard.shell.machine import Invocation, Machine, Program
from journeyman.guard.texts import words

__all__ = ["SERVICES"]


def _forge(machine: Machine, call: Invocation) -> str:
    """`gh`, `hub`, `glab`: without another project's name they speak of the task's own."""
    given = split(
        call.args,
        with_value={"-R", "--repo", "-H", "--hostname", "-X", "-f", "-F", "-q", "--jq", "-L"},
    )
    operands = given.operands
    if (
        given.has("--version", "--help", "-h")
        or not operands
        or operands[0] in ("version", "help", "config", "alias", "completion")
    ):
        return UNKNOWN
    if operands[:2] in (["auth", "status"], ["auth", "login"], ["auth", "logout"]):
        return UNKNOWN
    subject = machine.world.subject
    named = [*given.values("-R", "--repo"), *[it for it in operands if "/" in it]]
    others = [it for it in named if not subject.is_upstream(it) and not subject.has_own_word(it)]
    has_mention = subject.is_upstream(call.text) or any(map(subject.has_own_word, operands))
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


_CONTAINER_OPTIONS = words("-v --volume --mount -w -e --name -p -u -t -f --file --entrypoint")
_HOST_FOLDERS = ("/var", "/etc", "/root", "/home", "/proc", "/run", "/sys")
_LOOKS_AT_ENGINE = words(
    "exec cp inspect logs export attach diff commit ps top save history images info volume "
    "network system"
)
_FETCHES_IMAGES = words(
    "pull run create manifest copy search cp export digest clone list-tags tag from image"
)
_IMAGE_CLIENTS = words("skopeo crane oras umoci regctl img singularity apptainer")


def _container(machine: Machine, call: Invocation) -> str:
    if "--help" in call.args or call.args[:1] in (("--version",), ("version",), ("help",)):
        return UNKNOWN
    given = split(call.args, with_value=_CONTAINER_OPTIONS)
    verb = next((it for it in given.operands if it not in ("container", "image")), "")
    if _leaves_container(given, call.text) or verb in _LOOKS_AT_ENGINE:
        machine.report(Label.OUTSIDE_READ, call.text)
    for word in call.args:
        if ".sock" in word:
            machine.read(word.partition("://")[2] or word)
        for url in find_urls(word):
            if not is_loopback(url):
                machine.connect(url)
    if verb == "run" and len(given.operands) > 2:
        machine.call(call.but(given.operands[2:]))
    if verb in _FETCHES_IMAGES or call.name in _IMAGE_CLIENTS:
        images = [it for it in call.args if not it.startswith(("-", "/", ".")) and "=" not in it]
        if any(_holds_the_fix(machine, it) for it in images):
            machine.report(Label.UPSTREAM_FETCH, call.text)
    return UNKNOWN


def _leaves_container(given: Given, text: str) -> bool:
    """Whether a container is given the host's folders, rights or namespaces."""
    for target in (*given.values("-v", "--volume"), *given.values("--mount")):
        source = re.sub(r"^.*(?:source|src)=", "", target).partition(":")[0].partition(",")[0]
        if source == "/" or source.startswith(_HOST_FOLDERS):
            return True
    host = r"--(?:pid|net|network|ipc|userns)[= ]host|--cap-add"
    return given.has("--privileged") or re.search(host, text) is not None


def _holds_the_fix(machine: Machine, image: str) -> bool:
    return (
        machine.world.subject.is_upstream(image)
        or re.search(r"swe[-_]?bench|sweb\.", image) is not None
        or _is_own_image(machine, image)
    )


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


SERVICES: dict[str, Program] = {
    **dict.fromkeys(
        ("psql", "mysql", "mariadb", "redis-cli", "mongosh", "mongo", "clickhouse-client"),
        _database,
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
