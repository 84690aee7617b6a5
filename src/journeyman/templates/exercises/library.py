"""Functions of the standard library as tools: their real names, first sentences and signatures.

>>> tool = tool_of("textwrap", "indent")
>>> list(tool.parameters["properties"])
['text', 'prefix', 'predicate']
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

from journeyman.templates.exercises.exercise import Split, ToolSet, split_of
from journeyman.types import ToolSpec

__all__ = ["library_tools", "library_toolsets", "tool_of"]

_MODULE_NAMES = (
    "argparse ast asyncio base64 binascii bisect calendar cmath code codecs colorsys compileall "
    "configparser copy csv ctypes.util datetime difflib dis email.utils fileinput filecmp fnmatch "
    "fractions functools gc getopt getpass gettext glob gzip hashlib heapq hmac html http.client "
    "imaplib importlib.util inspect io ipaddress json keyword linecache locale logging "
    "logging.config lzma mailbox math mimetypes multiprocessing ntpath numbers operator os "
    "os.path pathlib pickle pkgutil platform plistlib posixpath pprint profile py_compile pydoc "
    "quopri random re reprlib runpy secrets shelve shlex shutil signal site smtplib socket "
    "sqlite3 ssl statistics string stringprep struct subprocess sys sysconfig tarfile tempfile "
    "textwrap threading time timeit token tokenize traceback types typing unicodedata unittest "
    "urllib.parse urllib.request urllib.robotparser uuid venv warnings wave weakref webbrowser "
    "xml.dom.minidom xml.etree.ElementTree xml.sax.saxutils zipapp zipfile zlib"
)
_MODULES = tuple(_MODULE_NAMES.split())
_MOST_PARAMETERS = 5
_MOST_LETTERS = 70
_NUMBER_NAMES = (
    "n k num number count size width height depth level port timeout limit maxsplit maxlen year "
    "month day hour minute second seconds start stop step index lineno indent tabsize length "
    "nbytes ndigits precision max_workers pid signum fd mode flags seed bufsize"
)
_NUMBERS = frozenset(_NUMBER_NAMES.split())
_KINDS = {bool: "boolean", int: "integer", float: "number", list: "array", tuple: "array"}


@cache
def library_tools() -> tuple[ToolSpec, ...]:
    """Return a tool for every plain function of the library with one to five parameters, by name."""
    found: dict[str, ToolSpec] = {}
    for name in _MODULES:
        for function in _names_of(name):
            tool = tool_of(name, function)
            if tool is not None:
                found[tool.name] = tool
    return tuple(found[name] for name in sorted(found))


def library_toolsets(number: int, *, split: Split, seed: int, size: int = 2) -> list[ToolSet]:
    """Draw sets of at most `size` functions of one split, each set small enough for short prompts."""
    tools = [tool for tool in library_tools() if split_of(tool) == split]
    draw = Random(f"library {split} {seed}")  # noqa: S311
    return [
        ToolSet(name="library", tools=tuple(draw.sample(tools, draw.randint(1, size))))
        for _ in range(number)
    ]


def tool_of(module: str, function: str) -> ToolSpec | None:
    """Describe one function as a tool; None for what has no such signature."""
    parameters = _parameters(getattr(importlib.import_module(module), function, None))
    if not parameters or len(parameters) > _MOST_PARAMETERS:
        return None
    required = [name for name, it in parameters.items() if it.default is it.empty]
    properties = {name: {"type": _kind(name, it.default)} for name, it in parameters.items()}
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    described = inspect.getdoc(getattr(importlib.import_module(module), function)) or ""
    return ToolSpec(
        name=f"{module.replace('.', '_')}_{function}",
        description=_sentence(described),
        parameters=schema,
    )


def _names_of(module: str) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            home = importlib.import_module(module)
    except ImportError:  # Python is built without some of them
        return []
    public = getattr(home, "__all__", None) or [it for it in vars(home) if it[0] != "_"]
    return [it for it in public if inspect.isroutine(getattr(home, it, None))]


def _parameters(function: Any) -> Mapping[str, inspect.Parameter]:
    if not inspect.isroutine(function):
        return {}
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    plain = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(it.kind in plain or name.startswith("_") for name, it in found.items()):
        return {}
    return found


def _kind(name: str, default: Any) -> str:
    if default is inspect.Parameter.empty or default is None:
        return "integer" if name in _NUMBERS else "string"
    return _KINDS.get(type(default), "string")


def _sentence(text: str) -> str:
    line = " ".join(text.split("\n\n")[0].split()).split(". ")[0].rstrip(".")
    return line if len(line) <= _MOST_LETTERS else line[:_MOST_LETTERS].rsplit(" ", 1)[0]
