"""Reads Python code: values are propagated as far as they are constant, effects are looked at.

Not an interpreter: both arms of a branch are read, loops over what is known run a few times, and
whatever cannot be followed is a hole. What calls mean is told by `effects`.
"""

from __future__ import annotations

import ast
import posixpath
import warnings
from typing import Any

from journeyman.guard.code.effects import apply_call
from journeyman.guard.code.operators import combine, iterated, without_magic
from journeyman.guard.code.values import (
    File,
    Name,
    PathText,
    call_method,
    call_pure,
    text_of,
)
from journeyman.guard.holes import UNKNOWN
from journeyman.guard.shell.machine import Machine

__all__ = ["PythonReader", "judge_python"]

_MOST_STEPS = 20_000
_MOST_CHARACTERS = 1 << 18
_MOST_ITERATIONS = 64
_MOST_DEPTH = 12

_SITE_PACKAGES = "/usr/lib/python3/site-packages"

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def judge_python(
    machine: Machine, text: str, *, argv: tuple[str, ...] = (), stdin: str = ""
) -> str:
    """Read Python code, report what it would do, and return what it prints."""
    from journeyman.guard.code.scripts import judge_script

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        plain = without_magic(text)
        if plain != text:
            return judge_python(machine, plain, argv=argv, stdin=stdin)
        return judge_script(machine, "python", text)
    reader = PythonReader(machine, argv, stdin)
    reader.read(tree)
    return reader.output


