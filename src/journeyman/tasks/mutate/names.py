"""Kinds that use the wrong name: a variable, an attribute, a key, a slice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from tree_sitter import Node

from journeyman.tasks.mutate.source import Edit, Site, text
from journeyman.tasks.mutate.table import kind

__all__: list[str] = []

FUNCTIONS = ("function_definition", "lambda", "class_definition")


@kind("wrong_variable", "Another variable of the same scope is used", "identifier")
def wrong_variable(site: Site) -> Iterator[Edit]:
    """`return low` becomes `return high`."""
    if not _is_use(site.node):
        return
    names = _names_before(site.scope, site.node.start_byte)
    own = site.text()
    if own not in names or own in (b"self", b"cls"):
        return
    others = [name for name in names if name not in (own, b"self", b"cls")]
    index = names.index(own)
    for other in _nearest(others, index):
        yield site.replace(other)


def _nearest(others: list[bytes], index: int) -> list[bytes]:
    """Return up to two names that were defined just before and just after."""
    return others[max(0, index - 1) : index + 1]


def _is_use(node: Node) -> bool:
    parent = node.parent
    if parent is None or parent.type in ("parameters", "lambda_parameters", "global_statement"):
        return False
    field = _field_of(parent, node)
    if parent.type in ("default_parameter", "keyword_argument", "typed_parameter"):
        return parent.type == "keyword_argument" and field == "value"
    if parent.type in ("assignment", "augmented_assignment", "for_statement", "for_in_clause"):
        return field == "right"
    if parent.type in ("call", "function_definition", "class_definition", "attribute"):
        return parent.type == "attribute" and field == "object"
    return parent.type not in (
        "pattern_list",
        "tuple_pattern",
        "delete_statement",
        "as_pattern_target",
    )


def _field_of(parent: Node, node: Node) -> str | None:
    for index, child in enumerate(parent.children):
        if child.id == node.id:
            return parent.field_name_for_child(index)
    return None


def _names_before(scope: Node, byte: int) -> list[bytes]:
    """List parameters and variables bound in a function before a position, in order, once each."""
    return list(dict.fromkeys(name for start, name in _bindings(scope) if start < byte))


@lru_cache(maxsize=64)
def _bindings(scope: Node) -> tuple[tuple[int, bytes], ...]:
    found: list[tuple[int, bytes]] = []
    parameters = scope.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters else ():
        name = _parameter_name(parameter)
        if name is not None:
            found.append((name.start_byte, text(name)))
    body = scope.child_by_field_name("body")
    stack = [body] if body is not None else []
    while stack:
        node = stack.pop()
        if node.type in FUNCTIONS or node.type.endswith("comprehension"):
            continue
        if node.type in ("assignment", "for_statement"):
            found.extend(
                (node.end_byte if node.type == "assignment" else name.start_byte, text(name))
                for name in _targets(node.child_by_field_name("left"))
            )
        stack.extend(reversed(node.children))
    return tuple(sorted(found))


def _parameter_name(parameter: Node) -> Node | None:
    if parameter.type == "identifier":
        return parameter
    if parameter.type in ("default_parameter", "typed_default_parameter"):
        return parameter.child_by_field_name("name")
    if parameter.type == "typed_parameter":
        first = parameter.named_children[0]
        return first if first.type == "identifier" else None
    return None


def _targets(target: Node | None) -> list[Node]:
    if target is None:
        return []
    if target.type == "identifier":
        return [target]
    if target.type in ("pattern_list", "tuple_pattern"):
        return [child for child in target.named_children if child.type == "identifier"]
    return []


@kind("wrong_attribute", "Another attribute of the same object is read", "attribute")
def wrong_attribute(site: Site) -> Iterator[Edit]:
    """`self.start` becomes `self.stop` where the function or its class uses both."""
    owner = site.node.child_by_field_name("object")
    name = site.node.child_by_field_name("attribute")
    parent = site.node.parent
    if owner is None or name is None or parent is None or site.text(owner) != b"self":
        return
    if parent.type == "call" and _field_of(parent, site.node) == "function":
        return
    if parent.type == "assignment" and _field_of(parent, site.node) == "left":
        return
    names = list(_attributes(site.scope.parent or site.scope))
    others = [other for other in names if other != site.text(name)]
    if site.text(name) in names and others:
        yield site.replace(others[names.index(site.text(name)) % len(others)], name)


@lru_cache(maxsize=64)
def _attributes(scope: Node) -> tuple[bytes, ...]:
    """List the data attributes of `self` that are assigned or read, never called, in order."""
    found: dict[bytes, None] = {}
    called: set[bytes] = set()
    stack = [scope]
    while stack:
        node = stack.pop()
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if (
            node.type == "attribute"
            and owner is not None
            and name is not None
            and text(owner) == b"self"
        ):
            is_called = node.parent is not None and node.parent.type == "call"
            (called.add if is_called else found.setdefault)(text(name))
        stack.extend(reversed(node.children))
    return tuple(name for name in found if name not in called)


@kind("slice_change", "A bound or a step of a slice is lost", "slice")
def slice_change(site: Site) -> Iterator[Edit]:
    """`x[a:b]` becomes `x[:b]` or `x[a:]`; `x[::-1]` becomes `x[::]`."""
    if site.node.named_child_count > 1 or b":-" in site.text():
        for bound in site.node.named_children:
            yield site.replace(b"", bound)


@kind("dictionary_access_change", "A look-up treats a missing key another way", "call")
def dictionary_access_change(site: Site) -> Iterator[Edit]:
    """`d.get(k, v)` becomes `d.get(k)` or `d[k]`; `d.pop(k, v)` becomes `d.pop(k)`."""
    function = site.node.child_by_field_name("function")
    arguments = site.node.child_by_field_name("arguments")
    if function is None or arguments is None or function.type != "attribute":
        return
    owner, method = (
        function.child_by_field_name("object"),
        function.child_by_field_name("attribute"),
    )
    given = arguments.named_children
    if owner is None or method is None or not 1 <= len(given) <= 2:
        return
    if site.text(method) in (b"get", b"pop", b"setdefault") and len(given) == 2:
        yield Edit(given[0].end_byte, given[1].end_byte, b"")
    if site.text(method) in (b"get", b"setdefault"):
        yield site.replace(site.text(owner) + b"[" + site.text(given[0]) + b"]")
