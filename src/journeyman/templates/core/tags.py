"""Write the JSON of arguments whose values arrive as bare text between tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any

from journeyman.templates.core.coercion import coerce, is_text, parameter_schema
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import ToolSpec

__all__ = ["ArgumentWriter"]


class ArgumentWriter:
    """Writes the arguments of one call as JSON text while their values arrive as bare text."""

    def __init__(self, turn: TurnBuilder, tool: ToolSpec | None) -> None:
        self.turn = turn
        self.tool = tool
        self.values: dict[str, Any] = {}
        self._pieces: list[str] = []
        self._key = ""
        self._start = 0
        self._schema: Mapping[str, Any] | None = None
        self._is_streamed = False
        self._num_written = 0

    def open(
        self, key: str, start: int, *, is_streamed: bool | None = None
    ) -> Callable[[str], None]:
        """Begin an argument at offset `start`; return what takes the pieces of its value."""
        self._key, self._start = key, start
        self._pieces = []
        self._schema = parameter_schema(self.tool, key)
        self._is_streamed = is_text(self._schema) if is_streamed is None else is_streamed
        opening = ("{" if self._num_written == 0 else ", ") + dump_json(key) + ": "
        self._num_written += 1
        self.turn.argument_text(opening + '"' if self._is_streamed else opening)
        return self._stream if self._is_streamed else self._pieces.append

    def lacks(self, key: str) -> bool:
        """Whether `key` is a declared parameter that was not given yet."""
        return (
            key not in self.values
            and key != self._key
            and parameter_schema(self.tool, key) is not None
        )

    def _stream(self, piece: str) -> None:
        self._pieces.append(piece)
        self.turn.argument_text(encode_basestring(piece)[1:-1])

    def close(self, end: int, value: Any = ...) -> None:
        """End the argument at offset `end`; `value` overrides what the schema makes of the text."""
        if self._key in self.values:
            self.turn.fault("duplicate_argument", f"`{self._key}` is given twice", self._start, end)
        text = "".join(self._pieces)
        if self._is_streamed:
            self.values[self._key] = text
            self.turn.argument_text('"')
            return
        if value is ...:
            value, is_valid = coerce(text, self._schema)
            if not is_valid:
                message = f"`{self._key}` does not fit its schema"
                self.turn.fault("wrong_type", message, self._start, end)
        self.values[self._key] = value
        self.turn.argument_text(dump_json(value))

    def finish(self) -> dict[str, Any]:
        """End the arguments and return them."""
        self.turn.argument_text("}" if self._num_written else "{}")
        return self.values