class PythonReader:
    """The state while one program is read."""

    def __init__(self, machine: Machine, argv: tuple[str, ...], stdin: str) -> None:
        self.machine = machine
        self.stdin = stdin
        self.output = ""
        self.constants: list[str] = []
        """Every text constant of the program: what low-level sockets may send."""
        self.scopes: list[dict[str, Any]] = [{"__name__": "__main__", "__file__": UNKNOWN}]
        self.argv: list[Any] = list(argv)
        self.emptied: dict[str, None] = {}
        """Files that were opened for writing and got nothing so far."""
        self._functions: dict[int, _Function] = {}
        self.assigned: list[str] = []
        """What was put into tables that are not known, as JSON would show it."""
        self._owners: dict[int, str] = {}
        self._called: set[int] = set()
        self._num_steps = 0
        self._depth = 0
        self._returned: Any = None

    def read(self, tree: ast.Module) -> None:
        """Read a whole program, and then the functions that it never called."""
        self.constants = [
            text_of(it.value)
            for it in ast.walk(tree)
            if isinstance(it, ast.Constant) and isinstance(it.value, str | bytes)
        ]
        self._block(tree.body)
        for key, function in list(self._functions.items()):
            if key not in self._called:
                self._call_function(function, [], {})
        for path in self.emptied:
            self.machine.write(path, "")

    # --- statements ---

    def _block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self._num_steps += 1
            if self._num_steps < _MOST_STEPS:
                self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                self.value(value)
            case ast.Return(value=value):
                self._returned = self.value(value) if value is not None else None
            case ast.Assign(targets=targets, value=value):
                result = self.value(value)
                for target in targets:
                    self._bind(target, result)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self._bind(target, self.value(value))
            case ast.AugAssign(target=target, op=operator, value=value):
                left = self.value(target)
                self._bind(target, combine(left, operator, self.value(value)))
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node)
            case ast.ClassDef():
                self._class(node)
            case ast.For() | ast.AsyncFor():
                self._for(node)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    entered = self.value(item.context_expr)
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, entered)
                self._block(body)
            case _:
                self._other(node)

    def _other(self, node: ast.stmt) -> None:
        """Read every expression and block of any other statement, in order."""
        for _, child in ast.iter_fields(node):
            for item in child if isinstance(child, list) else [child]:
                if isinstance(item, ast.stmt):
                    self._statement(item)
                elif isinstance(item, ast.expr):
                    self.value(item)
                elif isinstance(item, ast.ExceptHandler | ast.match_case):
                    self._block(item.body)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        items = self.value(node.iter)
        for item in iterated(items)[:_MOST_ITERATIONS]:
            if self._num_steps > _MOST_STEPS:
                break
            self._bind(node.target, item)
            self._block(node.body)
        self._block(node.orelse)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.scopes[-1][node.name] = node
        self._functions[id(node)] = node
        for decorator in node.decorator_list:
            self.value(decorator)

    def _class(self, node: ast.ClassDef) -> None:
        """Read a class; what it holds is known under its dotted name, also through instances."""
        self.scopes[-1][node.name] = Name(node.name)
        self.scopes.append({})
        self._block(node.body)
        for name, value in self.scopes.pop().items():
            self.scopes[0][f"{node.name}.{name}"] = value
            if isinstance(value, ast.FunctionDef | ast.AsyncFunctionDef):
                self._owners[id(value)] = node.name

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                dotted = alias.name if alias.asname else alias.name.partition(".")[0]
                self.scopes[-1][alias.asname or dotted] = Name(dotted)
                self._import_written(alias.name)
            return
        module = node.module or ""
        for alias in node.names:
            self.scopes[-1][alias.asname or alias.name] = Name(f"{module}.{alias.name}".lstrip("."))
        self._import_written(module)

    def _import_written(self, module: str) -> None:
        """Read a module that the agent wrote: importing it runs it."""
        world = self.machine.world
        path = world.resolve(module.replace(".", "/") + ".py", self.machine.cwd)
        if (text := world.files.get(path)) and self._depth < _MOST_DEPTH:
            self._depth += 1
            self.run_text(text)
            self._depth -= 1

    def _bind(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self.scopes[-1][name] = value
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                values = list(value) if isinstance(value, list | tuple | str) else []
                for i, element in enumerate(elements):
                    self._bind(element, values[i] if i < len(values) else UNKNOWN)
            case ast.Subscript(value=base, slice=index):
                table, key = self.value(base), self.value(index)
                if isinstance(table, dict) and isinstance(key, str | int):
                    table[key] = value
                elif isinstance(table, Name):
                    self.assigned.append(f'"{text_of(key)}": "{text_of(value)}"')
                    apply_call(self, f"{table.dotted}.__setitem__", [key, value], {})
            case ast.Attribute(value=base, attr=attribute):
                owner = self.value(base)
                if isinstance(owner, Name):
                    self.scopes[0][f"{owner.dotted.removesuffix('()')}.{attribute}"] = value
                    if owner.dotted == "sys" and attribute == "argv" and isinstance(value, list):
                        self.argv = value
            case ast.Starred(value=inner):
                self._bind(inner, UNKNOWN)

    # --- expressions ---

    def value(self, node: ast.expr | None) -> Any:
        """Return the value of an expression, as far as it is known."""
        self._num_steps += 1
        if node is None or self._num_steps > _MOST_STEPS:
            return UNKNOWN
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._lookup(name)
            case ast.JoinedStr(values=values):
                return "".join(text_of(self.value(it)) for it in values)
            case ast.FormattedValue(value=inner):
                return text_of(self.value(inner))
            case ast.BinOp(left=left, op=operator, right=right):
                return combine(self.value(left), operator, self.value(right))
            case ast.Attribute(value=base, attr=attribute):
                return self._attribute(self.value(base), attribute)
            case ast.Subscript(value=base, slice=index):
                return self._subscript(self.value(base), index)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self._elements(elements)
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                return {text_of(self.value(k)): self.value(v) for k, v in pairs if k is not None}
            case ast.Call():
                return self._call(node)
            case ast.NamedExpr(target=target, value=value):
                result = self.value(value)
                self._bind(target, result)
                return result
            case ast.Lambda():
                return node
            case ast.Await(value=inner) | ast.Starred(value=inner) | ast.YieldFrom(value=inner):
                return self.value(inner)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                return self._comprehension(node.elt, node.generators)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test)
                other = self.value(orelse)
                chosen = self.value(body)
                return chosen if chosen is not None else other
            case ast.BoolOp(values=values):
                results = [self.value(it) for it in values]
                return next((it for it in results if it not in (None, UNKNOWN)), UNKNOWN)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.value(operand)
                return -inner if isinstance(inner, int | float) else UNKNOWN
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)
                return UNKNOWN

    def _elements(self, elements: list[ast.expr]) -> list[Any]:
        found: list[Any] = []
        for element in elements:
            value = self.value(element)
            is_spread = isinstance(element, ast.Starred) and isinstance(value, list | tuple)
            found += value if is_spread else [value]
        return found

    def _lookup(self, name: str) -> Any:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return Name(name)

    def _attribute(self, base: Any, attribute: str) -> Any:
        if isinstance(base, Name):
            dotted = f"{base.dotted.removesuffix('()')}.{attribute}"
            if dotted in self.scopes[0]:
                return self.scopes[0][dotted]
            if attribute == "__file__":
                return self._module_file(base.dotted)
            if dotted == "sys.executable":
                return "python3"
            dotted = f"{base.dotted}.{attribute}"
            if dotted == "sys.argv":
                return self.argv
            return Name(dotted)
        if isinstance(base, PathText) and attribute == "parent":
            return PathText(posixpath.dirname(base))
        return UNKNOWN

    def _module_file(self, module: str) -> str:
        subject = self.machine.world.subject
        folder = subject.workspace if subject.is_own_package(module) else _SITE_PACKAGES
        return f"{folder}/{module}/__init__.py"

    def _subscript(self, base: Any, index: ast.expr) -> Any:
        if isinstance(index, ast.Slice):
            parts = [
                None if it is None else self.value(it)
                for it in (index.lower, index.upper, index.step)
            ]
            is_plain = all(it is None or isinstance(it, int) for it in parts) and parts[2] != 0
            if is_plain and isinstance(base, str | bytes | list):
                return base[slice(*parts)]
            return UNKNOWN
        key = self.value(index)
        try:
            if isinstance(base, str | bytes | list | dict):
                return base[key]
        except (LookupError, TypeError):
            return UNKNOWN
        if isinstance(base, Name) and isinstance(key, str):
            if base.dotted in ("os.environ", "os.environb"):
                return self.variable(key) or UNKNOWN
            if base.dotted == "sys.modules":
                return Name(key)
            if base.dotted.endswith(".__dict__"):
                return Name(f"{base.dotted.removesuffix('.__dict__')}.{key}")
        return Name(f"{base.dotted}[]") if isinstance(base, Name) else UNKNOWN

    def variable(self, name: str) -> str:
        """Return a variable of the environment; empty where it is not known."""
        return "".join(self.machine.parameters.values.get(name, []))

    def _comprehension(self, element: ast.expr, generators: list[ast.comprehension]) -> list[Any]:
        first, *more = generators
        items = self.value(first.iter)
        found: list[Any] = []
        for item in iterated(items)[:4096]:
            if self._num_steps > _MOST_STEPS:
                break
            self._bind(first.target, item)
            found += self._comprehension(element, more) if more else [self.value(element)]
        return found

    # --- calls ---

    def _call(self, node: ast.Call) -> Any:
        args = self._elements(node.args)
        keywords = {it.arg: self.value(it.value) for it in node.keywords if it.arg is not None}
        for it in node.keywords:
            spread = self.value(it.value) if it.arg is None else None
            keywords |= {str(k): v for k, v in spread.items()} if isinstance(spread, dict) else {}
        if isinstance(node.func, ast.Attribute):
            receiver = self.value(node.func.value)
            if not isinstance(receiver, Name | PathText | File):
                result = call_method(receiver, node.func.attr, args)
                if result is not None:
                    return result
            if isinstance(receiver, PathText | File):
                return apply_call(
                    self,
                    f"<{type(receiver).__name__}>.{node.func.attr}",
                    [receiver, *args],
                    keywords,
                )
        return self.call(self.value(node.func), args, keywords)

    def call(self, function: Any, args: list[Any], keywords: dict[str, Any]) -> Any:
        """Call a function of the program, a computation, or something with an effect."""
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return self._call_function(function, args, keywords)
        if not isinstance(function, Name):
            return UNKNOWN
        dotted = function.dotted
        if dotted == "map" and len(args) == 2 and isinstance(args[1], list | str | bytes):
            return [self.call(args[0], [it], {}) for it in list(args[1])[:4096]]
        pure = call_pure(dotted, args, keywords)
        return pure if pure is not None else apply_call(self, dotted, args, keywords)

    def _call_function(self, function: _Function, args: list[Any], keywords: dict[str, Any]) -> Any:
        self._called.add(id(function))
        if self._depth >= _MOST_DEPTH:
            return UNKNOWN
        self._depth += 1
        if owner := self._owners.get(id(function)):
            args = [Name(owner), *args]
        self.scopes.append(_arguments(function, args, keywords, self))
        kept, self._returned = self._returned, UNKNOWN
        if isinstance(function, ast.Lambda):
            self._returned = self.value(function.body)
        else:
            self._block(function.body)
        result, self._returned = self._returned, kept
        self.scopes.pop()
        self._depth -= 1
        return result

    def run_text(self, text: str) -> None:
        """Read code that this code runs: `exec`, `eval`, an import."""
        try:
            self._block(ast.parse(text).body)
        except (SyntaxError, ValueError, RecursionError):
            return


def _arguments(
    function: _Function, args: list[Any], keywords: dict[str, Any], reader: PythonReader
) -> dict[str, Any]:
    given = function.args
    names = [it.arg for it in (*given.posonlyargs, *given.args)]
    bound: dict[str, Any] = dict.fromkeys((*names, *(it.arg for it in given.kwonlyargs)), UNKNOWN)
    defaults = dict(zip(names[len(names) - len(given.defaults) :], given.defaults, strict=True))
    bound |= {name: reader.value(value) for name, value in defaults.items()}
    bound |= dict(zip(names, args, strict=False)) | keywords
    if given.vararg is not None:
        bound[given.vararg.arg] = args[len(names) :]
    return bound
