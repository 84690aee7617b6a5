"""What this machine can do for sandboxes, and the command that mends what it cannot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.sandbox import cgroups
from journeyman.types import Check

__all__ = ["diagnose", "explain_refusal"]

_OLDEST_KERNEL = (5, 12)
"""Overlays in user namespaces came with 5.11, `mount_setattr` with 5.12."""

_PROBE = (
    "mount -t tmpfs tmpfs /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/m && "
    "mount -t overlay -o userxattr,lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w overlay /mnt/m"
)


def diagnose() -> list[Check]:
    """Look at everything the namespace sandbox needs."""
    return [_kernel(), _namespaces(), _overlay(), _cgroups(), _docker()]


def explain_refusal(reason: str) -> JourneymanError:
    """Turn what the kernel refused into an error that names reason and way out."""
    for check in diagnose():
        if check.is_required and not check.is_ok:
            hint = check.fix + _docker_alternative()
            return JourneymanError(f"no namespace sandbox: {check.detail}", hint)
    return JourneymanError(f"the sandbox did not start: {reason}", "journeyman doctor")


def _kernel() -> Check:
    release = os.uname().release
    numbers = tuple(int(number) for number in re.findall(r"\d+", release)[:2])
    is_new = numbers >= _OLDEST_KERNEL
    wanted = "Linux {}.{} or newer".format(*_OLDEST_KERNEL)
    detail = f"Linux {release}" if is_new else f"Linux {release} is too old, it takes {wanted}"
    return Check(name="kernel", is_ok=is_new, detail=detail, fix="" if is_new else f"use {wanted}")


def _namespaces() -> Check:
    probe = _attempt(["unshare", "--user", "--map-root-user", "--mount", "true"])
    if probe is None:
        return Check(name="user namespaces", is_ok=True, detail="permitted")
    detail, fix = _namespace_reason(probe)
    return Check(name="user namespaces", is_ok=False, detail=detail, fix=fix)


def _namespace_reason(probe: str) -> tuple[str, str]:
    switches = {
        "/proc/sys/user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=15000"),
        "/proc/sys/kernel/unprivileged_userns_clone": (
            "0",
            "sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    }
    for path, (bad, fix) in switches.items():
        file = Path(path)
        if file.exists() and file.read_text().strip() == bad:
            name = path.removeprefix("/proc/sys/").replace("/", ".")
            return f"user namespaces are switched off ({name}={bad})", fix
    return f"user namespaces are refused ({probe})", "run outside this container, or as root"


def _overlay() -> Check:
    probe = _attempt(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _PROBE])
    if probe is None:
        return Check(name="overlayfs", is_ok=True, detail="in user namespaces")
    return Check(
        name="overlayfs",
        is_ok=False,
        detail=f"overlayfs cannot be mounted in a user namespace ({probe})",
        fix="use a kernel of version 5.11 or newer",
    )


def _cgroups() -> Check:
    found = cgroups.describe()
    detail = found or "not writable: memory and processes are limited by rlimits only"
    return Check(name="control groups", is_ok=bool(found), detail=detail, is_required=False)


def _docker() -> Check:
    """Only `--sandbox docker` needs it."""
    if shutil.which("docker") is None:
        detail, fix = "not installed", "apt-get install -y docker.io"
    else:
        refusal = _attempt(["docker", "info", "--format", "{{.ServerVersion}}"])
        if refusal is None:
            return Check(name="docker", is_ok=True, detail="an engine answers", is_required=False)
        detail, fix = "no engine answers", "systemctl start docker"
    return Check(name="docker", is_ok=False, detail=detail, fix=fix, is_required=False)


def _attempt(arguments: list[str]) -> str | None:
    """Run a probe; None where it succeeds, else the last line it said."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"


def _docker_alternative() -> str:
    return "; or use --sandbox docker" if shutil.which("docker") else ""
