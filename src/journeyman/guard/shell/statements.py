"""The statements of the shell: lists, pipelines, loops, branches, functions, redirections.

Both sides of `&&` and `||` are run, and of a branch both arms: what a condition would say is not
known. Where the arms differ in what they set, the machine is run once for each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tree_sitter import Node

from journeyman.guard.foreign import compile_foreign
from journeyman.guard.holes import UNKNOWN, is_known
from journeyman.guard.shell.machine import Invocation, Machine
from journeyman.guard.shell.quoting import glob_pattern, split_raw
from journeyman.guard.shell.redirections import Redirections, read_redirections
from journeyman.guard.shell.syntax import parse, without

__all__ = ["execute_text"]

_MOST_ITERATIONS = 24
_REDIRECTS = ("file_redirect", "heredoc_redirect", "herestring_redirect")
_SEPARATORS = re.compile(r"(?:&&|\|\||[;&\n])")


def execute_text(machine: Machine, text: str) -> str:
    """Run shell text in `machine` and return what it prints."""
    tree = parse(text)
    source = tree.root_node.text or b""
    return _Statements(machine, source, offset=tree.root_node.start_byte).run(tree.root_node)


class _Statements:
    """The statements of one text."""

    def __init__(self, machine: Machine, source: bytes, *, offset: int) -> None:
        self.machine = machine
        self.source = b" " * offset + source
        self._kinds: dict[str, Callable[[Node], str]] = {
            "command": self._command,
            "redirected_statement": self._redirected,
            "pipeline": self._pipeline,
            "variable_assignment": self._assignment,
            "declaration_command": self._declaration,
            "unset_command": self._unset,
            "function_definition": self._function,
            "subshell": self._subshell,
            "for_statement": self._for,
            "c_style_for_statement": self._counted_for,
            "while_statement": self._while,
            "if_statement": self._if,
            "case_statement": self._case,
            "test_command": self._test,
            "comment": lambda _: "",
            "string": self._command,
            "word": self._command,
            "concatenation": self._command,
            "simple_expansion": self._command,
            "expansion": self._command,
            "command_substitution": self._command,
            "ERROR": self._broken,
        }

    def run(self, node: Node) -> str:
        self.machine.spend()
        kind = self._kinds.get(node.type)
        return kind(node) if kind else self._sequence(node.named_children)

    def _sequence(self, nodes: list[Node]) -> str:
        return "".join(self.run(node) for node in nodes)

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode(errors="replace")

    # --- simple commands ---

    def _command(self, node: Node) -> str:
        if any(child.type == "ERROR" for child in node.children):
            return self._broken(node)
        redirects = [it for it in node.children if it.type in _REDIRECTS]
        env, assignments = self._environment(node)
        text = without(node, self.source, [*redirects, *assignments])
        given = read_redirections(self.machine, redirects, self._text)
        return self._redirecting(given, lambda: self._simple(text, env))

    def _environment(self, command: Node) -> tuple[dict[str, str], list[Node]]:
        """Return the variables set for one command, and the nodes that set them."""
        assignments = [it for it in command.children if it.type == "variable_assignment"]
        pairs = (self._text(it).partition("=") for it in assignments)
        return {name: self.machine.expander().value(value) for name, _, value in pairs}, assignments

    def _simple(self, text: str, env: dict[str, str]) -> str:
        fields = self.machine.expander().fields(text)
        while fields and not fields[0]:
            fields = fields[1:]
        if not fields:
            for name, value in env.items():
                self.machine.parameters.set(name, value)
            return ""
        return self.machine.call(Invocation(fields[0], tuple(fields[1:]), self.machine.stdin, env))

    def _broken(self, node: Node) -> str:
        """Run what the grammar could not read, cut at its separators."""
        output = ""
        for part in _pieces(self._text(node)):
            for stage in part.split("|"):
                words = [it for it in split_raw(stage) if it not in ("{", "}", "(", ")", "!")]
                assigned = re.fullmatch(r"(\w+)=(.*)", words[0], re.S) if words else None
                if assigned and len(words) == 1:
                    value = self.machine.expander().value(assigned[2])
                    self.machine.parameters.set(assigned[1], value)
                elif words:
                    self.machine.stdin = output if stage is not part else self.machine.stdin
                    output = self._simple(" ".join(words), {})
        return output

    def _redirected(self, node: Node) -> str:
        redirects = [it for it in node.children if it.type in _REDIRECTS]
        body = node.child_by_field_name("body")
        if body is not None and body.type == "command":
            redirects += [it for it in body.children if it.type in _REDIRECTS]
        given = read_redirections(self.machine, redirects, self._text)
        if body is not None and body.type in ("list", "pipeline"):
            return self._redirected_list(body, given)
        output = self._redirecting(given, lambda: self._redirected_body(body, redirects, given))
        for follower in given.piped:
            output = self._with_stdin(follower, output)
        return output + self._sequence(given.following)

    def _redirected_list(self, body: Node, given: Redirections) -> str:
        """A redirection behind `a && b` or `a | b` is the last command's alone."""
        *first, last = body.named_children
        output = ""
        for child in first:
            output = self.run(child) if body.type == "list" else self._with_stdin(child, output)
        if body.type == "list":
            if last.type in ("list", "pipeline"):
                return output + self._redirected_list(last, given)
            output += self._redirecting(given, lambda: self.run(last))
        else:
            given.stdin = output if given.stdin is None else given.stdin
            output = self._redirecting(given, lambda: self.run(last))
        for follower in given.piped:
            output = self._with_stdin(follower, output)
        given.piped = []
        output += self._sequence(given.following)
        given.following = []
        return output

    def _redirected_body(
        self, body: Node | None, redirects: list[Node], given: Redirections
    ) -> str:
        if body is None:
            return ""
        if body.type != "command":
            return self.run(body)
        env, assignments = self._environment(body)
        text = without(body.parent or body, self.source, [*redirects, *assignments])
        return self._simple(" ".join((text, *given.words)), env)

    def _redirecting(self, given: Redirections, run: Callable[[], str]) -> str:
        machine = self.machine
        before = machine.stdin
        machine.stdin = before if given.stdin is None else given.stdin
        output = run()
        machine.stdin = before if given.stdin is not None else machine.stdin
        for path, is_appended in given.targets:
            machine.write(path, output, is_appended=is_appended)
        return "" if given.targets else output

    # --- lists and pipes ---

    def _pipeline(self, node: Node) -> str:
        output: str | None = None
        for child in node.named_children:
            output = self.run(child) if output is None else self._with_stdin(child, output)
        return output or ""

    def _with_stdin(self, node: Node, stdin: str) -> str:
        if node.type == "pipeline":
            for child in node.named_children:
                stdin = self._with_stdin(child, stdin)
            return stdin
        before, self.machine.stdin = self.machine.stdin, stdin
        output = self.run(node)
        self.machine.stdin = before
        return output

    def _subshell(self, node: Node) -> str:
        with self.machine.child():
            return self._sequence(node.named_children)

    # --- variables and functions ---

    def _assignment(self, node: Node) -> str:
        left, _, right = self._text(node).partition("=")
        is_added = left.endswith("+")
        name = left.rstrip("+")
        expander, parameters = self.machine.expander(), self.machine.parameters
        if right.startswith("("):
            self._assign_array(name, right[1:-1], is_added=is_added)
            return ""
        value = expander.value(right)
        if is_added:
            value = (parameters.values.get(name) or [""])[0] + value
        parameters.set(name, value)
        return ""

    def _assign_array(self, name: str, inner: str, *, is_added: bool) -> None:
        expander, parameters = self.machine.expander(), self.machine.parameters
        if pairs := re.findall(r"\[([^\]]+)\]=((?:'[^']*'|\"[^\"]*\"|\S)+)", inner):
            for key, raw in pairs:
                parameters.set(f"{name}[{expander.value(key)}]", expander.value(raw))
            return
        before = parameters.values.get(name, []) if is_added else []
        parameters.values[name] = [*before, *expander.fields(inner)]

    def _declaration(self, node: Node) -> str:
        for child in node.named_children:
            if child.type == "variable_assignment":
                self._assignment(child)
        words = self.machine.expander().fields(self._text(node))
        return self.machine.call(Invocation(words[0], tuple(words[1:]), self.machine.stdin))

    def _unset(self, node: Node) -> str:
        for name in split_raw(self._text(node))[1:]:
            self.machine.parameters.values.pop(name, None)
        return ""

    def _function(self, node: Node) -> str:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None and body is not None:
            self.machine.functions[self._text(name)] = self._text(body)
            self.machine.call(Invocation("function", (self._text(name), self._text(body))))
        return ""

    # --- loops and branches ---

    def _for(self, node: Node) -> str:
        name = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        raw = " ".join(self._text(it) for it in node.children_by_field_name("value"))
        values = self.machine.expander().fields(raw) if raw else list(self.machine.parameters.words)
        output = ""
        for value in values[:_MOST_ITERATIONS]:
            if name is not None and body is not None:
                self.machine.parameters.set(self._text(name), value)
                output += self.run(body)
        return output

    def _counted_for(self, node: Node) -> str:
        body = node.child_by_field_name("body")
        start = re.match(r"for\s*\(\(\s*(\w+)\s*=\s*(\d+)", self._text(node))
        limit = re.search(r";\s*\w+\s*<(=?)\s*([^;]+);", self._text(node))
        bound = self.machine.expander().value(limit[2]).strip() if limit else ""
        last = int(bound) + (limit[1] == "=") if limit and bound.isdigit() else 1
        output = ""
        for number in range(int(start[2]) if start else 0, min(last, 256)):
            if start:
                self.machine.parameters.set(start[1], str(number))
            output += self.run(body) if body is not None else ""
        return output

    def _while(self, node: Node) -> str:
        body = node.child_by_field_name("body")
        output = ""
        for _ in range(_MOST_ITERATIONS):
            before = self.machine.stdin
            output += self._sequence(
                [it for it in node.children_by_field_name("condition") if it.is_named]
            )
            output += self.run(body) if body is not None else ""
            if self.machine.stdin == before or not self.machine.stdin:
                break
        return output

    def _if(self, node: Node) -> str:
        arms = list(_arms(node))
        output = "".join(self._sequence(condition) for condition, _ in arms)
        bodies = [body for _, body in arms]
        return output + self._branches(self.machine.in_order(bodies))

    def _case(self, node: Node) -> str:
        value = node.child_by_field_name("value")
        word = self.machine.expander().value(self._text(value)) if value is not None else UNKNOWN
        items = [it for it in node.named_children if it.type == "case_item"]
        bodies = []
        for item in items:
            patterns = [self._text(it) for it in item.children_by_field_name("value")]
            body = [
                it for it in item.named_children if it not in item.children_by_field_name("value")
            ]
            if not is_known(word) or any(_matches(word, pattern) for pattern in patterns):
                bodies.append(body)
        return self._branches(bodies[:1] if is_known(word) else bodies)

    def _branches(self, bodies: list[list[Node]]) -> str:
        """Run every arm from the same state, and go on from that of the last."""
        output = ""
        for number, body in enumerate(bodies):
            if number + 1 < len(bodies):
                with self.machine.child():
                    output += self._sequence(body)
            else:
                output += self._sequence(body)
        return output

    def _test(self, node: Node) -> str:
        text = self._text(node)
        words = self.machine.expander().fields(text.strip("[]() "))
        return self.machine.call(Invocation("test", tuple(words)))


def _arms(node: Node) -> Iterator[tuple[list[Node], list[Node]]]:
    """Yield conditions and body of an `if` and of each of its clauses."""
    condition: list[Node] = []
    body: list[Node] = []
    is_body = node.type == "else_clause"
    clauses = []
    for child in node.children:
        if child.type == "then":
            is_body = True
        elif child.type in ("elif_clause", "else_clause"):
            clauses.append(child)
        elif child.is_named:
            (body if is_body else condition).append(child)
    yield condition, body
    for clause in clauses:
        yield from _arms(clause)


def _matches(word: str, pattern: str) -> bool:
    regex = compile_foreign(glob_pattern(pattern.strip("'\"")))
    return regex is None or regex.fullmatch(word) is not None


def _pieces(text: str) -> list[str]:
    """Cut text at separators outside quotes."""
    pieces: list[str] = []
    current = ""
    for unit in re.findall(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|&&|\|\||\\.|[\s\S]", text):
        if _SEPARATORS.fullmatch(unit):
            pieces, current = [*pieces, current], ""
        else:
            current += unit
    return [*pieces, current]
