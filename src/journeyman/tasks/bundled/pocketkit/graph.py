"""Graphs given as a mapping from a node to the nodes that it leads to."""

import heapq
from collections import deque


class CycleError(ValueError):
    """The graph has a cycle, so it has no order; `nodes` are those that are on or behind it."""

    def __init__(self, nodes):
        super().__init__(f"the graph has a cycle among {sorted(nodes, key=str)}")
        self.nodes = nodes


def _nodes(graph):
    found = dict.fromkeys(graph)
    for targets in graph.values():
        for target in targets:
            found.setdefault(target)
    return list(found)


def topological_order(graph):
    """Return every node after all that lead to it; equal choices in the order of first mention."""
    nodes = _nodes(graph)
    num_incoming = dict.fromkeys(nodes, 0)
    for targets in graph.values():
        for target in targets:
            num_incoming[target] += 1
    ready = deque(node for node in nodes if num_incoming[node] == 0)
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for target in graph.get(node, ()):
            num_incoming[target] -= 1
            if num_incoming[target] == 0:
                ready.append(target)
    if len(order) < len(nodes):
        raise CycleError({node for node in nodes if num_incoming[node] > 0})
    return order


def reachable(graph, start):
    """Return the set of nodes that can be reached from `start`, itself included."""
    seen = {start}
    todo = [start]
    while todo:
        node = todo.pop()
        for target in graph.get(node, ()):
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def shortest_path(graph, start, goal):
    """Return `(cost, nodes)` of a cheapest way through a mapping of mappings to costs.

    Returns None where there is no way. Costs must not be negative.
    """
    queue = [(0, 0, start, None)]
    came_from = {}
    num_pushed = 0
    while queue:
        cost, _, node, previous = heapq.heappop(queue)
        if node in came_from:
            continue
        came_from[node] = previous
        if node == goal:
            return cost, _walk_back(came_from, node)
        for target, step in graph.get(node, {}).items():
            if step < 0:
                raise ValueError(f"the cost from {node!r} to {target!r} is negative")
            if target not in came_from:
                num_pushed += 1
                heapq.heappush(queue, (cost + step, num_pushed, target, node))
    return None


def _walk_back(came_from, node):
    path = []
    while node is not None:
        path.append(node)
        node = came_from[node]
    path.reverse()
    return path
