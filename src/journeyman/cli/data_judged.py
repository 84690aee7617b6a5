"""`journeyman data preferences` and `data verify`: answers that a judge ranks, or a user tries out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.data_lines import refuse_existing, write_lines
from journeyman.cli.models import opened_named_model
from journeyman.cli.output import note, print_json
from journeyman.train.documents.conversation import read_conversations
from journeyman.train.preferences.draw import Drawn, DrawSettings, draw_preferences
from journeyman.train.simulator import Trial, UserSettings, try_answers

__all__ = ["preferences_command", "verify_command"]


class GivenDraw(DrawSettings):
    """The flags of `data preferences`."""

    checklist: Annotated[tuple[str, ...], Parameter(name="--check")] = (
        "It does what was asked, completely.",
        "What it says is right, and its code would run.",
        "It is no longer than it needs to be.",
    )
    """A point of the judge's checklist; again for more."""


class GivenUser(UserSettings):
    """The flags of `data verify`."""

    backend: Annotated[str, Parameter(name="--sandbox")] = "namespace"
    """Where commands run: namespace, docker or podman; never with a network."""
    temperature: Annotated[float, Parameter(parse=False)] = 0.0


def preferences_command(
    conversations: Path,
    file: Path,
    /,
    *,
    model: str = "smollm2",
    judge: str = "",
    best: Path | None = None,
    num: int = 0,
    given: Annotated[GivenDraw, Parameter(name="*")] = GivenDraw(),  # noqa: B008 - frozen
    json: bool = False,
) -> int:
    """Answer requests several times, let a judge compare all pairs, and write best against worst.

    Parameters
    ----------
    conversations
        A JSONL file of conversations; what the assistant says at their end is not looked at.
    file
        The JSONL file of preferences to write, for `train dpo --preferences`.
    model
        Who answers, as `--model` takes it.
    judge
        Who compares, likewise; the same model where none is given.
    best
        A JSONL file to write too: each request with its best answer, for `train sft --conversations`.
    num
        How many of the requests, the first ones; 0 takes all.
    given
        How answers are drawn and judged.
    json
        Print the counts as JSON.
    """
    asked = list(read_conversations(conversations))
    asked = asked[:num] if num else asked
    refuse_existing(file, *([best] if best else []))

    async def work() -> Drawn:
        async with opened_named_model(model) as answering:
            if judge in ("", model):
                return await draw_preferences(answering, answering, asked, given)
            async with opened_named_model(judge) as judging:
                return await draw_preferences(answering, judging, asked, given)

    drawn = asyncio.run(work())
    write_lines(file, drawn.preferences)
    if best is not None:
        write_lines(best, drawn.best)
    if json:
        print_json(
            {
                "num_requests": len(asked),
                "num_preferences": len(drawn.preferences),
                "num_comparisons": drawn.num_comparisons,
                "num_ties": drawn.num_ties,
                "dropped": dict(drawn.dropped),
            }
        )
        return 0
    note(
        f"{len(drawn.preferences)} preferences of {len(asked)} requests in {file}; requests left out: "
        f"{_told(drawn.dropped)}; {drawn.num_comparisons} pairs compared, {drawn.num_ties} of them even"
    )
    return 0


def verify_command(
    conversations: Path,
    file: Path,
    /,
    *,
    model: str = "smollm2",
    evidence: Path | None = None,
    given: Annotated[GivenUser, Parameter(name="*")] = GivenUser(),  # noqa: B008 - frozen
    json: bool = False,
) -> int:
    """Let a model play the user who tries an answer's code in a sandbox; keep the answers that work.

    Parameters
    ----------
    conversations
        A JSONL file of conversations that end with an answer.
    file
        The JSONL file of those that were accepted, for `train sft --conversations`.
    model
        Who plays the user, as `--model` takes it.
    evidence
        A JSONL file to write too: of every answer the commands, what they printed, and the reason.
    given
        Who tries, and for how long.
    json
        Print the counts as JSON.
    """
    answered = list(read_conversations(conversations))
    refuse_existing(file, *([evidence] if evidence else []))

    async def work() -> list[Trial]:
        async with opened_named_model(model) as user:
            return await try_answers(user, answered, given)

    trials = asyncio.run(work())
    kept = [it for it, trial in zip(answered, trials, strict=True) if trial.is_accepted]
    write_lines(file, kept)
    if evidence is not None:
        write_lines(evidence, trials)
    dropped = Counter(it.reason for it in trials if not it.is_accepted)
    if json:
        print_json({"num_answers": len(trials), "num_kept": len(kept), "dropped": dict(dropped)})
        return 0
    note(f"{len(kept)} of {len(trials)} answers work, in {file}; left out: {_told(dropped)}")
    return 0


def _told(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(dropped.items())) or "none"
