"""`journeyman data preferences`: answers drawn, compared in pairs by a judge, and ranked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from journeyman.cli.data_lines import refuse_existing, write_lines
from journeyman.cli.output import note, print_json

__all__ = ["preferences_command"]

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
