"""The tokens of a conversation, so that each prompt extends the last, token by token.

What the model wrote enters the next prompt as the tokens that it sampled, never tokenised again:
the same text may have other tokens, and a policy must be trained on those that it drew.
"""

from __future__ import annotations

from journeyman.models.base import Tokenizer
from journeyman.types import Completion

__all__ = ["TokenWriter"]


class TokenWriter:
    """The prompt of one conversation as tokens; `token_ids` is the whole of it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.token_ids: tuple[int, ...] = ()
        self.is_rewritten = False
        """True if the last `extend` had to tokenise everything anew."""
        self._completion: Completion | None = None

    async def extend(self, text: str, added: str, *, is_rewritten: bool) -> tuple[int, ...]:
        """Bring the tokens up to the prompt `text` and return what was added.

        `added` is what `text` has beyond the last prompt and completion, the whole of it if
        `is_rewritten`. Raises `AttributedError` with a `model_*` cause.
        """
        done = self._completion
        follows = (
            done is not None
            and not is_rewritten
            and bool(done.token_ids)
            and added.startswith(done.stop_text)
        )
        self.is_rewritten = done is not None and not follows
        if done is None or not follows:
            self.token_ids = await self.tokenizer.tokenize(text, is_start=True)
            return self.token_ids
        # The last sampled tokens hold the text that ended the turn, which `added` begins with.
        new = await self.tokenizer.tokenize(added[len(done.stop_text) :])
        self.token_ids = self.token_ids + done.token_ids + new
        return new

    def take_completion(self, completion: Completion) -> None:
        """Remember what the model wrote after the present prompt."""
        self._completion = completion
