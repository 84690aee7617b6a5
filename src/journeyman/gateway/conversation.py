"""The turns of a session as a tree: what one client asked and was answered, branch by branch.

A client sends its whole history with every call. Where that repeats what it was shown, the call
continues the branch; where it differs (compaction, sub-agents, edited messages), another begins.
Tokens are kept as what each turn added, in arrays, so a long conversation stays small.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from journeyman.gateway.respelling import is_respelled
from journeyman.types import Message, ToolSpec, Turn

__all__ = ["Conversations", "Node", "Place", "TokenHash", "digest_tokens"]

_NUM_DIGEST_BYTES = 16


@dataclass(eq=False, slots=True)
class Node:
    """One turn of one branch."""

    parent: Node | None
    turn: Turn
    """The turn; its tokens and log-probabilities are kept below."""
    tools: tuple[ToolSpec, ...]
    protocol: str
    prompt_ids: array[int]
    """What the prompt adds to all tokens before, or the whole prompt where it is rewritten."""
    token_ids: array[int]
    logprobs: array[float]
    prompt_digest: str
    """Of the prompt's tokens as the model was given them; empty where it was given none."""
    wire_ids: dict[str, str] = field(default_factory=dict)
    """From a call's identifier as the client knows it to the template's own."""
    index: int = -1
    """Its place among the session's turns, by their ends."""

    def path(self) -> list[Node]:
        """Return the turns from the first of the conversation to this one."""
        nodes: list[Node] = []
        node: Node | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]

    def messages(self) -> list[Message]:
        """Return the conversation up to and with this turn."""
        return [
            message
            for node in self.path()
            for message in (*node.turn.prompt_messages, node.turn.message)
        ]

    def text(self) -> str:
        """Return all that the model has seen and written."""
        parts: list[str] = []
        for node in self.path():
            if node.turn.prompt_is_rewritten:
                parts.clear()
            parts += (node.turn.prompt_text, node.turn.completion.text)
        return "".join(parts)

    def tokens(self) -> array[int]:
        """Return all tokens that the model has seen and written."""
        found: array[int] = array("I")
        for node in self.path():
            if node.turn.prompt_tokens_are_rewritten:
                found = array("I")
            found += node.prompt_ids
            found += node.token_ids
        return found


@dataclass(slots=True)
class Place:
    """Where in the tree a call belongs."""

    parent: Node | None
    num_known: int
    """How many of the call's messages the parent's branch holds."""
    digest: Any
    """A hash that has taken in all of the call's messages."""


class Conversations:
    """All turns of one session, found again by the history that a client repeats."""

    def __init__(self, *, num_remembered: int | None = None) -> None:
        self.nodes: list[Node] = []
        """Every turn in the order of its end; empty where only the latest are remembered."""
        self._known: OrderedDict[bytes, Node] = OrderedDict()
        self._shown: OrderedDict[str, Message] = OrderedDict()
        """Answers that call tools, by the identifier of their first call."""
        self._num_added = 0
        self._num_remembered = num_remembered

    def place(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Place:
        """Find the longest branch that `messages` continue."""
        digest = hashlib.blake2b(digest_size=_NUM_DIGEST_BYTES)
        digest.update(json.dumps([tool.model_dump() for tool in tools], default=str).encode())
        parent, num_known = None, 0
        for index, message in enumerate(messages, start=1):
            digest.update(_canonical(self._as_shown(message)))
            if message.role == "assistant":
                key = digest.digest()
                node = self._known.get(key)
                if node is not None:
                    self._known.move_to_end(key)
                    parent, num_known = node, index
        return Place(parent, num_known, digest)

    def add(self, place: Place, node: Node, answer: Message) -> None:
        """Keep a turn; `answer` is its message as the client was shown it."""
        place.digest.update(_canonical(answer))
        node.index = self._num_added
        self._num_added += 1
        self._known[place.digest.digest()] = node
        if answer.tool_calls:
            self._shown[answer.tool_calls[0].id] = answer
        if self._num_remembered is None:
            self.nodes.append(node)
            return
        for kept in (self._known, self._shown):
            if len(kept) > self._num_remembered:
                kept.popitem(last=False)

    def _as_shown(self, message: Message) -> Message:
        """Return a turn as the client was shown it, where it respells the calls of that turn."""
        if message.role != "assistant" or not message.tool_calls:
            return message
        shown = self._shown.get(message.tool_calls[0].id)
        return shown if shown is not None and is_respelled(message, shown) else message

    def alias(self, digest: Any, node: Node, answer: Message) -> None:
        """Let a turn also be found by a history that does not hold all that led to it.

        `digest` has taken in that history; it is used up.
        """
        digest.update(_canonical(answer))
        self._known[digest.digest()] = node


class TokenHash:
    """A digest of tokens that takes in more and more of them, to compare long prompts by."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=_NUM_DIGEST_BYTES)

    def update(self, tokens: array[int]) -> None:
        """Take in more tokens."""
        self._hash.update(tokens.tobytes())

    def copy(self) -> TokenHash:
        """Return another one that has taken in the same."""
        other = TokenHash()
        other._hash = self._hash.copy()
        return other

    def digest(self) -> str:
        """Return the digest of all so far."""
        return self._hash.hexdigest()


def digest_tokens(tokens: array[int]) -> str:
    """Return the digest of some tokens."""
    taken = TokenHash()
    taken.update(tokens)
    return taken.digest()


def _canonical(message: Message) -> bytes:
    """What two histories must have in common: clients drop reasoning, rename calls, trim texts."""
    if message.role != "assistant":
        return f"{message.role} {len(message.content)} {message.content}\n".encode(
            "utf-8", "surrogatepass"
        )
    content = message.content.strip()
    calls = [
        f"{call.name} {json.dumps(_same_numbers(call.arguments), sort_keys=True)}"
        for call in message.tool_calls
    ]
    return f"assistant {len(content)} {content} {calls}\n".encode("utf-8", "surrogatepass")


def _same_numbers(value: Any) -> Any:
    """JavaScript writes 1.0 as 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _same_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_same_numbers(item) for item in value]
    return value
