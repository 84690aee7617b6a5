"""A training document as text: spans, each plain or a special token, each trained on or not.

What a file holds is always a plain span, so a repository that spells a special token cannot forge one.

    >>> document = Document((Span.special("<|fim_prefix|>"), Span("def f():")), source="fim")
    >>> document.text
    '<|fim_prefix|>def f():'
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = [
    "END_OF_TEXT",
    "FILE_SEPARATOR",
    "FIM_MIDDLE",
    "FIM_PAD",
    "FIM_PREFIX",
    "FIM_SUFFIX",
    "MESSAGE_END",
    "MESSAGE_START",
    "REPOSITORY_NAME",
    "SPECIAL_TOKENS",
    "Document",
    "Span",
]

END_OF_TEXT = "<|endoftext|>"
MESSAGE_START = "<|im_start|>"
MESSAGE_END = "<|im_end|>"
FIM_PREFIX = "<|fim_prefix|>"
FIM_MIDDLE = "<|fim_middle|>"
FIM_SUFFIX = "<|fim_suffix|>"
FIM_PAD = "<|fim_pad|>"
REPOSITORY_NAME = "<|repo_name|>"
FILE_SEPARATOR = "<|file_sep|>"

SPECIAL_TOKENS = (
    END_OF_TEXT,
    MESSAGE_START,
    MESSAGE_END,
    FIM_PREFIX,
    FIM_MIDDLE,
    FIM_SUFFIX,
    FIM_PAD,
    REPOSITORY_NAME,
    FILE_SEPARATOR,
)
"""Qwen's special tokens that documents use, as they are spelled in its tokenizer."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text."""

    text: str
    is_special: bool = False
    """True if the text is one special token."""
    is_trained: bool = True
    """Whether its tokens enter the loss."""

    @classmethod
    def special(cls, token: str, *, is_trained: bool = True) -> Span:
        """Make the span of one special token."""
        return cls(token, is_special=True, is_trained=is_trained)


@dataclass(frozen=True, slots=True)
class Document:
    """Spans in order."""

    spans: tuple[Span, ...]
    source: str = ""
    """Which kind of data it is, for the loss by source, e.g. `repository`."""

    @property
    def text(self) -> str:
        """The whole of it, special tokens spelled out."""
        return "".join(span.text for span in self.spans)

    def as_context(self) -> Document:
        """Return the same document with nothing trained on."""
        return replace(self, spans=tuple(replace(span, is_trained=False) for span in self.spans))
