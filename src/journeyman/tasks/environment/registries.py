"""What a build sandbox is given so that package managers find their registries: settings and a cache.

spec = SandboxSpec(mounts=tuple(registry_mounts()), variables=registry_variables(), network="open")
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from journeyman.config import cache_folder
from journeyman.sandbox import Mount

__all__ = ["REGISTRY_CACHE", "registry_mounts", "registry_variables"]

REGISTRY_CACHE = "/opt/registry-cache"
"""Where the packages that were fetched before lie in the sandbox."""
_SETTINGS = "/opt/npmrc"
_PASSED_ON = re.compile(
    r"(?i)(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|npm_config_(registry|cafile)"
    r"|GOPROXY|GONOSUMDB|GOPRIVATE|COMPOSER_REPO_PACKAGIST|BUNDLE_MIRROR\w*|CARGO_REGISTRIES_\w+"
)


def registry_mounts() -> Iterator[Mount]:
    """Yield the cache, writable, and the user's settings of npm where there are any."""
    yield Mount(source=cache_folder("registries"), target=REGISTRY_CACHE, is_writable=True)
    if _npm_settings().is_file():
        yield Mount(source=_npm_settings(), target=_SETTINGS)


def registry_variables() -> dict[str, str]:
    """Return the user's own variables that say where registries are."""
    passed = {key: value for key, value in os.environ.items() if _PASSED_ON.fullmatch(key)}
    settings = {"NPM_CONFIG_USERCONFIG": _SETTINGS} if _npm_settings().is_file() else {}
    return {**passed, **settings}


def _npm_settings() -> Path:
    return Path.home() / ".npmrc"
