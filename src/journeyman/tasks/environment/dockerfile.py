"""A plain Dockerfile that makes the same environment as an image, for machines with an engine.

>>> print(write_dockerfile(environment))  # doctest: +SKIP
FROM python:3.11-slim …
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from journeyman.sandbox import ENVIRONMENT_PATH, WORKSPACE
from journeyman.types import Environment

__all__ = ["write_dockerfile", "write_language_dockerfile"]


def write_dockerfile(environment: Environment, editable: bool, version: str) -> str:
    """Return the Dockerfile of an environment; its build context is the environment's folder."""
    minor = ".".join(environment.language_version.split(".")[:2])
    variables = {**environment.variables, "PATH": f"{ENVIRONMENT_PATH}/bin:$PATH"}
    target = f"--no-deps --editable {WORKSPACE}"
    add_path = (
        f"printf '{WORKSPACE}/src\\n{WORKSPACE}\\n' > "
        f"{ENVIRONMENT_PATH}/lib/python{minor}/site-packages/testbed.pth"
    )
    project = f"{ENVIRONMENT_PATH}/bin/pip install {target}" if editable else add_path
    return "\n".join(
        [
            f"# {environment.project} at {environment.commit}, packages as of {environment.created_at}",
            f"FROM python:{minor}-slim",
            "RUN apt-get update && apt-get install --yes --no-install-recommends git "
            "&& rm -rf /var/lib/apt/lists/*",
            "RUN useradd --create-home --uid 1000 agent",
            f"RUN python -m venv {ENVIRONMENT_PATH}",
            f"RUN {ENVIRONMENT_PATH}/bin/pip install --no-cache-dir {_listed(environment)}",
            f"COPY --chown=agent:agent repository {WORKSPACE}",
            f"RUN SETUPTOOLS_SCM_PRETEND_VERSION={shlex.quote(version)} {project}",
            *(f"ENV {key}={value}" for key, value in sorted(variables.items())),
            f"WORKDIR {WORKSPACE}",
            "USER agent",
            "",
        ]
    )


def write_language_dockerfile(environment: Environment, packages: Sequence[str]) -> str:
    """Return the Dockerfile of an environment of another language, with Debian's toolchain."""
    return "\n".join(
        [
            f"# {environment.project} at {environment.commit}",
            f"# built with {environment.language_version}",
            "FROM debian:stable-slim",
            "RUN apt-get update && apt-get install --yes --no-install-recommends git "
            f"{' '.join(packages)} && rm -rf /var/lib/apt/lists/*",
            "RUN useradd --create-home --uid 1000 agent",
            f"COPY toolchain {ENVIRONMENT_PATH}",
            f"COPY --chown=agent:agent repository {WORKSPACE}",
            *(f"ENV {key}={value}" for key, value in sorted(environment.variables.items())),
            f"WORKDIR {WORKSPACE}",
            "USER agent",
            "",
        ]
    )


def _listed(environment: Environment) -> str:
    return " \\\n    ".join(shlex.quote(package) for package in environment.packages) or "pip"
