"""What of a corpus is trained on: not what is poor, said already, not free, or asked by a benchmark."""

from journeyman.train.filters.clean import CleanSettings, clean
from journeyman.train.filters.contamination import Contamination
from journeyman.train.filters.duplicates import drop_duplicates
from journeyman.train.filters.licence import find_licence
from journeyman.train.filters.quality import why_poor

__all__ = [
    "CleanSettings",
    "Contamination",
    "clean",
    "drop_duplicates",
    "find_licence",
    "why_poor",
]
