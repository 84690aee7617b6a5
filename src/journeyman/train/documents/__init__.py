"""Training documents: what is written, which of its tokens are trained on, and how rows hold them."""

from journeyman.train.documents.document import Document, Span
from journeyman.train.documents.encode import Encoded, encode
from journeyman.train.documents.fill_in_middle import (
    Holed,
    fill_in_middle,
    hole_between_characters,
    hole_between_lines,
    hole_in_line,
    window,
)
from journeyman.train.documents.masks import find_repeats, mask_repeats, weigh_prompt
from journeyman.train.documents.pull_request import FileChange, pull_request_document
from journeyman.train.documents.repository import SourceFile, repository_document
from journeyman.train.documents.rows import IGNORED, Row, fill_row
from journeyman.train.documents.trajectories import sequences_of

__all__ = [
    "IGNORED",
    "Document",
    "Encoded",
    "FileChange",
    "Holed",
    "Row",
    "SourceFile",
    "Span",
    "encode",
    "fill_in_middle",
    "fill_row",
    "find_repeats",
    "hole_between_characters",
    "hole_between_lines",
    "hole_in_line",
    "mask_repeats",
    "pull_request_document",
    "repository_document",
    "sequences_of",
    "weigh_prompt",
    "window",
]
