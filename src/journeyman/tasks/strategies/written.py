"""Bugs that a model writes: `modify` puts a mistake in, `rewrite` writes a body anew.

The answer is read strictly. It must be one definition of the same name, with the same signature, that
does something else; where it is, it takes the old one's place and the file must still compile, or in
other languages than Python be as readable by its grammar as it was.

    bug = await WrittenBug("modify", target, seed=0).make(asker)
"""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass
from typing import Literal

from journeyman.tasks.asking import Asker, code_block
from journeyman.tasks.bug import Bug, Unmade, make_bug
from journeyman.tasks.mutate.source import parse
from journeyman.tasks.strategies.answered import Refusal, put_in
from journeyman.tasks.strategies.prompts import ask_modify, ask_rewrite, modifier, rewriter
from journeyman.tasks.strategies.remove import bare_definition
from journeyman.tasks.strategies.targets import Target

__all__ = ["WrittenBug"]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class WrittenBug:
    """A bug that is yet to be asked for."""

    strategy: Literal["modify", "rewrite"]
    target: Target
    seed: int = 0

    @property
    def label(self) -> str:
        """Where it will be, for people."""
        return f"{self.target.label} {self.strategy}"

    async def make(self, asker: Asker) -> Bug | Unmade:
        """Ask, read the answer and put it into the file. Raises as `Asker.ask` does."""
        bare = bare_definition(self.target)
        is_modify = self.strategy == "modify"
        answer = await asker.ask(
            (modifier if is_modify else rewriter)(self.target.language),
            ask_modify(self.target) if is_modify else ask_rewrite(self.target, bare),
            about=f"{self.target.path}:{self.target.name}",
            seed=self.seed,
        )
        if answer.failure:
            return self._unmade("model_refused", answer.failure)
        code = code_block(answer.text)
        if code is None:
            return self._unmade("model_unreadable", "not exactly one code block")
        return self._placed(code)

    def _placed(self, code: str) -> Bug | Unmade:
        data = (
            self._in_python(code) if self.target.language == "python" else put_in(self.target, code)
        )
        if isinstance(data, Refusal):
            return self._unmade(data.reason, data.why)
        bug = make_bug(
            self.strategy,
            f"lm_{self.strategy}",
            {self.target.path: (self.target.source.data, data)},
            functions=(self.target.name,),
        )
        return bug or self._unmade("model_unchanged", "the same code")

    def _in_python(self, code: str) -> bytes | Refusal:
        written = _definition(code)
        before = _definition(textwrap.dedent(self.target.indentation + self.target.code))
        leaf = self.target.leaf
        if written is None or before is None or written.name != leaf:
            return Refusal("model_unreadable", f"not one definition of {leaf}")
        if _signature(written) != _signature(before):
            return Refusal("model_unreadable", "another signature")
        if _meaning(written) == _meaning(before):
            return Refusal("model_unchanged", "the same code")
        return self._with(code, written) or Refusal(
            "model_unreadable", "the file would not compile"
        )

    def _with(self, code: str, written: _Definition) -> bytes | None:
        """Return the file with the definition replaced; decorators stay as they are."""
        lines = textwrap.dedent(code).rstrip().split("\n")[written.lineno - 1 :]
        indentation = self.target.indentation
        rest = (indentation + line if line.strip() else line for line in lines[1:])
        text = "\n".join([lines[0], *rest])
        source, node = self.target.source, self.target.node
        data = source.data[: node.start_byte] + text.encode() + source.data[node.end_byte :]
        try:
            compile(data, source.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return None
        return None if parse(source.path, data).tree.root_node.has_error else data

    def _unmade(self, reason: str, why: str) -> Unmade:
        return Unmade(reason=reason, example=f"{self.label}: {why}")


def _definition(code: str) -> _Definition | None:
    """Return the one definition that a piece of code is; nothing may stand beside it."""
    try:
        body = ast.parse(textwrap.dedent(code)).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    return body[0] if len(body) == 1 and isinstance(body[0], _Definition) else None


def _signature(node: _Definition) -> str:
    """Return what callers see: names, order and defaults of the parameters, not annotations."""
    if isinstance(node, ast.ClassDef):
        return f"class {[ast.unparse(base) for base in node.bases]}"
    arguments = ast.parse(f"def f({ast.unparse(node.args)}): pass").body[0]
    assert isinstance(arguments, ast.FunctionDef)
    for argument in ast.walk(arguments.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return f"{type(node).__name__} {ast.unparse(arguments.args)}"


def _meaning(node: _Definition) -> str:
    """Return the code without docstrings, decorators and annotations, which change nothing."""
    for inner in ast.walk(node):
        if isinstance(inner, _Definition):
            inner.decorator_list = []
            first = inner.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                inner.body = inner.body[1:] or [ast.Pass()]
    return ast.dump(node)
