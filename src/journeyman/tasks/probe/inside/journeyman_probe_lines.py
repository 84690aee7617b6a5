"""Runs inside a sandbox: marks the statements of sources as they are imported, to see which run.

Each statement gets `__journeyman_hits__[i] = 1` before it, and each lambda the same as a call. The
rest of the process (the tests, pytest, the standard library) runs at full speed, which no tracer of
Python 3.11 allows. Statement granularity: a line inside a statement is not told from its first.
"""

import ast
import builtins
import os
import sys
from importlib.machinery import SourceFileLoader

HITS = "__journeyman_hits__"
HIT = "__journeyman_hit__"
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Hits:
    """Which statements of which files have run since the last look."""

    def __init__(self, root, names):
        self.names = {os.path.join(root, name): name for name in names}
        self.names.update({os.path.realpath(path): name for path, name in self.names.items()})
        self.hits = []
        self.places = []

    def install(self):
        """Mark every listed file that is imported from now on."""
        setattr(builtins, HITS, self.hits)
        setattr(builtins, HIT, self.hit)
        plain = SourceFileLoader.get_code

        def get_code(loader, fullname):
            name = self.names.get(loader.path)
            marked = None if name is None else self.marked(name, loader.path)
            if marked is None:
                return plain(loader, fullname)
            if not sys.dont_write_bytecode:
                plain(loader, fullname)  # so that the plain file is compiled for later runs
            return marked

        SourceFileLoader.get_code = get_code

    def marked(self, name, path):
        """Return the file's code with marks; None where it cannot be compiled."""
        try:
            with open(path, "rb") as stream:
                tree = ast.parse(stream.read(), path)
            marker = Marker(len(self.places))
            code = compile(ast.fix_missing_locations(marker.visit(tree)), path, "exec", 0, True)
        except (OSError, SyntaxError, ValueError, RecursionError):
            return None
        self.places.extend((name, line) for line in marker.lines)
        self.hits.extend([0] * len(marker.lines))
        return code

    def hit(self, index):
        """Count a lambda as run."""
        self.hits[index] = 1

    def take(self):
        """Return the places that have run since the last call."""
        hits, found, index = self.hits, [], -1
        while True:
            try:
                index = hits.index(1, index + 1)
            except ValueError:
                return found
            hits[index] = 0
            found.append(self.places[index])


class Marker(ast.NodeTransformer):
    """Puts a mark before every statement and into every lambda."""

    def __init__(self, first):
        self.first = first
        self.lines = []

    def generic_visit(self, node):
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and isinstance(node, WITH_DOCSTRING) and is_docstring(block):
                setattr(node, field, [block[0], *self.with_marks(block[1:])])
            elif isinstance(block, list):
                setattr(node, field, self.with_marks(block))
        return node

    def visit_Lambda(self, node):
        super().generic_visit(node)
        if not any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in ast.walk(node.body)):
            call = ast.Call(ast.Name(HIT, ast.Load()), [self.number_of(node)], [])
            pair = ast.Tuple([call, node.body], ast.Load())
            body = ast.Subscript(pair, subscript(ast.Constant(1)), ast.Load())
            node.body = ast.copy_location(body, node.body)
        return node

    def with_marks(self, block):
        marked = []
        for statement in block:
            is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            if not is_future:
                marked.append(self.mark(statement))
            marked.append(statement)
        return marked

    def mark(self, node):
        hits = ast.Name(HITS, ast.Load())
        target = ast.Subscript(hits, subscript(self.number_of(node)), ast.Store())
        return ast.copy_location(ast.Assign([target], ast.Constant(1)), node)

    def number_of(self, node):
        self.lines.append(node.lineno)
        return ast.Constant(self.first + len(self.lines) - 1)


def is_docstring(block):
    """Tell whether a body begins with a docstring, which must stay its first statement."""
    value = block[0].value if block and isinstance(block[0], ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def subscript(node):
    """Return what stands between brackets; Python 3.8 wants it wrapped."""
    return node if sys.version_info >= (3, 9) else ast.Index(node)
