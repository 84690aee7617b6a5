"""Writes the prompts of a conversation so that each extends the last, character by character.

Rendering the whole conversation anew would replace what the model wrote by the template's own way of
writing it, and the trained tokens would no longer be the sampled ones. Not a template.
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.base import Template
from journeyman.types import Message, ToolSpec

__all__ = ["PromptWriter"]


class PromptWriter:
    """The prompt of one conversation as text; `text` is the whole of it."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.text = ""
        self.is_rewritten = False
        """True if the last `extend` had to render everything anew."""
        self._completion: str | None = None

    def extend(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> str:
        """Bring the prompt up to `messages` and return what was added to prompt and completion."""
        rendered = self.template.render(messages, tools)
        tail = self._tail(messages, tools, rendered)
        self.is_rewritten = tail is None and self._completion is not None
        if tail is None:
            self.text = rendered
            return rendered
        self.text += (self._completion or "") + tail
        return tail

    def take_completion(self, text: str) -> None:
        """Remember what the model wrote after the present prompt, without the text that ended it."""
        self._completion = text

    def _tail(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], rendered: str
    ) -> str | None:
        """What follows the completion: the end of its turn, the new messages and the next opening."""
        if self._completion is None:
            return None
        last = max(index for index, message in enumerate(messages) if message.role == "assistant")
        before = self.template.render(messages[:last], tools)
        upto = self.template.render(messages[: last + 1], tools, add_generation_prompt=False)
        if not upto.startswith(before) or not rendered.startswith(upto):
            return None
        written = upto[len(before) :]
        cut = max((written.rfind(stop) for stop in self.template.stop), default=-1)
        return written[cut:] + rendered[len(upto) :] if cut >= 0 else None
