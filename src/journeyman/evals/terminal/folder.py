"""Task folders of Terminal-Bench 1 (`task.yaml`) and of Harbor and Terminal-Bench 2 (`task.toml`).

    read_folders(Path("terminal-bench-2"))[0].instruction

Harbor: `instruction.md`, `environment/Dockerfile`, `tests/test.sh`, `solution/solve.sh`; its tests write
`/logs/verifier/reward.txt` or `reward.json`. Terminal-Bench 1: `Dockerfile`, `run-tests.sh`, `tests/`,
`solution.sh`; its tests print pytest's summary.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from journeyman.errors import JourneymanError
from journeyman.types import Data

__all__ = ["TerminalFolder", "read_folders"]

_FILES = ("task.toml", "task.yaml")
_COMPOSE = ("docker-compose.yaml", "docker-compose.yml")


class TerminalFolder(Data):
    """One task, as its folder has it."""

    name: str
    form: Literal["harbor", "terminal-bench-1"]
    path: Path
    instruction: str
    context: Path
    """Folder that the image is built from."""
    image: str = ""
    """A published image, where the task names one."""
    agent_s: float = 900.0
    """Seconds that the benchmark gives an agent."""
    verifier_s: float = 900.0
    build_s: float = 600.0
    num_cpus: float = 1.0
    memory_bytes: int = 2 << 30
    wants_network: bool = True
    """Whether the benchmark lets its containers reach the network."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Of the container."""
    verifier_variables: dict[str, str] = Field(default_factory=dict)
    solution_variables: dict[str, str] = Field(default_factory=dict)
    refusal: str = ""
    """Why it cannot be run here; empty where it can."""

    @property
    def test_script(self) -> Path:
        """What runs the tests."""
        return self.path / ("tests/test.sh" if self.form == "harbor" else "run-tests.sh")

    @property
    def solution(self) -> Path:
        """What solves the task."""
        return self.path / ("solution/solve.sh" if self.form == "harbor" else "solution.sh")


def read_folders(folder: Path) -> list[TerminalFolder]:
    """Read one task folder, or every one below a folder, by name.

    Raises `JourneymanError` where there is none, or one cannot be read.
    """
    found = [folder / name for name in _FILES if (folder / name).is_file()]
    for name in _FILES:
        found = found or []
        found += folder.glob(f"*/{name}")
        found += folder.glob(f"tasks/*/{name}")
    if not found:
        raise JourneymanError(
            f"{folder} holds no task folders of Terminal-Bench or Harbor",
            "give a folder with task.toml or task.yaml in it, or one of such folders",
        )
    return sorted((_read(path) for path in dict.fromkeys(found)), key=lambda it: it.name)


def _read(path: Path) -> TerminalFolder:
    try:
        table = _table(path)
        fields = (
            _harbor(path.parent, table) if path.name == "task.toml" else _first(path.parent, table)
        )
        return TerminalFolder(name=path.parent.name, path=path.parent, **fields)
    except (OSError, UnicodeDecodeError, ValidationError, TypeError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise JourneymanError(f"{path} is no task: {reason}", "fetch the benchmark again") from None


def _table(path: Path) -> Mapping[str, Any]:
    text = path.read_text(encoding="utf-8")
    if path.name == "task.toml":
        return tomllib.loads(text)
    try:
        import yaml  # of the extra `data`; only the first Terminal-Bench needs it
    except ImportError:
        raise JourneymanError(
            f"{path} is YAML, which needs a package of the extra `data`",
            "uv sync --extra data, or pip install 'journeyman[data]'",
        ) from None
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, Mapping):
        raise ValueError("it is no table")
    return found


def _harbor(folder: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    environment, verifier = table.get("environment", {}), table.get("verifier", {})
    memory = environment.get("memory_mb") or _megabytes(environment.get("memory", "2G"))
    return {
        "form": "harbor",
        "instruction": (folder / "instruction.md").read_text(encoding="utf-8"),
        "context": folder / "environment",
        "image": environment.get("docker_image") or "",
        "agent_s": table.get("agent", {}).get("timeout_sec", 900.0),
        "verifier_s": verifier.get("timeout_sec", 900.0),
        "build_s": environment.get("build_timeout_sec", 600.0),
        "num_cpus": environment.get("cpus", 1),
        "memory_bytes": int(memory) << 20,
        "wants_network": environment.get("allow_internet", True),
        "variables": _strings(environment.get("env", {})),
        "verifier_variables": _strings(verifier.get("env", {})),
        "solution_variables": _strings(table.get("solution", {}).get("env", {})),
        "refusal": _refusal(folder, folder / "environment", table),
    }


def _first(folder: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    parser = table.get("parser_name", "pytest")
    refusal = (
        "" if parser == "pytest" else f"its tests are read by {parser}, which is not known here"
    )
    return {
        "form": "terminal-bench-1",
        "instruction": str(table["instruction"]) if "instruction" in table else "",
        "context": folder,
        "agent_s": table.get("max_agent_timeout_sec", 360.0),
        "verifier_s": table.get("max_test_timeout_sec", 60.0),
        "refusal": refusal or _services(folder),
    }


def _refusal(folder: Path, context: Path, table: Mapping[str, Any]) -> str:
    if "steps" in table:
        return "it has several steps"
    if not (folder / "tests/test.sh").is_file():
        return "it has no tests/test.sh"
    return _services(context)


def _services(context: Path) -> str:
    """Say why a composition of services is more than the one container that is run here."""
    for name in _COMPOSE:
        path = context / name
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        services = [line for line in text.split("\n") if _is_service(line, text)]
        if len(services) > 1:
            return f"{name} has {len(services)} services, and one container is run here"
    return ""


def _is_service(line: str, text: str) -> bool:
    """Whether a line names a service: the keys one step below `services:`."""
    after = text.partition("services:")[2]
    first = next(
        (it for it in after.split("\n") if it.strip() and not it.strip().startswith("#")), ""
    )
    step = first[: len(first) - len(first.lstrip())]
    is_key = line.startswith(step) and line[len(step) :][:1].strip() and line.rstrip().endswith(":")
    return bool(step and is_key and line in after.split("\nvolumes:")[0].split("\nnetworks:")[0])


def _megabytes(text: str) -> int:
    number, unit = str(text).strip().rstrip("Bb").rstrip("i"), 1
    if number[-1:].upper() in "GM" and number:
        unit = 1024 if number[-1].upper() == "G" else 1
        number = number[:-1]
    return int(float(number) * unit)


def _strings(table: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in table.items()}
