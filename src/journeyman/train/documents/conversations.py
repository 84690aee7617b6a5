"""A conversation in a template's words, of which exactly what the assistant writes is trained on.

Prompts are put together as they are when a model is sampled (`scaffolds.rendering`), so what is trained
is what will be used: every turn of the assistant, with the text that ends it, once, behind the very
prompt that it would be drawn from. System, user and tool messages are context.

    sequences = render_conversation(messages, tools, get_template("hermes"), tokenizer)
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Protocol

from journeyman.scaffolds.rendering import PromptWriter
from journeyman.templates import ToolTemplate
from journeyman.train.documents.encode import Encoded
from journeyman.types import Message, ToolSpec, Trajectory

__all__ = ["TextEncoder", "can_render", "messages_of", "render_conversation"]


_MARK = "\ue000"


class TextEncoder(Protocol):
    """What is needed of a tokenizer; `train.tokenizer.PlainTokenizer` is one."""

    def text_ids(self, text: str) -> Sequence[int]:
        """Return the ids of a rendered text, special tokens read as such."""
        ...

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of ids, special tokens spelled out."""
        ...


def messages_of(trajectory: Trajectory) -> tuple[Message, ...]:
    """Return a trajectory's conversation, up to the last turn of the assistant."""
    found: list[Message] = []
    for turn in trajectory.turns:
        found += [*turn.prompt_messages, turn.message]
    return tuple(found)


def can_render(
    messages: Sequence[Message], tools: Sequence[ToolSpec], template: ToolTemplate
) -> bool:
    """Whether a template reads back every turn of the assistant exactly as it writes it."""
    return all(template.can_write(it, tools) for it in messages if it.role == "assistant")


def render_conversation(
    messages: Sequence[Message],
    tools: Sequence[ToolSpec],
    template: ToolTemplate,
    tokenizer: TextEncoder,
    *,
    source: str = "conversation",
) -> list[Encoded]:
    """Return the sequences of a conversation, in order.

    One, unless the template rewrites what came before; then the rewritten prompt begins a new one.
    """
    writer = PromptWriter(template)
    sequences: list[Encoded] = []
    ended = ""
    for index, message in enumerate(messages):
        if message.role != "assistant":
            continue
        added = writer.extend(messages[:index], tools)
        if not sequences or writer.is_rewritten:
            sequences.append(Encoded(array("i"), bytearray(), source))
            ended = ""
        written = template.render_turn(message)
        stop = _stop_of(messages[: index + 1], tools, template)
        _add(sequences[-1], tokenizer.text_ids(added.removeprefix(ended)), is_trained=False)
        _add(sequences[-1], tokenizer.text_ids(written + stop), is_trained=True)
        writer.take_completion(written)
        ended = stop
    return sequences


def _add(sequence: Encoded, token_ids: Sequence[int], *, is_trained: bool) -> None:
    sequence.token_ids.extend(token_ids)
    sequence.is_trained.extend(bytes([is_trained]) * len(token_ids))


def _stop_of(messages: Sequence[Message], tools: Sequence[ToolSpec], template: ToolTemplate) -> str:
    """Return the text that ends the last turn, as the template writes it.

    Some templates end a turn by what begins the next one; then that next one has to be written.
    """
    before = template.render(messages[:-1], tools)
    following = Message(role="user", content=_MARK)
    if messages[-1].tool_calls:
        following = Message(role="tool", content=_MARK, name=messages[-1].tool_calls[0].name)
    for given in (messages, (*messages, following)):
        text = template.render(given, tools, add_generation_prompt=False).partition(_MARK)[0]
        written = text[_num_common(before, text) :]
        places = [(written.rfind(stop), len(stop), stop) for stop in template.stop]
        at, _, stop = max(places, default=(-1, 0, ""))
        if at >= 0:
            return stop
    return template.stop[0]


def _num_common(left: str, right: str) -> int:
    """Return how many characters two texts begin with alike."""
    size = min(len(left), len(right))
    differing = (at for at in range(size) if left[at] != right[at])
    return size if left[:size] == right[:size] else next(differing)
