"""Small helpers for text, numbers, intervals, caches, graphs and tables."""

from pocketkit.cache import LruCache, memoize
from pocketkit.durations import format_duration, parse_duration
from pocketkit.graph import CycleError, reachable, shortest_path, topological_order
from pocketkit.intervals import Interval, merge, total_length
from pocketkit.table import format_table, parse_table
from pocketkit.text import camel_to_snake, common_prefix, indent, slugify, truncate, wrap

__all__ = [
    "CycleError",
    "Interval",
    "LruCache",
    "camel_to_snake",
    "common_prefix",
    "format_duration",
    "format_table",
    "indent",
    "memoize",
    "merge",
    "parse_duration",
    "parse_table",
    "reachable",
    "shortest_path",
    "slugify",
    "topological_order",
    "total_length",
    "truncate",
    "wrap",
]
