"""`journeyman model`: which models can be named, and what one of them does on this machine."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from cyclopts import App

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.models import list_models, open_model
from journeyman.types import Message, Prompt, Sampling

__all__ = ["app"]

app = App(name="model", help="Which models can be named, and what one does on this machine.")


@app.command(name="list")
def list_all(*, json: bool = False) -> int:
    """Show the models that `--model` takes.

    Parameters
    ----------
    json
        Print the list as JSON.
    """
    known = list_models()
    if json:
        print_json(known)
    else:
        print_table(("model", "what it is"), known.items())
    return 0


@app.command(name="try")
def try_one(
    spec: str,
    prompt: str = "Write a Python function that adds two numbers.",
    /,
    *,
    max_tokens: int = 64,
    json: bool = False,
) -> int:
    """Open a model, let it complete one prompt, and say how fast it was.

    Parameters
    ----------
    spec
        The model, as `--model` takes it.
    prompt
        What to say to it.
    max_tokens
        Most tokens of the answer.
    json
        Print the completion as JSON.
    """
    record = asyncio.run(_try(spec, prompt, max_tokens))
    if json:
        print_json(record)
        return 0
    print_lines([record["text"], ""])
    note(
        f"{record['num_completion_tokens']} tokens in {record['duration_s']:.2f} s, "
        f"{record['tokens_per_s']:.0f} a second; {record['num_prompt_tokens']} prompt tokens"
    )
    return 0


async def _try(spec: str, text: str, max_tokens: int) -> dict[str, Any]:
    from journeyman.templates import get_template

    model = await open_model(spec, on_progress=note)
    try:
        messages = (Message(role="user", content=text),)
        template = get_template("hermes")
        rendered = template.render(messages) if model.reads_text else None
        started = time.monotonic()
        done = await model.complete(
            Prompt(messages=messages, text=rendered),
            Sampling(max_tokens=max_tokens, temperature=0.0, stop=template.stop),
        )
        duration_s = time.monotonic() - started
    finally:
        await model.close()
    return {
        "model": model.name,
        "text": done.text or (done.message.content if done.message else ""),
        "num_prompt_tokens": done.num_prompt_tokens,
        "num_completion_tokens": done.num_completion_tokens,
        "duration_s": duration_s,
        "tokens_per_s": done.num_completion_tokens / duration_s if duration_s else 0.0,
        "finish_reason": done.finish_reason,
    }
