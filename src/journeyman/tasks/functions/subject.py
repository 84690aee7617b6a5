"""A documented function that becomes a problem: its definition, its documentation, its statement.

>>> [it.leaf for it in list_subjects(Path("toolz"), seed=0)][:2]  # doctest: +SKIP
['take', 'merge']
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from journeyman.tasks.strategies.remove import bare_definition
from journeyman.tasks.strategies.targets import Target, list_targets

__all__ = ["Subject", "list_subjects", "statement_of"]

_MOST_CONTEXT = 40
_LONGEST_LINE = 120
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Subject:
    """One function of a module's top level."""

    target: Target
    folder: str
    """Where Python has to look for the module, relative to the project, e.g. `src`."""
    module: str
    """Dotted name of the module."""

    @property
    def leaf(self) -> str:
        """The function's name."""
        return self.target.name

    @property
    def definition(self) -> ast.FunctionDef:
        """The function as Python parses it."""
        node = ast.parse(textwrap.dedent(self.target.code)).body[0]
        assert isinstance(node, ast.FunctionDef)
        return node

    @property
    def documentation(self) -> str:
        """The docstring, without its indentation."""
        return ast.get_docstring(self.definition) or ""


def list_subjects(root: Path, *, seed: int, exclude: Collection[str] = ()) -> list[Subject]:
    """List the documented public functions of a project's modules, in an order that the seed gives."""
    targets = list_targets(root, seed=seed, exclude=exclude, kinds=("function",))
    return [
        Subject(target, *_module_of(root, target.path)) for target in targets if _is_subject(target)
    ]


def statement_of(subject: Subject, project: str) -> str:
    """Return the problem: what to write, where, and what the file has for it."""
    target = subject.target
    context = _context(target.source.data.decode(), subject.leaf)
    around = f"\n\nThe file has these as well:\n\n```python\n{context}\n```" if context else ""
    return (
        f"Write the function `{subject.leaf}` of `{target.path}` ({project}) as its documentation "
        f"says:\n\n{_fenced(bare_definition(target))}{around}\n\n"
        "It may compute and call what is there; it may not run programs, evaluate text as code, use "
        "the network or write files unless the documentation asks for it.\n"
    )


def _is_subject(target: Target) -> bool:
    is_public = "." not in target.name and not target.name.startswith("_")
    if not is_public or not target.is_documented or target.indentation:
        return False
    node = ast.parse(target.code).body[0]
    return isinstance(node, ast.FunctionDef) and bool(ast.get_docstring(node))


def _module_of(root: Path, path: str) -> tuple[str, str]:
    """Return the folder to import from, and the dotted name: up to the last `__init__.py`."""
    file = PurePosixPath(path)
    names = [] if file.stem == "__init__" else [file.stem]
    folder = file.parent
    while str(folder) != "." and (root / folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    return str(folder), ".".join(names)


def _context(text: str, leaf: str) -> str:
    """Return the module's imports and the first lines of what else it defines."""
    lines, found = text.split("\n"), []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += lines[node.lineno - 1 : node.end_lineno]
        elif isinstance(node, _Function) and node.name != leaf:
            found.append(f"def {node.name}({ast.unparse(node.args)}): ...")
        elif isinstance(node, ast.ClassDef):
            found.append(f"class {node.name}: ...")
        elif isinstance(node, ast.Assign) and not _is_dunder(node):
            found.append(lines[node.lineno - 1])
    return "\n".join(line[:_LONGEST_LINE] for line in found[:_MOST_CONTEXT])


def _is_dunder(node: ast.Assign) -> bool:
    return any(isinstance(it, ast.Name) and it.id.startswith("__") for it in node.targets)


def _fenced(code: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}python\n{code.rstrip()}\n{fence}"
