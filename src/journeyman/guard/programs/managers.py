"""The package managers: which of their words fetch, and which name what is fetched."""

from __future__ import annotations

from dataclasses import dataclass

from journeyman.guard.texts import words

__all__ = ["ALIASES", "MANAGERS", "NPM", "PIP", "UV_VALUES", "Manager"]


@dataclass(frozen=True)
class Manager:
    """How one package manager's arguments are read."""

    fetching: frozenset[str]
    """Verbs that fetch, or ask an index about, what they name; `*` is every verb."""
    values: frozenset[str] = frozenset()
    """Options that take a value which names nothing that is fetched."""
    naming: frozenset[str] = frozenset()
    """Options whose value names something that is fetched."""
    files: frozenset[str] = frozenset()
    """Options whose value is a file of requirements."""


PIP = Manager(
    words("install download wheel index search lock compile"),
    words(
        "-t --target --prefix --root -d --dest -w --wheel-dir --cache-dir --log --python "
        "--platform --abi --timeout --retries "
        "--python-version --implementation --progress-bar --src --no-binary --only-binary "
        "--exclude-newer -p --proxy --cert "
        "--trusted-host --no-build-isolation-package --upgrade-strategy --resolution "
        "--keyring-provider --config-settings -C"
    ),
    words(
        "-e --editable -i --index-url --extra-index-url -f --find-links -P --upgrade-package "
        "--reinstall-package --default-index --index"
    ),
    words("-r --requirement -c --constraint --requirements --override"),
)
UV_VALUES = PIP.values | words("--directory --project --group --extra --package")
NPM = Manager(
    words(
        "install i add in isntall update up upgrade view info show v pack exec x dlx create init "
        "download search s "
        "dist-tag diff global why-remote repo docs home bugs dedupe cache versions fetch "
        "unpublish access owner star"
    ),
    words(
        "--prefix -C --dir --cwd --cache --userconfig --omit --include --loglevel --save-prefix "
        "--tag --pack-destination -w --workspace"
    ),
    words("--registry --package -p --diff"),
)
MANAGERS: dict[str, Manager] = {
    "pip": PIP,
    "npm": NPM,
    "poetry": Manager(
        words("add update search self"),
        words("-G --group -E --extras --python"),
        words("--source"),
    ),
    "pdm": Manager(words("add update"), words("-G --group -p"), words("-e --editable")),
    "rye": Manager(words("add install fetch"), words("--features"), words("--git --url")),
    "pipenv": Manager(
        words("install update upgrade"), words("--python"), words("-e --editable -i --index")
    ),
    "hatch": Manager(words("dep"), frozenset()),
    "pipx": Manager(
        words("install run inject upgrade install-all runpip"),
        words("--python --suffix"),
        words("--spec --pip-args"),
    ),
    "uvx": Manager(
        words("*"),
        UV_VALUES,
        words("--from --with --with-editable --index --index-url --default-index"),
    ),
    "easy_install": Manager(
        words("*"), words("-d --install-dir"), words("-f --find-links -i --index-url")
    ),
    "conda": Manager(
        words(
            "install create search update upgrade info repoquery skeleton download add global exec"
        ),
        words("-n --name -p --prefix -f --file --solver"),
        words("-c --channel"),
    ),
    "cargo": Manager(
        words("add install search info binstall clone download fetch owner yank vet crev"),
        words("--features -F --path --root --target --manifest-path -j --bin --profile"),
        words("--git --index --registry"),
    ),
    "go": Manager(
        words("get install mod list run download"), words("-o -C -modfile -mod -tags -ldflags -f")
    ),
    "gem": Manager(
        words(
            "install fetch unpack i update list query search info specification sources outdated "
            "contents-remote dependency"
        ),
        words("-v --version --install-dir -i --platform"),
        words("-s --source --clear-sources"),
    ),
    "bundle": Manager(
        words("add update inject"),
        words("--group --version --path"),
        words("--git --github --source --gemfile"),
    ),
    "composer": Manager(
        words("require create-project show update global archive browse search home config"),
        words("-d --working-dir"),
        words("--repository --repository-url"),
    ),
    "apt": Manager(
        words(
            "install source download build-dep changelog show showsrc policy madison satisfy reinstall "
            "upgrade rdepends depends"
        ),
        words("-t -o -c --target-release"),
    ),
    "yum": Manager(
        words(
            "install in si se source-install download update reinstall info search list builddep "
            "provides localinstall repoquery"
        ),
        words("--downloaddir --destdir"),
        words("--repofrompath --enablerepo"),
    ),
    "apk": Manager(words("add fetch search info policy"), words("-o -t"), words("-X --repository")),
    "pacman": Manager(words("*"), words("-b -r --cachedir")),
    "brew": Manager(
        words("install fetch info tap upgrade reinstall extract cat home search edit log unpack")
    ),
    "nix": Manager(words("*"), words("-c --command --run"), words("-p --packages -A -iA -I")),
    "snap": Manager(words("install download info find refresh")),
    "flatpak": Manager(words("install search remote-info run")),
    "mvn": Manager(words("*"), words("-f -s -pl")),
    "dotnet": Manager(
        words("add tool package new restore nuget"), words("-v --version"), words("-s --source")
    ),
    "nuget": Manager(
        words("install list search locals"), words("-Version -OutputDirectory"), words("-Source")
    ),
    "cpan": Manager(words("*")),
    "luarocks": Manager(
        words("install download search unpack show build"), words("--tree"), words("--server")
    ),
    "opam": Manager(words("install source show pin info list search")),
    "cabal": Manager(words("get install unpack fetch info list")),
    "stack": Manager(words("unpack install")),
    "mix": Manager(
        words("hex.package hex.info archive.install escript.install deps.get local.hex")
    ),
    "helm": Manager(
        words("pull fetch repo install upgrade show search template"),
        frozenset(),
        words("--repo"),
    ),
    "conan": Manager(words("install download search get inspect"), words(""), words("--requires")),
    "vcpkg": Manager(words("install search")),
    "spack": Manager(words("install fetch stage info checksum versions")),
    "guix": Manager(words("install build shell show search environment")),
    "port": Manager(words("install fetch info search extract")),
    "pkg": Manager(words("install fetch search info")),
    "deb-get": Manager(words("*")),
    "pre-commit": Manager(words("try-repo autoupdate")),
    "swift": Manager(words("package")),
    "pod": Manager(words("install try spec")),
    "devpi": Manager(words("*")),
    "pull-debian-source": Manager(words("*")),
    "debsnap": Manager(words("*")),
    "dget": Manager(words("*")),
    "pypi-download": Manager(words("*")),
    "qpip": PIP,
    "johnnydep": Manager(words("*")),
    "yolk": Manager(words("*")),
    "asdf": Manager(words("plugin install latest")),
    "mise": Manager(words("install use x exec latest ls-remote")),
}
ALIASES = {
    "pip": "pip2 pip3 pypy-pip pip-compile pip-sync pip-download unearth",
    "npm": "pnpm yarn bun cnpm tnpm",
    "conda": "mamba micromamba pixi",
    "apt": "apt-get aptitude apt-cache apt-file apt-fast",
    "yum": "dnf zypper yumdownloader microdnf tdnf",
    "nix": "nix-shell nix-env nix-build nix-prefetch-url nix-prefetch-git",
    "mvn": "gradle gradlew mvnw ivy coursier cs sbt lein",
    "cpan": "cpanm cpanp perldoc-fetch cpm",
    "brew": "linuxbrew",
    "bundle": "bundler",
    "pacman": "yay paru asp pkgctl",
    "mix": "rebar3",
}
