"""Write the JSON of arguments whose values arrive as bare text between tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any

from journeyman.templates.core.coercion import coerce, is_text, load_json, parameter_schema
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import ToolSpec

__all__ = ["ArgumentWriter", "keeps_value"]


def keeps_value(
    tool: ToolSpec | None, key: str, value: object, text: str, *, says_type: bool = False
) -> bool:
    """Whether an argument that is written as `text` is read back as the same value.

    `says_type` is for formats in which the text itself tells strings from the rest.
    """
    if says_type:
        return True
    read = coerce(text, parameter_schema(tool, key)).value
    return dump_json(read) == dump_json(value)


class ArgumentWriter:
    """Writes the arguments of one call as JSON text while their values arrive.

    A string is written as it arrives; any other value when it is complete, because its text has to
    be turned into the value that the schema asks for.
    """

    def __init__(
        self, turn: TurnBuilder, tool: ToolSpec | None, *, reads_python: bool = False
    ) -> None:
        self.turn = turn
        self.tool = tool
        self.values: dict[str, Any] = {}
        self._reads_python = reads_python
        self._pieces: list[str] = []
        self._key = ""
        self._start = 0
        self._schema: Mapping[str, Any] | None = None
        self._is_text = False
        self._is_json = False
        self._num_written = 0

    def open(self, key: str, start: int, is_string: bool | None = None) -> Callable[[str], None]:
        """Begin an argument at offset `start`; return what takes the pieces of its value.

        `is_string` is what the text itself says of the value; None leaves it to the schema.
        """
        self._key, self._start, self._pieces = key, start, []
        self._schema = parameter_schema(self.tool, key)
        self._is_text = is_text(self._schema) if is_string is None else is_string
        self._is_json = is_string is False
        opening = ("{" if self._num_written == 0 else ", ") + dump_json(key) + ": "
        self._num_written += 1
        self.turn.argument_text(opening + '"' if self._is_text else opening)
        is_streamed = self._is_text and self.turn.is_streamed
        return self._stream if is_streamed else self._pieces.append

    def lacks(self, key: str) -> bool:
        """Whether `key` is a declared parameter that was not given yet."""
        is_given = key in self.values or key == self._key
        return not is_given and parameter_schema(self.tool, key) is not None

    def _stream(self, piece: str) -> None:
        self._pieces.append(piece)
        self.turn.argument_text(encode_basestring(piece)[1:-1])

    def close(self, end: int) -> None:
        """End the argument at offset `end`."""
        if self._key in self.values:
            self._fault("duplicate_argument", f"`{self._key}` is given twice", end)
        text = "".join(self._pieces)
        if self._is_text:
            self.values[self._key] = text
            self.turn.argument_text('"')
            return
        value = self._coerced(text, end)
        self.values[self._key] = value
        self.turn.argument_text(dump_json(value))

    def _coerced(self, text: str, end: int) -> Any:
        if self._is_json:
            try:
                return load_json(text)
            except ValueError:
                self._fault("bad_json", f"`{self._key}` is no JSON", end)
        value, is_valid, is_python = coerce(text, self._schema)
        if not is_valid:
            self._fault("wrong_type", f"`{self._key}` does not fit its schema", end)
        if is_python and not self._reads_python:
            self._fault("bad_json", f"`{self._key}` is Python, not JSON", end)
        return value

    def _fault(self, kind: str, message: str, end: int) -> None:
        self.turn.fault(kind, message, self._start, end)

    def finish(self) -> dict[str, Any]:
        """End the arguments and return them."""
        self.turn.argument_text("}" if self._num_written else "{}")
        return self.values
