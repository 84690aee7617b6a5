"""Downloads the public packages that the oracle tests compare with, into the user's cache.

Nothing here is committed or shipped: a package is fetched by name with `uv`, only the files named
in `keep` stay, and a second run finds them. `UnavailableError` is raised where there is no network.

    >>> (tree("trl") / "trl/chat_templates").is_dir()  # doctest: +SKIP
    True
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from journeyman.config import cache_folder
from journeyman.programs import find_uv


class UnavailableError(Exception):
    """A package cannot be had here and now."""


@dataclass(frozen=True)
class Package:
    """One pinned package; `keep` are globs of a source distribution, empty means a wheel."""

    name: str
    version: str
    keep: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """What a wheel needs to be imported, as pinned requirements."""
    part: str = ""
    """Names this selection of files where a package is here twice, or only in part."""
    files: tuple[str, ...] = ()
    """Globs of the files of a wheel that stay; empty means all."""

    @property
    def label(self) -> str:
        """What `tree` is asked for."""
        return f"{self.name}-{self.part}" if self.part else self.name


PACKAGES = {
    package.label: package
    for package in (
        Package("llama-cpp-python", "0.3.36", ("vendor/llama.cpp/models/templates/*",)),
        Package("vllm", "0.33.0", ("examples/*.jinja",)),
        Package(
            "vllm",
            "0.16.0",
            ("vllm/tool_parsers/*.py", "vllm/entrypoints/openai/engine/protocol.py"),
            part="parsers",
        ),
        Package("litellm", "1.110.2", part="vocabularies", files=("*/*/tokenizers/*",)),
        Package("tokenizers", "0.22.1"),
        Package(
            "renderers",
            "0.1.12",
        ),
        Package("trl", "1.16.0"),
        Package("openai-harmony", "0.0.8", also=("pydantic>=2.11",)),
        Package(
            "llm-router-utils",
            "0.8.1",
            also=(
                "pydantic>=2.11",
                "jinja2",
                "partial_json_parser",
                "orjson",
                "openai==2.6.1",
                "packaging",
                "json_repair",
                "tiktoken",
            ),
        ),
    )
}


def tree(name: str) -> Path:
    """Return the folder of a package, downloading it the first time."""
    package = PACKAGES[name]
    folder = cache_folder("genuine") / f"{package.label}-{package.version}"
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fresh = _source(package, Path(scratch)) if package.keep else _wheel(package, Path(scratch))
        try:
            os.replace(fresh, folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    return folder


def _wheel(package: Package, scratch: Path) -> Path:
    target = scratch / "wheel"
    _install(["--target", str(target), "--no-deps", f"{package.name}=={package.version}"])
    if package.also:
        _install(["--target", str(target), *package.also])
    if not target.is_dir():
        raise UnavailableError(f"{package.name} {package.version} was not downloaded")
    return _selected(target, package.files, scratch / "kept") if package.files else target


def _selected(root: Path, patterns: tuple[str, ...], kept: Path) -> Path:
    for pattern in patterns:
        for path in root.glob(pattern):
            target = kept / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, target)
    return kept


def _source(package: Package, scratch: Path) -> Path:
    """Fetch a source distribution without building it.

    `uv` unpacks it into its cache before it asks for metadata; without build isolation that last
    step fails at once, and the unpacked tree is all that is wanted.
    """
    options = ["--cache-dir", str(scratch / "uv"), "--no-deps", "--no-build-isolation"]
    requirement = ["--no-binary", package.name, f"{package.name}=={package.version}"]
    _install([*options, "--target", str(scratch / "none"), *requirement], must_succeed=False)
    roots = list((scratch / "uv").glob(f"sdists-*/pypi/{package.name}/{package.version}/*/src"))
    if not roots:
        raise UnavailableError(f"the source of {package.name} {package.version} was not downloaded")
    return _selected(roots[0], package.keep, scratch / "kept")


def _install(arguments: list[str], *, must_succeed: bool = True) -> None:
    command = [
        find_uv() or "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        *arguments,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from None
    if must_succeed and done.returncode != 0:
        raise UnavailableError(done.stderr.strip().splitlines()[-1] if done.stderr else "uv failed")
