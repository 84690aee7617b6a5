"""Harmony, the frame of gpt-oss: messages with a recipient and a channel, whatever a call's body is.

A turn is a sequence of messages: reasoning goes to the channel `analysis`, a call to `commentary` with
the tool as recipient, text beside calls to `commentary` without one, the answer to `final`. The bytes
are those of openai-harmony, without a date in the system message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from journeyman.templates.core.conversation import in_turns, pair_results, split_system
from journeyman.templates.core.cursor import Cursor, marks_of, scan
from journeyman.templates.core.prose import end_turn, read_stray
from journeyman.templates.core.turn import TurnBuilder
from journeyman.templates.core.typescript import declare_namespace
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["CALL", "END", "HARMONY_DELIMITERS", "HARMONY_STOPS", "RETURN", "START", "Harmony"]

START, MESSAGE, CHANNEL = "<|start|>", "<|message|>", "<|channel|>"
END, CALL, RETURN = "<|end|>", "<|call|>", "<|return|>"
HARMONY_STOPS = (RETURN, CALL)
HARMONY_DELIMITERS = (START, MESSAGE, CHANNEL, END, CALL, RETURN, "<|constrain|>")
_ENDS = (END, CALL, RETURN, START)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_RECIPIENT = re.compile(r"to=(?:functions\.)?([^\s<]+)")
_ROLE = re.compile(r"\s*(?:assistant\b|to=|<\||\Z)")
_SYSTEM = """You are ChatGPT, a large language model trained by OpenAI.
Knowledge cutoff: 2024-06

Reasoning: medium

# Valid channels: analysis, commentary, final. Channel must be included for every message."""
_CALLS = "\nCalls to these tools must go to the commentary channel: 'functions'."

ReadBody = Callable[[Cursor, TurnBuilder, str], Generator[None, None, dict[str, Any]]]
"""Reads the body of a call of the tool named."""


@dataclass(frozen=True)
class Harmony:
    """One dialect: what the bodies of calls are."""

    content_type: str
    write_body: Callable[[ToolCall], str]
    read_body: ReadBody
    call_note: str = ""
    """Stands behind the declarations: what a call's body is, where that is not the models' own."""

    # --- reading ---------------------------------------------------------------------------

    def read(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        """Read the messages of a turn, which begins behind `<|start|>assistant`."""
        marks = marks_of(MESSAGE, *_ENDS)
        while True:
            start = cursor.offset
            pieces: list[str] = []
            match = yield from scan(cursor, marks, pieces.append)
            header, mark = "".join(pieces), match.group() if match else ""
            if not _ROLE.match(header):
                turn.fault("bad_syntax", "text outside a message", start, cursor.offset)
                turn.content("" if mark == MESSAGE else header)
            if mark == MESSAGE:
                cursor.at += len(mark)
                mark = yield from self._read_message(cursor, turn, header, start)
            if mark not in (START, END, CALL):
                break
            cursor.at += len(mark)
            is_over = mark == CALL and not (yield from self._goes_on(cursor))
            if is_over:
                mark = ""
                break
        yield from end_turn(cursor, turn, mark)

    def _goes_on(self, cursor: Cursor) -> Generator[None, None, bool]:
        """Whether another message begins behind a call."""
        while (begins := cursor.has(START)) is None:
            yield
        return bool(begins)

    def _read_message(
        self, cursor: Cursor, turn: TurnBuilder, header: str, start: int
    ) -> Generator[None, None, str]:
        """Read a message's body; return the delimiter at its end, at which the cursor stands."""
        recipient, channel = _RECIPIENT.search(header), _CHANNEL.search(header)
        if recipient:
            return (yield from self._read_call(cursor, turn, recipient.group(1), start))
        is_analysis = channel is not None and channel.group(1) == "analysis"
        if channel is None:
            turn.fault("bad_syntax", "the message has no channel", start, cursor.offset)
        marks = marks_of(*_ENDS)
        emit = turn.reasoning if is_analysis else turn.content
        match = yield from scan(cursor, marks, emit)
        return match.group() if match else ""

    def _read_call(
        self, cursor: Cursor, turn: TurnBuilder, name: str, start: int
    ) -> Generator[None, None, str]:
        turn.open_call(name, start)
        arguments = yield from self.read_body(cursor, turn, name)
        marks = marks_of(*_ENDS)
        mark = yield from read_stray(cursor, turn, marks, "text_in_call", "stray text in the call")
        if mark in (END, START):
            turn.fault("unclosed_call", f"{CALL} is missing", start, cursor.offset)
        turn.close_call(arguments, cursor.offset + len(mark) * (mark == CALL))
        return mark

    # --- writing ---------------------------------------------------------------------------

    def write_turn(self, message: Message) -> str:
        """Write a turn from behind `<|start|>assistant`, without the token that ends it."""
        text = self._messages(message, RETURN).removeprefix(f"{START}assistant")
        return text.removesuffix(RETURN).removesuffix(CALL)

    def _messages(self, message: Message, end: str) -> str:
        """Write the messages of a turn; `end` closes one that answers."""
        opening, parts = f"{START}assistant", []
        if message.reasoning:
            parts.append(f"{opening}{CHANNEL}analysis{MESSAGE}{message.reasoning}{END}")
        if not message.tool_calls:
            parts.append(f"{opening}{CHANNEL}final{MESSAGE}{message.content}{end}")
        elif message.content:
            parts.append(f"{opening}{CHANNEL}commentary{MESSAGE}{message.content}{END}")
        for call in message.tool_calls:
            head = f"{opening} to=functions.{call.name}{CHANNEL}commentary <|constrain|>"
            parts.append(f"{head}{self.content_type}{MESSAGE}{self.write_body(call)}{CALL}")
        return "".join(parts)

    def write(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool
    ) -> str:
        """Write a conversation; without the prompt, an answer at its end is one to learn from."""
        text, rest = split_system(messages)
        parts = [f"{START}system{MESSAGE}{_SYSTEM}{_CALLS if tools else ''}{END}"]
        sections = ["# Instructions", text] if text else []
        sections += ["# Tools", declare_namespace("functions", tools)] if tools else []
        sections += [self.call_note] if tools and self.call_note else []
        if sections:
            developer = "\n\n".join(sections)
            parts.append(f"{START}developer{MESSAGE}{developer}{END}")
        calls: Sequence[ToolCall] = ()
        kept = _drop_analysis(rest)
        for turn in in_turns(kept):
            message = turn[0]
            if message.role == "tool":
                parts += [_result(*pair) for pair in pair_results(turn, calls)]
            elif message.role == "assistant":
                calls = message.tool_calls
                is_target = message is kept[-1] and not add_prompt
                parts.append(self._messages(message, RETURN if is_target else END))
            else:
                role = "developer" if message.role == "system" else message.role
                parts.append(f"{START}{role}{MESSAGE}{message.content}{END}")
        return "".join(parts) + (f"{START}assistant" if add_prompt else "")


def _result(result: Message, call: ToolCall | None) -> str:
    name = call.name if call else result.name
    return f"{START}functions.{name} to=assistant{CHANNEL}commentary{MESSAGE}{result.content}{END}"


def _drop_analysis(messages: Sequence[Message]) -> list[Message]:
    """Drop the reasoning before the first answer, once an answer is the last of the assistant."""
    answers = [i for i, m in enumerate(messages) if m.role == "assistant" and not m.tool_calls]
    last = max((i for i, m in enumerate(messages) if m.role == "assistant"), default=-1)
    first = answers[0] if last in answers else -1
    return [
        message.model_copy(update={"reasoning": ""}) if index <= first else message
        for index, message in enumerate(messages)
    ]
