"""A model of messages that speaks a template, token by token: what real text models do, without one.

It lets a script (or any model that answers with messages) stand behind every protocol and template,
with exact tokens, stop texts, token limits and log-probabilities. Not a language model.

    model = SpokenModel(await open_model("scripted:fix.json"), get_template("qwen3_coder"))
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Sequence
from random import Random

from journeyman.errors import AttributedError
from journeyman.gateway import bytes_tokens
from journeyman.gateway.prompts import tail
from journeyman.models.base import Model, Piece
from journeyman.models.stops import first_stop, safe_end
from journeyman.templates import ToolTemplate
from journeyman.types import Completion, Message, Prompt, Sampling

__all__ = ["SpokenModel"]

_SHORTEST_LEAD, _LONGEST_LEAD = 6, 400


class SpokenModel:
    """Writes another model's messages as a template's text, in randomly cut tokens."""

    reads_text = True
    streams_tokens = True
    holds_schemas = True
    # A script answers what it answers; whoever wrote it knows the schema.

    def __init__(self, model: Model, template: ToolTemplate, *, seed: int = 0) -> None:
        self.model = model
        self.template = template
        self.name = model.name
        self.seed = seed
        self.num_drawing = 0
        """Completions that are being drawn right now."""
        self.num_drawn = 0
        """Tokens drawn so far, in all completions."""

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete the prompt as `stream` does."""
        async for item in self.stream(prompt, sampling):
            if isinstance(item, Completion):
                return item
        raise AssertionError("a stream ends with its completion")

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Piece | Completion]:
        """Yield a piece a token, then the completion. Raises what the model behind raises."""
        answer = await self.model.complete(prompt, sampling)
        if answer.message is None:
            raise AttributedError("model_refused", f"{self.model.name} answers with no message")
        shown = _shown(prompt)
        text = _rest(self.template, shown, answer.message)
        stop = _stop(self.template, answer.message)
        seed = self.seed if sampling.seed is None else sampling.seed
        chance = Random(f"{seed} {len(shown)}")  # noqa: S311
        # As with a real vocabulary, what ends a turn is no part of other tokens.
        tokens = bytes_tokens.sample(text, chance) + bytes_tokens.encode(stop)
        prompt_ids = prompt.token_ids or bytes_tokens.encode(shown)
        self.num_drawing += 1
        try:
            async for item in _drawn(tokens, sampling):
                if isinstance(item, Completion):
                    yield item.model_copy(
                        update={
                            "num_prompt_tokens": len(prompt_ids),
                            "model_version": answer.model_version,
                        }
                    )
                else:
                    self.num_drawn += 1
                    yield item
        finally:
            self.num_drawing -= 1

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; nothing is put before a prompt."""
        return bytes_tokens.encode(text)

    async def close(self) -> None:
        """Close the model behind."""
        await self.model.close()


def _shown(prompt: Prompt) -> str:
    if prompt.text is not None or prompt.token_ids is None:
        return prompt.text or ""
    try:
        return bytes_tokens.decode(prompt.token_ids).decode("utf-8", "replace")
    except OverflowError:
        raise AttributedError("model_refused", "the prompt holds unknown tokens") from None


def _rest(template: ToolTemplate, shown: str, message: Message) -> str:
    """What is left of a turn of which the prompt may show the beginning."""
    bare = message.model_copy(update={"content": "", "reasoning": ""})
    # Where the prompt demands a call, nothing can be said before it.
    turns = [template.render_turn(message), template.render_turn(bare)]
    asking = (Message(role="user", content="?"),)
    closed = template.render(asking, add_generation_prompt=False)
    opening = template.render(asking).removeprefix(closed)
    if opening and opening in shown:
        begun = shown[shown.rfind(opening) + len(opening) :]
        found = [turn[len(begun) :] for turn in turns if turn.startswith(begun)]
    else:
        found = [turn[_agreement(shown, turn) :] for turn in turns if _agreement(shown, turn)]
    return (*found, turns[0])[0]


def _stop(template: ToolTemplate, message: Message) -> str:
    """What the template ends this turn with, where a model would stop at it."""
    calls = message.tool_calls
    result = Message(role="tool", content="?", name=calls[0].name if calls else "")
    user = Message(role="user", content="?")
    rest = tail(template, (user, message, result if calls else user), 2, ()) or ""
    return next((stop for stop in template.stop if rest.startswith(stop)), template.stop[0])


def _agreement(shown: str, turn: str) -> int:
    """How many characters both end and begin with; 0 where it may be chance."""
    for length in range(min(len(turn), len(shown), _LONGEST_LEAD), _SHORTEST_LEAD - 1, -1):
        if shown.endswith(turn[:length]):
            return length
    return 0


async def _drawn(tokens: Sequence[int], sampling: Sampling) -> AsyncIterator[Piece | Completion]:
    """Draw the tokens up to a stop text or the limit; text that may begin a stop is held back."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    drawn: list[int] = []
    text, num_shown = "", 0
    stop_at: int | None = None
    for token in tokens[: sampling.max_tokens]:
        await asyncio.sleep(0)
        drawn.append(token)
        text += decoder.decode(bytes_tokens.decode((token,)))
        stop_at = first_stop(text, sampling.stop)
        end = safe_end(text, sampling.stop) if stop_at is None else stop_at
        yield Piece(text[num_shown : max(end, num_shown)], (token,), (_logprob(token),))
        num_shown = max(end, num_shown)
        if stop_at is not None:
            break
    if num_shown < len(text) and stop_at is None:
        yield Piece(text[num_shown:])
    is_cut = stop_at is None and len(drawn) < len(tokens)
    whole = text if is_cut else text + decoder.decode(b"", final=True)
    yield Completion(
        text=whole if stop_at is None else whole[:stop_at],
        stop_text="" if stop_at is None else whole[stop_at:],
        token_ids=tuple(drawn),
        logprobs=tuple(map(_logprob, drawn)),
        finish_reason="length" if is_cut else "stop",
        num_completion_tokens=len(drawn),
    )


def _logprob(token: int) -> float:
    """Some number that belongs to the token, so that a test can tell that it stayed with it."""
    return -(1 + token % 97) / 64
