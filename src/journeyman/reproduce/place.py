"""Where everything of one reproduction lies, inside its run folder.

place = Place(Path("runs/reproduce-tiny"), get_scale("tiny"))
place.policy("sft")          # a link to the model, under the name that tables give it
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from journeyman.reproduce.scales import Scale
from journeyman.reproduce.steps import Act

__all__ = ["AGENTS", "Place"]

AGENTS: dict[str, tuple[str, str, int]] = {
    "software": ("words", "hermes", 40),
    "single-turn": ("answer", "hermes", 160),
    "experience": ("calls", "task", 160),
    "web": ("words", "hermes", 40),
}
"""Of each domain: scaffold, template, longest answer in tokens. One turn each: see docs/reproduce.md."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a reproduction, its scale, and which domains it has."""

    root: Path
    scale: Scale
    domains: tuple[str, ...]
    seeds: tuple[int, ...]

    @property
    def runs(self) -> Path:
        """Folder of all runs: `journeyman view` reads each."""
        return self.root / "runs"

    @property
    def texts(self) -> Path:
        """Folder of the conversations that are practised on."""
        return self.root / "texts"

    def tasks(self, domain: str, part: str) -> Path:
        """Return the folder of a taskset; `part` is learned or held-out."""
        return self.root / "tasksets" / f"{domain}-{part}"

    def policy(self, name: str) -> Path:
        """Return the model folder of a policy."""
        return self.root / "policies" / name

    def named(self, name: str, model: Path) -> Act:
        """Return the act that gives a model its name."""
        return Act(
            f"{self.policy(name)} is {model}", self.policy(name), lambda: self._link(name, model)
        )

    def _link(self, name: str, model: Path) -> None:
        link = self.policy(name)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(model, link.parent))

    def agent(self, domain: str, *, scaffold: str = "") -> tuple[object, ...]:
        """Return the flags of a domain's agent; another scaffold has some turns more."""
        own, template, max_tokens = AGENTS[domain]
        if scaffold and scaffold != own:
            max_tokens = max(max_tokens, 160)
        num_turns = 1 if not scaffold or scaffold in _ONE_TURN else 4
        return (
            *("--scaffold", scaffold or own, "--template", template),
            *("--limits.num-turns", num_turns, "--sampling.max-tokens", max_tokens),
        )

    @property
    def judged(self) -> tuple[object, ...]:
        """Return the flags by which equal answers are judged once in the whole reproduction: every
        verifier of the web starts a browser."""
        return ("--grading", "shared", "--verdicts", self.root / "verdicts")

    def measured(self, policy: str, domain: str) -> Path:
        """Return the run in which a policy did a domain's held-out tasks."""
        return self.runs / f"{policy}--{domain}"

    def experts(self, seed: int, domains: Sequence[str]) -> list[tuple[str, Path]]:
        """Return the names and models of the experts of a seed."""
        return [(it, self.policy(f"expert-{it}-{seed}")) for it in domains]


_ONE_TURN = ("words", "line", "answer", "calls")
