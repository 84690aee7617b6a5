"""`journeyman data preferences` and `data verify`: answers that a judge ranks, or a user tries out."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from journeyman.cli.data_lines import refuse_existing, write_lines
from journeyman.cli.output import note, print_json

__all__ = ["preferences_command", "verify_command"]

_CHECKLIST = (
    "It does what was asked, completely.",
    "What it says is right, and its code would run.",
    "It is no longer than it needs to be.",
)


def preferences_command(
    conversations: Path,
    file: Path,
    /,
    *,
    model: str = "smollm2",
    judge: str = "",
    template: str = "hermes",
    check: tuple[str, ...] = _CHECKLIST,
    best: Path | None = None,
    num: int = 0,
    num_candidates: int = 4,
    temperature: float = 0.8,
    max_tokens: int = 512,
    margin: float = 1.5,
    num_parallel: int = 4,
    seed: int = 0,
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
    template
        The template of both, where they read text.
    check
        A point of the judge's checklist; again for more.
    best
        A JSONL file to write too: each request with its best answer, for `train sft --conversations`.
    num
        How many of the requests, the first ones; 0 takes all.
    num_candidates
        Answers to each request.
    temperature
        Of the answers; the judge takes the likeliest words.
    max_tokens
        Most tokens of an answer, and of a judgement.
    margin
        The best is taken if it is more than so many times as strong as the worst, by Bradley and Terry.
    num_parallel
        Requests at the same time.
    seed
        Seed of the answers.
    json
        Print the counts as JSON.
    """
    from journeyman.train.documents.conversation import read_conversations
    from journeyman.train.preferences.draw import Drawn, DrawSettings, draw_preferences

    settings = DrawSettings(
        checklist=check,
        template=template,
        num_candidates=num_candidates,
        temperature=temperature,
        max_tokens=max_tokens,
        margin=margin,
        num_parallel=num_parallel,
        seed=seed,
    )
    asked = list(read_conversations(conversations))
    asked = asked[:num] if num else asked
    refuse_existing(file, *([best] if best else []))

    async def work() -> Drawn:
        from journeyman.models import open_model

        answering = await open_model(model, on_progress=note)
        try:
            if judge in ("", model):
                return await draw_preferences(answering, answering, asked, settings)
            judging = await open_model(judge, on_progress=note)
            try:
                return await draw_preferences(answering, judging, asked, settings)
            finally:
                await judging.close()
        finally:
            await answering.close()

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
    why = ", ".join(f"{count} {name}" for name, count in sorted(drawn.dropped.items()))
    note(
        f"{len(drawn.preferences)} preferences of {len(asked)} requests in {file}; requests left out: "
        f"{why or 'none'}; {drawn.num_comparisons} pairs compared, {drawn.num_ties} of them even"
    )
    return 0


def verify_command(
    conversations: Path,
    file: Path,
    /,
    *,
    model: str = "smollm2",
    template: str = "hermes",
    evidence: Path | None = None,
    num_turns: int = 5,
    max_tokens: int = 400,
    timeout_s: float = 20.0,
    num_parallel: int = 2,
    sandbox: str = "namespace",
    seed: int = 0,
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
    template
        Its template, where it reads text.
    evidence
        A JSONL file to write too: of every answer the commands, what they printed, and the reason.
    num_turns
        Most things that the user says about an answer.
    max_tokens
        Most tokens of one of them.
    timeout_s
        Seconds that a command may take.
    num_parallel
        Answers tried at the same time.
    sandbox
        Where commands run: namespace, docker or podman; never with a network.
    seed
        Seed of the user.
    json
        Print the counts as JSON.
    """
    from journeyman.train.documents.conversation import read_conversations
    from journeyman.train.simulator import Trial, UserSettings, try_answers

    settings = UserSettings(
        template=template,
        num_turns=num_turns,
        max_tokens=max_tokens,
        timeout_s=timeout_s,
        num_parallel=num_parallel,
        backend=sandbox,
        seed=seed,
    )
    answered = list(read_conversations(conversations))
    refuse_existing(file, *([evidence] if evidence else []))

    async def work() -> list[Trial]:
        from journeyman.models import open_model

        user = await open_model(model, on_progress=note)
        try:
            return await try_answers(user, answered, settings)
        finally:
            await user.close()

    trials = asyncio.run(work())
    kept = [it for it, trial in zip(answered, trials, strict=True) if trial.is_accepted]
    write_lines(file, kept)
    if evidence is not None:
        write_lines(evidence, trials)
    dropped = Counter(it.reason for it in trials if not it.is_accepted)
    if json:
        print_json({"num_answers": len(trials), "num_kept": len(kept), "dropped": dict(dropped)})
        return 0
    why = ", ".join(f"{count} {name}" for name, count in sorted(dropped.items()))
    note(f"{len(kept)} of {len(trials)} answers work, in {file}; left out: {why or 'none'}")
    return 0
