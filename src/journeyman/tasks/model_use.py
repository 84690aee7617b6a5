"""What the questions to a model took: calls, tokens and money."""

from __future__ import annotations

from journeyman.types import Completion, Data

__all__ = ["ModelUse"]


class ModelUse(Data):
    """Sums over all questions to one model."""

    model: str = ""
    num_calls: int = 0
    num_prompt_tokens: int = 0
    num_completion_tokens: int = 0
    cost_usd: float = 0.0

    def plus(self, done: Completion) -> ModelUse:
        """Return the sums with one more answer."""
        return ModelUse(
            model=self.model,
            num_calls=self.num_calls + 1,
            num_prompt_tokens=self.num_prompt_tokens + done.num_prompt_tokens,
            num_completion_tokens=self.num_completion_tokens + done.num_completion_tokens,
            cost_usd=self.cost_usd + done.cost_usd,
        )
